"""Which way imports point among the rooms of `gan_jax`, and who knows devices."""

import ast
from collections.abc import Iterator
from pathlib import Path

import gan_jax

PACKAGE = Path(gan_jax.__file__).parent
PROGRAMS = "the programs"
VERSION = "the package itself"
# From low to high: a room, or a module that stands on another floor than the rest of its room, may
# import itself and what is on lower floors.
FLOORS = (
    ("core",),
    ("config.fields", VERSION),
    ("config.hyperparameters", "core.flag_numbers"),
    ("core.cli",),
    ("examples", "report", "study"),
    ("data", "models"),
    ("game",),
    ("metrics", "diagnostics"),
    ("config",),
    ("run",),
    ("sweep", "latent"),
    ("search",),
    (PROGRAMS,),
)
HEIGHT = {place: height for height, floor in enumerate(FLOORS) for place in floor}
OF_DEVICES = {
    "devices",
    "local_devices",
    "device_count",
    "local_device_count",
    "distributed",
    "pmap",
    "shard_map",
}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").strip("."): (
        ast.parse(path.read_text(encoding="utf-8"))
    )
    for path in PACKAGE.rglob("*.py")
}


def place(module: str) -> str:
    """Where a module stands, its name without "gan_jax.": the longest name in `FLOORS`."""
    parts = module.split(".") if module else []
    for count in range(len(parts), 0, -1):
        if (name := ".".join(parts[:count])) in HEIGHT:
            return name
    return PROGRAMS if parts else VERSION


def imported(tree: ast.Module) -> Iterator[str]:
    """The full names of all that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}".removeprefix("gan_jax.")
                yield f"gan_jax.{inner}" if inner in MODULES else node.module


def test_every_room_is_on_a_floor():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == {name for name in HEIGHT if name.isidentifier()}
    assert all(name in MODULES for name in HEIGHT if name not in (PROGRAMS, VERSION))


def points_up(module: str, name: str) -> bool:
    root, _, rest = name.partition(".")
    if root != "gan_jax":
        return root in ("experiments", "tests", "configs")
    here, there = place(module), place(rest)
    return there != here and HEIGHT[there] >= HEIGHT[here]


def test_imports_point_down():
    up = [
        f"{module} imports {name}"
        for module, tree in MODULES.items()
        for name in imported(tree)
        if points_up(module, name)
    ]
    assert not up


def test_the_rule_knows_up_from_down():
    assert not points_up("game.schemes.unrolled", "gan_jax.game.update")
    assert not points_up("main", "gan_jax.run.train")
    assert points_up("game.losses", "gan_jax.run.train")
    assert points_up("core.files", "gan_jax.core.cli")
    assert points_up("sweep.jobs", "gan_jax.latent.space")
    assert points_up("models.cnn", "experiments.published")


def uses_of_devices(tree: ast.Module) -> Iterator[str]:
    """What a module takes of JAX that depends on which devices there are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in OF_DEVICES:
            if isinstance(node.value, ast.Name) and node.value.id == "jax":
                yield f"jax.{node.attr}, line {node.lineno}"
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "jax":
            yield from (alias.name for alias in node.names if alias.name in OF_DEVICES)


def test_only_the_core_knows_devices():
    found = {name: list(uses_of_devices(tree)) for name, tree in MODULES.items()}
    assert {name for name, uses in found.items() if uses} == {"core.devices"}
    assert list(uses_of_devices(ast.parse("from jax import pmap"))) == ["pmap"]

"""The config: what it may hold, that every field of it counts, and who may know whom."""

import ast
import functools
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shipped
from ml_collections import ConfigDict

from configs import base
from gan_jax.config.fields import KINDS, RULES, check, flatten
from gan_jax.core.errors import InputError, choose
from gan_jax.core.names import CHOICE_ALIASES, FIELD_ALIASES
from gan_jax.game.losses import LOSSES
from gan_jax.game.optimizers import OPTIMIZERS
from gan_jax.game.penalties import PENALTIES
from gan_jax.metrics import PROTOCOLS
from gan_jax.models.norms import NORMS

ROOT = Path(base.__file__).parents[1]
SOURCES = {
    path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8"))
    for room in ("gan_jax", "configs", "experiments")
    for path in sorted((ROOT / room).rglob("*.py"))
}
LIBRARY = [path for path in SOURCES if path.parts[0] == "gan_jax"]


# Values


def test_rules_and_fields_are_the_same():
    assert RULES.keys() == flatten(base.get_config()).keys()


def test_flatten():
    assert flatten({"a": 1, "b": {"c": {"d": 2}, "e": ""}}) == {"a": 1, "b.c.d": 2, "b.e": ""}


@pytest.mark.parametrize("name", ["base", *shipped.RUNS])
def test_shipped_configs_pass(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    check(config)
    fields, expected = flatten(config), flatten(base.get_config())
    assert fields.keys() == expected.keys()
    assert {key: type(value) for key, value in fields.items()} == {
        key: type(value) for key, value in expected.items()
    }


NAN, INFINITY = float("nan"), float("inf")
BAD = {  # by the last part of the key, where the whole is not given
    "pack": [0],
    "classes": [-1],
    "categories": [-1],
    "continuous": [-1],
    "weight": [-1.0, NAN, INFINITY],
    "auxiliary_weight": [-1.0, NAN, INFINITY],
    "deviation": [-0.1, NAN, INFINITY],
    "updates": [-1],
    "probability": [-0.1, 1.1, NAN],
    "target": [-0.1, 1.0, NAN],
    "images": [0],
    "seed": [-1, 2**32],
    "image_size": [0, -28],
    "latent": [0],
    "width": [0],
    "kernel": [0],
    "dropout": [-0.1, 1.0, NAN],
    "initial_scale": [0.0, -1.0, NAN, INFINITY],
    "learning_rate": [0.0, -1e-3, NAN, INFINITY],
    "b1": [-0.1, 1.0, NAN],
    "b2": [-0.1, 1.0, NAN],
    "smoothing": [-0.1, 1.0, NAN],
    "momentum": [-1.0, 1.0, NAN],
    "warmup": [-1],
    "clip": [-1.0, NAN, INFINITY],
    "clip_weights": [-0.01, NAN, INFINITY],
    "stop": [-1],
    "schedule.discriminator": [0, -1],
    "schedule.generator": [0, -1],
    "unit": ["steps", ""],
    "half_life": [-1.0, NAN, INFINITY],
    "steps": [0],
    "batch_size": [0, -8],
    "rounds_a_dispatch": [-1],
    "every": [0, -1],
    "keep": [0],
    "count": [0, -1],
    "depth": [0, -1],
    **{key: [""] for key in ("name", "dtype", "source", "data_dir", "norm", "loss", "decay")},
    **{key: [""] for key in ("scheme", "protocol", "aggregate", "activation")},
    **{key: [""] for key in ("conditioning", "minibatch", "kind", "prior")},
    "warmup_rounds": [-1],
    "warmup_discriminator": [0],
    "unroll": [0],
    "lookahead_rounds": [0],
    "lookahead_share": [0.0, 1.5, NAN],
    "consensus_weight": [-0.1, NAN, INFINITY],
    "symplectic_weight": [-0.1, NAN, INFINITY],
}
GOOD = {
    "pack": [1],
    "categories": [0],
    "weight": [0],
    "deviation": [0.0],
    "policy": [""],
    "probability": [0.0, 1.0],
    "target": [0.0],
    "seed": [0, 2**32 - 1],
    "image_size": [1],
    "dropout": [0.0, 0.999],
    "learning_rate": [1e-9, 10.0],
    "b1": [0.0],
    "b2": [0.0],
    "smoothing": [0.0, 0.999],
    "momentum": [-0.5, 0.0],
    "warmup": [0],
    "clip": [0.0, 1.0],
    "clip_weights": [0.0, 0.01],
    "stop": [0],
    "unit": ["step", "epoch"],
    "half_life": [0, 0.5],
    "warmup_rounds": [0, 25],
    "lookahead_share": [1.0],
    "consensus_weight": [0.0],
    "symplectic_weight": [0.0],
    "raw_dir": [""],
    "every": [1],
    "keep": [1],
    "rounds_a_dispatch": [0, 100],
}


def cases(table):
    return [
        (key, value)
        for key in RULES
        for value in table.get(key, table.get(key.rpartition(".")[2], []))
    ]


def with_value(key, value):
    config = base.get_config()
    with config.ignore_type():
        config.update_from_flattened_dict({key: value})
    return config


@pytest.mark.parametrize(("key", "value"), cases(BAD))
def test_each_rule_refuses_what_it_must(key, value):
    with pytest.raises(InputError) as caught:
        check(with_value(key, value))
    assert caught.value.key == f"config.{key}"
    assert caught.value.value is value
    assert caught.value.why == RULES[key].says != ""
    assert str(caught.value).startswith(f"config.{key}={value}: ")


@pytest.mark.parametrize(("key", "value"), cases(GOOD))
def test_each_rule_lets_the_edge_pass(key, value):
    check(with_value(key, value))


def test_every_rule_is_tried():
    assert {key for key, _ in cases(BAD)} == {key for key in RULES if RULES[key].says}


NUMBERS = [key for key in RULES if RULES[key].kind in (int, float)]


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", [2**63, -1, NAN, INFINITY, 10**400], ids=repr)
def test_absurd_numbers_are_refused_in_one_line(key, value):
    with pytest.raises(InputError) as caught:
        check(ConfigDict(nested(key, value)))
    assert caught.value.key == f"config.{key}"
    assert len(str(caught.value).splitlines()) == 1


def nested(key, value):
    """The base config's fields, one of them another value of any type."""
    fields = base.get_config().to_dict()
    *groups, name = key.split(".")
    functools.reduce(dict.__getitem__, groups, fields)[name] = value
    return fields


WRONG_KIND = {int: ["16", 1.5, True, [1]], float: ["1e-3", False], bool: [1, "true"], str: [3]}


@pytest.mark.parametrize("key", RULES)
def test_a_value_of_another_kind_is_refused(key):
    kind = RULES[key].kind
    for value in WRONG_KIND[kind]:
        with pytest.raises(InputError, match=f"^config.{key}=.*: must be {KINDS[kind]}$"):
            check(ConfigDict(nested(key, value)))


def test_numbers_are_read_in_their_fields_types():
    written = nested("train.steps", 1e4)
    written["optim"]["generator"]["learning_rate"] = 1
    written["train"]["batch_size"] = np.int64(32)
    written["smoothing"] = np.float32(0.5)
    read = check(ConfigDict(written))
    values = flatten(read)
    assert {key: type(value) for key, value in values.items()} == {
        key: RULES[key].kind for key in RULES
    }
    assert values["train.steps"] == 10_000
    assert values["optim.generator.learning_rate"] == 1.0
    assert values["train.batch_size"] == 32
    assert values["smoothing"] == 0.5


def test_what_was_checked_stays_as_it_is():
    config = base.get_config()
    checked = check(config)
    config.train.steps = 7
    assert checked.train.steps == base.get_config().train.steps
    with pytest.raises(AttributeError, match="immutable"):
        checked.train.steps = 7
    assert check(checked) == checked


MEANT = {
    "los": "config.loss",
    "optim.generator.lr": "config.optim.generator.learning_rate",
    "optim.generator.beta1": "config.optim.generator.b1",
    "train.lr": "config.optim.generator.learning_rate or config.optim.discriminator.learning_rate",
    "train.batch": "config.train.batch_size",
    "train.epochs": "config.train.steps",
    "train.stepz": "config.train.steps",
    "train.loss": "config.loss",
    "model.z_dim": "config.model.latent",
    "quux": None,
}


@pytest.mark.parametrize("key", MEANT)
def test_a_field_that_is_none_offers_the_one_that_was_meant(key):
    with pytest.raises(InputError, match=f"^config.{key}=3: no such field") as caught:
        check(ConfigDict(nested(key, 3)))
    meant = f", did you mean {MEANT[key]}?" if MEANT[key] else ""
    assert caught.value.why == f"no such field{meant}"


def test_no_alias_hides_a_name_that_there_is():
    assert FIELD_ALIASES.keys().isdisjoint(key.rpartition(".")[2] for key in RULES)
    for table in (LOSSES, PENALTIES, NORMS, OPTIMIZERS, PROTOCOLS):
        assert CHOICE_ALIASES.keys().isdisjoint(table)


@pytest.mark.parametrize("name", FIELD_ALIASES)
def test_every_field_alias_names_a_field(name):
    assert FIELD_ALIASES[name] in {key.rpartition(".")[2] for key in RULES}


@pytest.mark.parametrize(
    ("name", "table", "meant"),
    [
        ("hing", LOSSES, "hinge"),
        ("wgan", LOSSES, "wasserstein"),
        ("wgan_gp", PENALTIES, "gradient"),
        ("bn", NORMS, "batch"),
        ("adm", OPTIMIZERS, "adam"),
    ],
)
def test_a_choice_that_is_none_offers_the_one_that_was_meant(name, table, meant):
    with pytest.raises(InputError, match=f"unknown, did you mean {meant}. choose from "):
        choose("config.x", name, table)


@pytest.mark.parametrize("key", RULES)
def test_nothing_is_no_value(key):
    with pytest.raises(InputError, match=f"^config.{key}=None: "):
        check(with_value(key, None))


def test_a_field_missing_or_unknown_is_named():
    config = base.get_config()
    del config.model.generator.width
    with pytest.raises(InputError, match=r"^config\.model\.generator\.width=None: missing"):
        check(config)
    config = base.get_config()
    config.train.epochs = 3
    with pytest.raises(InputError, match=r"^config\.train\.epochs=3: no such field"):
        check(config)


def test_configs_load_without_jax():
    imports = "; ".join(f"import configs.{name}" for name in shipped.ALL)
    code = f"import sys; {imports}; sys.exit('jax' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


# Every field is read


def chain(node: ast.AST) -> str:
    """ "a.b.c" for the expression a.b.c, or an empty string."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


@functools.cache
def parents(path: Path) -> dict[ast.AST, ast.AST]:
    nodes = ast.walk(SOURCES[path])
    return {child: node for node in nodes for child in ast.iter_child_nodes(node)}


def takers(parent: ast.AST, path: Path) -> list[Path]:
    """Files that read what an expression below `parent` hands over: those of the module whose
    function it calls, or the file itself."""
    if not isinstance(parent, ast.Call) or "." not in chain(parent.func):
        return [path]
    room = chain(parent.func).split(".")[0]
    return [other for other in LIBRARY if room in (*other.parts, other.stem)]


def is_read(key: str, paths: list[Path], holders: tuple[str, ...] = ("config",)) -> bool:
    """Whether some file reads a config's field `key`: as a whole, or in parts, where the rest is
    read by those to whom the first part is handed."""
    for path in paths:
        above = parents(path)
        for node in above:
            if not isinstance(node, ast.Attribute) or isinstance(above[node], ast.Attribute):
                continue
            links = chain(node).split(".")
            starts = [i for i, link in enumerate(links) if link in holders]
            field = ".".join(links[starts[-1] + 1 :]) if starts else ""
            if not field or not f"{key}.".startswith(f"{field}."):
                continue
            rest, parent = key[len(field) + 1 :], above[node]
            if not rest:
                return True
            if is_unpacked(parent):
                room = [other for other in LIBRARY if path.parent in other.parents]
                if any(chain(n) == f"self.{rest}" for p in room for n in ast.walk(SOURCES[p])):
                    return True
                continue
            there = takers(parent, path)
            names = ("config",) if there != [path] else tuple(loop_variables(above, node))
            if names and is_read(rest, there, names):
                return True
    return False


def is_unpacked(parent: ast.AST) -> bool:
    """Whether a field below `parent` becomes the attributes of the room's own objects: by ** or by
    a function of the file that does so."""
    by_stars = isinstance(parent, ast.keyword) and parent.arg is None
    return by_stars or (isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name))


def loop_variables(above: dict[ast.AST, ast.AST], node: ast.AST) -> Iterator[str]:
    """Names that a comprehension gives to the elements of the tuple that `node` is in."""
    loop = above.get(above[node])
    if isinstance(loop, ast.comprehension) and isinstance(loop.target, ast.Name):
        yield loop.target.id


@pytest.mark.parametrize("key", RULES)
def test_every_field_is_read(key):
    assert is_read(key, LIBRARY)


@pytest.mark.parametrize(
    "key",
    [
        "nobody",
        "train.nobody",
        "optim.generator.nobody",
        "data.nobody",
        "model.nobody",
        "model.generator.nobody",
        "log.often",
    ],
)
def test_a_field_that_nothing_reads_is_found(key):
    assert not is_read(key, LIBRARY)


def defaults(tree: ast.AST) -> list[str]:
    """Reads of a config that would hide a field that is missing: config.get(…), getattr(config, …),
    or of any part of one."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = chain(node.func)
        if name == "getattr" and len(node.args) > 2:
            name = f"{chain(node.args[0])}.getattr"
        *holders, method = name.split(".")
        if method in ("get", "setdefault", "getattr") and "config" in holders:
            found.append(f"line {node.lineno}: {name}")
    return found


def test_no_read_of_a_config_has_a_default():
    found = {str(path): defaults(SOURCES[path]) for path in LIBRARY}
    assert not {path: reads for path, reads in found.items() if reads}


def test_reads_with_defaults_are_found():
    reads = ("config.get('a')", "self.config.optim.get('b', 1)", "getattr(config.train, 'c', 2)")
    assert all(len(defaults(ast.parse(read))) == 1 for read in reads)
    assert not defaults(ast.parse("found.get('d'); config.optim[name]; getattr(config, name)"))

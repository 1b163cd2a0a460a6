"""Does the device compute what the CPU computes?

A round of every shipped config with its own networks and a batch of 16 (two of them, narrowed to 4
features, and a batch of 4, if tiny), on random pixels or points, from the same initial state:
the losses, and the change of both players' parameters. The optimizers are plain gradient descent
at a rate of 0.1, so that a change is a gradient (Adam's first steps are as large where there is
nothing but rounding). Compared are float32 on the device at the highest precision, float32 at its
default precision (TF32 on recent NVIDIA cards) and bfloat16, each with float32 on this process's
CPU at the highest precision, as |found - expected| / |expected| over all numbers of a kind. The
first must be below 1e-4 (losses) and 1e-3 (changes, which pass through three networks in turn);
the others are told only.

The random streams must be the same bits; numbers made of them may differ in their last digits.
"""

import importlib
from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs import base
from experiments.device.case import Case, Row, Settings
from experiments.device.timing import accepted, at_once
from gan_jax.config.setup import build
from gan_jax.core.devices import one_device
from gan_jax.core.streams import example_keys, root, stream
from gan_jax.data import DATASETS, Dataset
from gan_jax.examples import IMAGE
from gan_jax.examples.condition import LABEL
from gan_jax.game.state import GANState

EXAMPLES = 64
PLAYERS = ("discriminator", "generator")
BARS = {"losses": 1e-4, **dict.fromkeys(PLAYERS, 1e-3)}
TINY = ("ring", "mnist")  # few, since the programs are no smaller
REFERENCE = ("cpu", "float32", "highest")
VARIANTS = {
    "highest": ("device", "float32", "highest"),
    "default": ("device", "float32", None),
}
HALF = {"bfloat16": ("device", "bfloat16", None)}
# Many programs are run once: a choice among Triton's products, most of the time that compiling
# takes for NVIDIA cards, would not pay.
QUICK = {
    "cpu": {"xla_backend_optimization_level": 0},
    "gpu": {"xla_gpu_enable_triton_gemm": False},
}


def cases(settings: Settings) -> list[Case]:
    """The streams, then the configs of points and of images."""
    if settings.tiny:
        return [Case("streams", 5), Case("points", 20), Case("images", 20)]
    return [
        Case("streams", 5),
        Case("points", 40),
        Case("images", 115),
        Case("points in bfloat16", 25, late=True),
        Case("images in bfloat16", 60, late=True),
    ]


def measure(name: str, settings: Settings) -> Iterator[Row]:
    """A row a config and variant, as they are ready; or one a kind of random numbers."""
    if name == "streams":
        yield from _streams()
        return
    wanted = {
        config: module
        for config, module in shipped().items()
        if DATASETS[module.get_config().data.name].kind.plural == name.split()[0]
        and (not settings.tiny or config in TINY)
    }
    variants = HALF if name.endswith("bfloat16") else VARIANTS
    options = accepted(QUICK)
    configs = {
        (config, dtype): _adapted(module.get_config(), dtype, tiny=settings.tiny)
        for dtype in {"float32", *(dtype for _, dtype, _ in variants.values())}
        for config, module in wanted.items()
    }
    states = at_once({config: partial(_state, configs[config, "float32"]) for config in wanted})
    started = at_once(
        {
            (config, *variant): partial(
                _round, configs[config, variant[1]], states[config], variant, options
            )
            for variant in (REFERENCE, *variants.values())
            for config in wanted
        }
    )
    waiting = {
        started[config, *variant]: (config, label)
        for config in wanted
        for label, variant in variants.items()
    }
    for future in as_completed(waiting):
        config, label = waiting[future]
        expected, found = started[config, *REFERENCE].result(), future.result()
        errors = {kind: relative(found[kind], expected[kind]) for kind in BARS}
        row = {"config": config, "precision": label, **errors}
        if label == "highest":
            row["holds"] = all(errors[kind] < bar for kind, bar in BARS.items())
        yield row


def shipped() -> dict[str, ModuleType]:
    """The modules of the configs of runs, by name: those that stand on the base."""
    names = sorted(path.stem for path in Path(base.__file__).parent.glob("[!_]*.py"))
    modules = {name: importlib.import_module(f"configs.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "base")}


def random_dataset(config: ConfigDict, num: int) -> Dataset:
    """As many random pixels or points as the config's data set has, in ten classes."""
    name, rng = config.data.name, np.random.default_rng(0)
    shape = (num, *DATASETS[name].shape(config.data))
    if DATASETS[name].kind is IMAGE:
        x = rng.integers(256, size=shape, dtype=np.uint8)
    else:
        x = rng.normal(size=shape).astype(np.float32)
    conditions = {LABEL: np.arange(num, dtype=np.int32) % 10}
    return Dataset(name, "random", DATASETS[name].kind, x, x[:0], conditions)


def _adapted(config: ConfigDict, dtype: str, *, tiny: bool) -> ConfigDict:
    config.train.batch_size = 4 if tiny else 16
    config.model.dtype = dtype
    for player in PLAYERS:
        if tiny:
            config.model[player].width = 4
        config.optim[player].name, config.optim[player].learning_rate = "sgd", 0.1
    return config


def _state(config: ConfigDict) -> GANState:
    """The state before the first round, on the host."""
    with jax.default_device(jax.devices("cpu")[0]):
        return jax.device_get(build(config, random_dataset(config, EXAMPLES)).first_state())


def _round(
    config: ConfigDict, state: Future[GANState], variant: tuple, options: dict[str, dict]
) -> dict[str, Any]:
    """What a round gives, see `BARS`, computed as the variant says."""
    where, _, precision = variant
    device = jax.devices("cpu")[0] if where == "cpu" else jax.devices()[0]
    dataset = random_dataset(config, EXAMPLES)
    setup = build(config, dataset)
    phases = setup.phases(one_device())

    def program(state, examples, indices):
        after, losses = state, {}
        for phase in phases:
            after, measured = phase.step(after, examples, indices[: phase.batches])
            losses |= {name: measured[name] for name in measured if name.endswith("/loss")}
        changes = {
            player: jax.tree.map(
                jnp.subtract, getattr(after, player).params, getattr(state, player).params
            )
            for player in PLAYERS
        }
        return {"losses": losses, **changes}

    indices = setup.batches.indices(0, max(phase.batches for phase in phases))
    with jax.default_matmul_precision(precision):
        given = jax.device_put((state.result(), setup.training(dataset), indices), device)
        lowered = jax.jit(program).lower(*given)
        compiled = lowered.compile(compiler_options=options.get(device.platform))
        return jax.device_get(compiled(*given))


def relative(found: Any, expected: Any) -> float:
    """|found - expected| / |expected| over all numbers of two trees; infinite where one is not."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    gaps, norms = 0.0, 0.0
    for one, other in pairs:
        one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
        gaps += float(np.sum((one - other) ** 2))
        norms += float(np.sum(other**2))
    if not np.isfinite(gaps + norms) or (gaps and not norms):
        return float("inf")
    return float(np.sqrt(gaps / norms)) if gaps else 0.0


def _streams() -> Iterator[Row]:
    draws = {
        "bits": lambda keys: jax.vmap(lambda key: jax.random.bits(key, (99,)))(keys),
        "uniform": lambda keys: jax.vmap(lambda key: jax.random.uniform(key, (99,)))(keys),
        "normal": lambda keys: jax.vmap(lambda key: jax.random.normal(key, (99,)))(keys),
        "permutation": lambda keys: jax.random.permutation(keys[0], 999),
    }
    for kind, draw in draws.items():

        def program(seed, draw=draw):
            return draw(example_keys(stream(root(seed), "parity"), 64))

        devices = (jax.devices("cpu")[0], jax.devices()[0])
        expected, found = (
            jax.device_get(jax.jit(program)(jax.device_put(np.uint32(3), device)))
            for device in devices
        )
        gap = float(np.max(np.abs(found.astype(np.float64) - expected)))
        exact = found.tobytes() == expected.tobytes()
        holds = exact if kind != "normal" else gap < 1e-5
        yield {"kind": kind, "same_bits": exact, "largest_gap": gap, "holds": holds}

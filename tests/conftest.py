"""What the tests share: four virtual devices on any machine, and runs that compile in seconds."""

import fcntl
import gc
import os

import program

# Read once, when JAX first looks for devices.
os.environ["XLA_FLAGS"] = " ".join(
    [
        os.environ.get("XLA_FLAGS", ""),
        "--xla_force_host_platform_device_count=4",
        *program.QUICKLY,
    ]
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["JAX_COMPILATION_CACHE_DIR"] = program.OF_THIS_PROCESS.name
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import base
from gan_jax.config.setup import Setup, build
from gan_jax.core.devices import Devices
from gan_jax.data import DataSpec
from gan_jax.data.batches import Batches, Examples
from gan_jax.examples import IMAGE, POINT
from gan_jax.game.schemes import Phase, Updates
from gan_jax.game.state import GANState
from gan_jax.run import rounds

# A trace makes many objects that live as long as it does: to look for garbage that often is vain.
gc.set_threshold(50_000, 20, 50)

TINY = {  # with one hidden layer: a second would meet what is tested as the first does
    "data.name": "ring",
    "model.name": "mlp",
    "model.latent": 3,
    "model.generator.depth": 1,
    "model.generator.width": 6,
    "model.generator.norm": "batch",
    "model.discriminator.depth": 1,
    "model.discriminator.width": 5,
    "model.discriminator.norm": "batch",
    "model.discriminator.dropout": 0.0,
    "ema.half_life": 16,
    "schedule.unroll": 2,
    "train.steps": 4,
    "train.batch_size": 8,
    **{
        f"optim.{player}.{name}": value
        for player in ("generator", "discriminator")
        for name, value in {"name": "sgd", "learning_rate": 0.1, "momentum": 0.0}.items()
    },
}


class Parts(NamedTuple):
    """The parts of a small run, put together as `train.Run` does.

    Attributes:
        setup: What the run is made of; its `updates` are on one device, whatever `devices` are.
        state: The state before the first round.
    """

    setup: Setup
    devices: Devices
    phases: tuple[Phase, ...]
    examples: Examples
    state: GANState

    @property
    def config(self) -> ConfigDict:
        """The run's config."""
        return self.setup.config

    @property
    def batches(self) -> Batches:
        """The run's batches."""
        return self.setup.batches

    @property
    def updates(self) -> Updates:
        """Both players' gradients and updates on one device."""
        return self.setup.updates

    def train(self, count: int) -> tuple[GANState, dict[str, jax.Array]]:
        """The state after some rounds and what the last one measured."""
        examples = self.devices.replicate(self.examples)
        play_round = rounds.make_rounds(self.phases, self.devices, self.batches, examples)
        state, measured = self.devices.replicate(self.state), {}
        for step in range(count):
            state, measured = play_round(state, step)
        return state, measured


@pytest.fixture
def lowered_anew() -> Iterator[None]:
    """For tests that change how a primitive is lowered, which JAX remembers by shapes."""
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.fixture(scope="session")
def tiny() -> Callable[..., ConfigDict]:
    """A function of overrides by key ({"train.steps": 2}) to a small run's config."""

    def config(overrides: dict[str, object] | None = None) -> ConfigDict:
        config = base.get_config()
        config.update_from_flattened_dict(TINY | (overrides or {}))
        return config

    return config


@pytest.fixture(scope="session")
def start(tiny) -> Callable[..., Parts]:
    """A function of overrides, devices, the examples' shape and number to the parts of a run."""
    states = {}  # by all that they depend on: each is a program to compile

    def parts(
        overrides: dict[str, object] | None = None,
        *,
        devices: int = 1,
        shape: tuple[int, ...] = (2,),
        num: int = 24,
    ) -> Parts:
        config, devices = tiny(overrides), Devices(jax.devices()[:devices])
        rng = np.random.default_rng(0)
        examples, kind = rng.normal(size=(num, *shape)).astype(np.float32), POINT
        if len(shape) == 3:
            examples, kind = rng.integers(256, size=(num, *shape), dtype=np.uint8), IMAGE
        classes = config.model.classes
        setup = build(config, DataSpec("made", kind, shape, num, classes=classes))
        phases = setup.phases(devices)
        scheme = config.schedule.scheme
        key = (str(config.model), str(config.optim), str(config.ema), config.seed, shape, scheme)
        if key not in states:
            states[key] = setup.first_state()
        return Parts(setup, devices, phases, Examples(examples), states[key])

    return parts


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory) -> Path:
    """The folder of a small run on real digits that nothing interrupted; not to be changed."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each has a folder in that of them all
        base = base.parent
    workdir = base / "uninterrupted"
    with open(base / "uninterrupted.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (workdir / "summary.json").exists():
            program.run("gan_jax.main", *program.DIGITS, f"--workdir={workdir}")
    return workdir

"""Every shipped config trains two rounds, with its networks narrowed and its batches shortened."""

import importlib
from pathlib import Path

import jax
import numpy as np
import pytest

from configs import base
from gan_jax import build
from gan_jax.config import check
from gan_jax.data import DATASETS
from gan_jax.data.batches import Examples
from gan_jax.errors import choose
from gan_jax.metrics import PROTOCOLS
from gan_jax.parallel import Devices
from gan_jax.rounds import make_rounds

CONFIGS = sorted({path.stem for path in Path(base.__file__).parent.glob("[!_]*.py")} - {"base"})
SHAPES = {"cifar10": (32, 32, 3), "grid": (2,), "ring": (2,)}  # (28, 28, 1) else
NARROW = {
    "model.generator.width": 4,
    "model.discriminator.width": 4,
    "train.batch_size": 4,
    "train.steps": 2,
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_shipped_config_trains_two_rounds(name):
    module = importlib.import_module(f"configs.{name}")
    assert f"--config=configs/{name}.py" in module.__doc__
    config = module.get_config()
    check(config)
    choose("data.name", config.data.name, DATASETS)
    choose("eval.protocol", config.eval.protocol, PROTOCOLS)
    config.update_from_flattened_dict(NARROW)
    shape, rng = SHAPES.get(config.data.name, (28, 28, 1)), np.random.default_rng(0)
    if len(shape) == 3:
        x = rng.integers(256, size=(12, *shape), dtype=np.uint8)
    else:
        x = rng.normal(size=(12, *shape)).astype(np.float32)
    labels = np.arange(12, dtype=np.int32) % 10 if config.model.classes else None
    batches, devices = build.batches(config, 12), Devices(jax.devices()[:1])
    players = build.players(config, shape, batches.per_epoch)
    phases = build.phases(config, players, batches.per_epoch, devices)
    state = build.state(config, players, shape)
    first = jax.device_get(state)
    play = make_rounds(phases, devices, batches, Examples(x, labels))
    for step in range(2):
        state, measured = play(state, step)
    assert state.step == 2
    assert all(np.isfinite(value) for value in measured.values())
    for player in ("generator", "discriminator"):
        moved = jax.tree.map(
            lambda old, new: np.any(old != new),
            getattr(first, player).params,
            getattr(state, player).params,
        )
        assert any(jax.tree.leaves(moved))

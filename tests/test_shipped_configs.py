"""Every shipped config trains two rounds, with its networks narrowed and its batches shortened."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from training import assert_trains

from configs import base
from gan_jax.config import check
from gan_jax.data import DATASETS
from gan_jax.data.batches import Examples
from gan_jax.errors import choose
from gan_jax.metrics import PROTOCOLS

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
    assert_trains(config, Examples(x, labels))

"""Every shipped config trains two rounds, with its networks narrowed and its batches shortened;
published set-ups have the networks of their source."""

import importlib
import math

import jax
import numpy as np
import pytest
import shipped
from training import assert_trains

from gan_jax.config.fields import check
from gan_jax.config.setup import build
from gan_jax.core.errors import choose
from gan_jax.data import DATASETS, DataSpec
from gan_jax.data.batches import Examples
from gan_jax.examples import IMAGE, POINT
from gan_jax.metrics import PROTOCOLS

SHAPES = {"cifar10": (32, 32, 3), "grid": (2,), "ring": (2,)}  # (28, 28, 1) else
NARROW = {
    "model.generator.width": 4,
    "model.discriminator.width": 4,
    "train.batch_size": 4,
    "train.steps": 2,
}


@pytest.mark.parametrize("name", shipped.RUNS)
def test_a_shipped_config_trains_two_rounds(name):
    module = importlib.import_module(f"configs.{name}")
    assert f"--config=configs/{name}.py" in module.__doc__
    config = module.get_config()
    check(config)
    choose("data.name", config.data.name, DATASETS)
    choose("eval.protocol", config.eval.protocol, PROTOCOLS)
    config.update_from_flattened_dict(NARROW)
    shape, rng = SHAPES.get(config.data.name, (28, 28, 1)), np.random.default_rng(0)
    kind = DATASETS[config.data.name].kind
    if kind is IMAGE:
        x = rng.integers(256, size=(12, *shape), dtype=np.uint8)
    else:
        x = rng.normal(size=(12, *shape)).astype(np.float32)
    labels = np.arange(12, dtype=np.int32) % 10
    condition = {"label": labels} if config.model.classes else None
    assert_trains(config, Examples(x, condition), kind)


def dense(inputs, outputs):
    return inputs * outputs + outputs


NORMED = 400 + 2 * 400  # a bias, a scale and another bias
PAC = (
    2 * 400 + NORMED + 3 * (400 * 400 + NORMED) + dense(400, 2),
    dense(2 * 2, 5 * 200) + 2 * dense(200, 5 * 200) + dense(200, 1),  # packs of two points
)
PUBLISHED = {
    "grid_pacgan": PAC,
    "ring_pacgan": PAC,
    "ring_unrolled": (
        dense(256, 128) + dense(128, 128) + dense(128, 2),
        dense(2, 128) + dense(128, 128) + dense(128, 1),
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_set_up_has_the_networks_of_its_source(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    spec = DataSpec("made", POINT, (2,), config.train.batch_size)
    state = jax.eval_shape(build(config, spec).initial)
    assert state.ema is None
    found = [
        sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(player.params))
        for player in (state.generator, state.discriminator)
    ]
    assert tuple(found) == PUBLISHED[name]

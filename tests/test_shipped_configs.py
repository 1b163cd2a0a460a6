"""Every shipped config makes a run, and published set-ups have the networks of their source."""

import importlib
import math

import jax
import numpy as np
import pytest
import shipped
from training import assert_can_be_traced

from gan_jax.config.fields import check
from gan_jax.config.setup import build
from gan_jax.core.errors import choose
from gan_jax.data import DATASETS, DataSpec
from gan_jax.data.batches import Examples
from gan_jax.metrics import PROTOCOLS


@pytest.mark.parametrize("name", shipped.RUNS)
def test_a_round_of_a_shipped_config_can_be_traced(name):
    module = importlib.import_module(f"configs.{name}")
    assert f"--config=configs/{name}.py" in module.__doc__
    config = module.get_config()
    check(config)
    choose("eval.protocol", config.eval.protocol, PROTOCOLS)
    source = DATASETS[config.data.name]
    kind, shape = source.kind, source.shape(config.data)
    num = 2 * config.train.batch_size
    spec = DataSpec("made", kind, shape, num, classes=config.model.classes)
    condition = {"label": np.zeros(num, np.int32)} if config.model.classes else None
    examples = Examples(np.zeros((num, *shape), kind.dtype), condition)
    assert_can_be_traced(build(config, spec), examples)


def dense(inputs, outputs):
    return inputs * outputs + outputs


NORMED = 400 + 2 * 400  # a bias, a scale and another bias
PAC = (
    2 * 400 + NORMED + 3 * (400 * 400 + NORMED) + dense(400, 2),
    dense(2 * 2, 5 * 200) + 2 * dense(200, 5 * 200) + dense(200, 1),  # packs of two points
)


def conv(inputs, outputs):
    return 3 * 3 * inputs * outputs + outputs


PUBLISHED = {
    "grid_pacgan": PAC,
    "ring_pacgan": PAC,
    "ring_unrolled": (
        dense(256, 128) + dense(128, 128) + dense(128, 2),
        dense(2, 128) + dense(128, 128) + dense(128, 1),
    ),
    # 4x4x64, 7x7x32, 14x14x16, 28x28x8 and the image; a scale and a bias a normalized feature.
    "stacked_mnist_unrolled": (
        dense(256, 4 * 4 * 64)
        + conv(64, 32)
        + conv(32, 16)
        + conv(16, 8)
        + conv(8, 3)
        + 2 * (64 + 32 + 16 + 8),
        conv(3, 2) + conv(2, 4) + conv(4, 8) + 2 * (2 + 4 + 8) + dense(4 * 4 * 8, 1),
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_set_up_has_the_networks_of_its_source(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    source = DATASETS[config.data.name]
    spec = DataSpec("made", source.kind, source.shape(config.data), config.train.batch_size)
    state = jax.eval_shape(build(config, spec).initial)
    assert state.ema is None
    found = [
        sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(player.params))
        for player in (state.generator, state.discriminator)
    ]
    assert tuple(found) == PUBLISHED[name]

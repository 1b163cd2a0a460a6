"""R3GAN's blocks: how they start, and what a grouped convolution is."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from jax import lax

from gan_jax.models import r3gan


class Block(nn.Module):
    """The block by itself; it activates by doubling."""

    blocks: int = 1

    @nn.compact
    def __call__(self, x):
        return r3gan._block(x, lambda x: 2 * x, self.blocks, jnp.float32)


def kernels(params):
    """Kernels in the order of the block's layers."""
    flat = flatten_dict(params, sep="/")
    return [flat[f"{layer}/kernel"] for layer in ("Conv_0", "VmapConv_0", "Conv_1")]


def test_a_block_is_xlas_grouped_convolution_between_two_products():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 5, 24)).astype(np.float32)
    shapes = jax.eval_shape(Block().init, jax.random.key(0), x)["params"]
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)
    first, spatial, last = kernels(params)
    assert spatial.shape == (3, 3, 3, 16, 16)  # 48 channels
    inner = 2 * (x @ first[0, 0] + params["Conv_0"]["bias"])
    inner = lax.conv_general_dilated(
        inner,
        np.concatenate(spatial, axis=-1),
        (1, 1),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=3,
    )
    inner = 2 * (inner + params["VmapConv_0"]["bias"].ravel())
    np.testing.assert_allclose(
        Block().apply({"params": params}, x), x + inner @ last[0, 0], rtol=1e-3, atol=1e-2
    )


@pytest.mark.parametrize("blocks", [1, 6])
def test_a_block_starts_as_nothing_with_weights_scaled_by_depth(blocks):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 4, 64)).astype(np.float32))
    variables = Block(blocks).init(jax.random.key(0), x)
    np.testing.assert_array_equal(Block(blocks).apply(variables, x), x)
    first, spatial, last = kernels(variables["params"])
    assert not np.any(last)
    gain = np.sqrt(2 / 1.04) * blocks**-0.25
    for kernel, inputs in ((first, 64), (spatial, 9 * 16)):
        deviation = gain / np.sqrt(inputs)
        assert abs(np.std(kernel) / deviation - 1) < 4 / np.sqrt(2 * kernel.size)


@pytest.mark.parametrize("depth", [1, 3])
def test_depth_counts_the_blocks_of_a_resolution(depth):
    images, z = jnp.zeros((1, 16, 16, 1)), jnp.zeros((1, 3))
    for module, example in (
        (r3gan.Generator((16, 16, 1), 2, depth=depth), z),
        (r3gan.Discriminator(2, depth=depth), images),
    ):
        init = partial(module.init, train=False)
        params = jax.eval_shape(init, jax.random.key(0), example)["params"]
        assert sum(name.startswith("VmapConv") for name in params) == 3 * depth  # 4, 8 and 16

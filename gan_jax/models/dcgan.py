"""DCGAN (Radford, Metz and Chintala, 2016, arXiv:1511.06434), as deep as the image size asks."""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.layers import Dropout, norm
from gan_jax.models.opinion import Opinion

SLOPE = 0.2
_INIT = nn.initializers.normal(0.02)


def halvings(size: int) -> int:
    """How often a side of `size` pixels halves: 2 for 28 (to 7), 3 for 32 and 4 for 64 (to 4)."""
    count = 0
    while size % 2 == 0 and size > 4:
        size, count = size // 2, count + 1
    return count


class Generator(nn.Module):
    """Latents [N, L] to images [N, H, W, C] in [-1, 1].

    Attributes:
        shape: (H, W, C).
        width: Features before the image; each layer below has twice as many.
        norm: Name of the normalization.
        axis_name: Mapped axis of the global batch, or None.
        dtype: Type to compute in, but for the last layer; parameters and statistics are float32.
    """

    shape: tuple[int, int, int]
    width: int
    norm: str = "batch"
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, z: jax.Array, *, train: bool) -> jax.Array:
        """Map latents z [N, L] to images [N, H, W, C] in [-1, 1]."""
        height, width, channels = self.shape
        depth = halvings(height)
        double = partial(ConvTranspose, kernel_size=(4, 4), strides=2, kernel_init=_INIT)

        def activate(x):
            return nn.relu(norm("generator", self.norm, self.axis_name)(x, train=train))

        features = self.width * 2 ** (depth - 1)
        base = (height >> depth, width >> depth, features)
        x = nn.Dense(math.prod(base), dtype=self.dtype, kernel_init=_INIT)(z)
        x = activate(x.reshape(-1, *base))
        for level in reversed(range(depth - 1)):
            x = activate(double(self.width * 2**level, dtype=self.dtype)(x))
        return nn.tanh(double(channels, dtype=jnp.float32)(x))


class Discriminator(nn.Module):
    """Images [N, H, W, C] in [-1, 1] to an `Opinion` of them.

    Attributes:
        width: Features of the first convolution; each next one has twice as many.
        norm: Name of the normalization, after every convolution but the first.
        dropout: Share of activations dropped after each convolution (0 in the paper), in [0, 1).
        axis_name: Mapped axis of the global batch, or None.
        dtype: Type to compute in, but for the last layer; parameters and statistics are float32.
    """

    width: int
    norm: str = "batch"
    dropout: float = 0.0
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> Opinion:
        """Judge images [N, H, W, C]."""
        for level in range(halvings(x.shape[1])):
            features = self.width * 2**level
            x = Conv(features, (4, 4), (2, 2), dtype=self.dtype, kernel_init=_INIT)(x)
            if level > 0:
                x = norm("discriminator", self.norm, self.axis_name)(x, train=train)
            x = Dropout(self.dropout, self.axis_name)(nn.leaky_relu(x, SLOPE), train=train)
        x = x.reshape(x.shape[0], -1)
        return Opinion(nn.Dense(1, dtype=jnp.float32, kernel_init=_INIT)(x)[:, 0])

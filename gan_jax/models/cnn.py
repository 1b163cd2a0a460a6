"""The convolutional pair of the classic MNIST exercise.

Discriminator: two strided convolutions, each with dropout, and one dense output. Its sigmoid lives
in the loss, so it gives logits. Generator: dense, reshape, two transposed convolutions that double
the image, a final convolution to the image's channels, tanh.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.layers import Dropout, norm
from gan_jax.models.opinion import Opinion

SLOPE = 0.2


class Generator(nn.Module):
    """Latents [N, L] to images [N, H, W, C] in [-1, 1]; H and W are multiples of 4.

    Attributes:
        shape: (H, W, C).
        width: Features of the second transposed convolution; the layers before have twice as many.
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

        def activate(x):
            return nn.relu(norm("generator", self.norm, self.axis_name)(x, train=train))

        x = nn.Dense(height // 4 * (width // 4) * 2 * self.width, dtype=self.dtype)(z)
        x = activate(x.reshape(-1, height // 4, width // 4, 2 * self.width))
        for features in (2 * self.width, self.width):
            x = activate(ConvTranspose(features, (4, 4), 2, dtype=self.dtype)(x))
        return nn.tanh(Conv(channels, (3, 3), dtype=jnp.float32)(x))


class Discriminator(nn.Module):
    """Images [N, H, W, C] in [-1, 1] to an `Opinion` of them.

    Attributes:
        width: Features of the first convolution; the second has twice as many.
        norm: Name of the normalization, after the second convolution.
        dropout: Share of activations dropped after each convolution, in [0, 1).
        axis_name: Mapped axis of the global batch, or None.
        dtype: Type to compute in, but for the last layer; parameters and statistics are float32.
    """

    width: int
    kernel: int = 5
    norm: str = "none"
    dropout: float = 0.3
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> Opinion:
        """Judge images [N, H, W, C]."""
        kernel, strides = (self.kernel,) * 2, (2, 2)
        x = nn.leaky_relu(Conv(self.width, kernel, strides, dtype=self.dtype)(x), SLOPE)
        x = Dropout(self.dropout, self.axis_name)(x, train=train)
        x = Conv(2 * self.width, kernel, strides, dtype=self.dtype)(x)
        x = nn.leaky_relu(norm("discriminator", self.norm, self.axis_name)(x, train=train), SLOPE)
        x = Dropout(self.dropout, self.axis_name)(x, train=train)
        return Opinion(nn.Dense(1, dtype=jnp.float32)(x.reshape(x.shape[0], -1))[:, 0])

"""Fully connected pair, for points and for images."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from gan_jax.models.layers import Dropout, norm
from gan_jax.models.opinion import Opinion

HIDDEN_LAYERS = 2


class Generator(nn.Module):
    """Latents [N, L] to examples [N, *shape]: images in [-1, 1] by tanh, points unbounded.

    Attributes:
        shape: (H, W, C) of an image or (D,) of a point.
        width: Features of each hidden layer.
        norm: Name of the normalization.
        axis_name: Mapped axis of the global batch, or None.
        dtype: Type to compute in, but for the last layer; parameters and statistics are float32.
    """

    shape: tuple[int, ...]
    width: int
    norm: str = "none"
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, z: jax.Array, *, train: bool) -> jax.Array:
        """Map latents z [N, L] to examples [N, *shape]."""
        for _ in range(HIDDEN_LAYERS):
            z = nn.Dense(self.width, dtype=self.dtype)(z)
            z = nn.relu(norm("generator", self.norm, self.axis_name)(z, train=train))
        x = nn.Dense(math.prod(self.shape), dtype=jnp.float32)(z).reshape(-1, *self.shape)
        return nn.tanh(x) if len(self.shape) == 3 else x


class Discriminator(nn.Module):
    """Examples [N, ...] to an `Opinion` of them.

    Attributes:
        width: Features of each hidden layer.
        norm: Name of the normalization.
        dropout: Share of activations dropped after each hidden layer, in [0, 1).
        axis_name: Mapped axis of the global batch, or None.
        dtype: Type to compute in, but for the last layer; parameters and statistics are float32.
    """

    width: int
    norm: str = "none"
    dropout: float = 0.0
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> Opinion:
        """Judge examples [N, ...]."""
        x = x.reshape(x.shape[0], -1)
        for _ in range(HIDDEN_LAYERS):
            x = nn.Dense(self.width, dtype=self.dtype)(x)
            x = nn.relu(norm("discriminator", self.norm, self.axis_name)(x, train=train))
            x = Dropout(self.dropout, self.axis_name)(x, train=train)
        return Opinion(nn.Dense(1, dtype=jnp.float32)(x)[:, 0])

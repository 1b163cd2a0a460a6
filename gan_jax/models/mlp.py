"""Fully connected pair, for points and for images."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models import players
from gan_jax.models.opinion import Opinion

HIDDEN_LAYERS = 2


class Generator(players.Generator):
    """Latents [N, L] to examples [N, *shape]: images in [-1, 1] by tanh, points unbounded.

    The attributes are those of `players.Generator`; each hidden layer has `width` features.
    """

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """Map latents z [N, L] of classes labels [N] to examples [N, *shape]."""
        x = self.start(z, labels)
        for _ in range(HIDDEN_LAYERS):
            x = nn.relu(self.normalize(nn.Dense(self.width, dtype=self.dtype)(x), train=train))
        x = nn.Dense(math.prod(self.shape), dtype=jnp.float32)(x).reshape(-1, *self.shape)
        return nn.tanh(x) if len(self.shape) == 3 else x


class Discriminator(players.Discriminator):
    """Examples [N, ...] to an `Opinion` of them.

    The attributes are those of `players.Discriminator`; each hidden layer has `width` features.
    """

    @nn.compact
    def __call__(self, x: jax.Array, labels: jax.Array | None = None, *, train: bool) -> Opinion:
        """Judge examples [N, ...] of classes labels [N]."""
        x = self.start(x.reshape(x.shape[0], -1), labels)
        for _ in range(HIDDEN_LAYERS):
            x = nn.relu(self.normalize(nn.Dense(self.width, dtype=self.dtype)(x), train=train))
            x = self.drop(x, train=train)
        return self.judge(x, labels, train=train)

"""Fully connected pair, for points and for images."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.examples.condition import Condition
from gan_jax.models import players
from gan_jax.models.activations import activation
from gan_jax.models.output import DiscriminatorOutput


class Generator(players.Generator):
    """Latents [N, L] to examples [N, *shape], in [-1, 1] by tanh where they are bounded.

    The attributes are those of `players.Generator`, and two more; each hidden layer has `width`
    features.

    Attributes:
        depth: Hidden layers.
        activation: Name of their activation, which follows the normalization.
    """

    depth: int = 2
    activation: str = "relu"

    @nn.compact
    def __call__(
        self, z: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> jax.Array:
        """Map latents z [N, L] to examples [N, *shape]."""
        activate, pieces = activation("generator", self.activation)
        x = self.start(z, condition)
        for _ in range(self.depth):
            x = nn.Dense(pieces * self.width, dtype=self.dtype)(x)
            x = activate(self.normalize(x, train=train))
        x = nn.Dense(math.prod(self.shape), dtype=jnp.float32)(x)
        return self.finish(x.reshape(-1, *self.shape))


class Discriminator(players.Discriminator):
    """Examples [N, ...] to a `DiscriminatorOutput`.

    The attributes are those of `players.Discriminator`, and two more; each hidden layer has `width`
    features.

    Attributes:
        depth: Hidden layers.
        activation: Name of their activation, which follows the normalization.
    """

    depth: int = 2
    activation: str = "relu"

    @nn.compact
    def __call__(
        self, x: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> DiscriminatorOutput:
        """Discriminate examples [N, ...]."""
        activate, pieces = activation("discriminator", self.activation)
        x = self.start(x.reshape(x.shape[0], -1), condition)
        for _ in range(self.depth):
            x = nn.Dense(pieces * self.width, dtype=self.dtype)(x)
            x = self.drop(activate(self.normalize(x, train=train)), train=train)
        return self.output(x, condition, train=train)

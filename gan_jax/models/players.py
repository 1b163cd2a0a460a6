"""What the players of every architecture share: their fields and their two ends.

An architecture is a `Generator` and a `Discriminator` with a `__call__` of its own.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from gan_jax.core.errors import choose
from gan_jax.examples.condition import LABEL, Condition
from gan_jax.models.conditioning import CONDITIONINGS, Conditioning
from gan_jax.models.layers import Dropout
from gan_jax.models.minibatch import MINIBATCH
from gan_jax.models.norms import norm
from gan_jax.models.output import DiscriminatorOutput

CODE_FEATURES = 128  # of the hidden layer that reads latent codes


class _Player(nn.Module):
    """What both players share.

    A condition holds what the conditioning takes, such as {"label": int32 [N]}; None will do where
    it takes nothing, and of labels to initialize the network.
    """

    def _told(self, condition: Condition | None, num: int) -> Condition | None:
        if condition is None and self.is_initializing():
            return {LABEL: jnp.zeros(num, jnp.int32)}
        return condition

    def _conditioning(self) -> Conditioning:
        return choose("config.model.conditioning", self.conditioning, CONDITIONINGS)


class Generator(_Player):
    """What all generators share; not a network itself.

    Attributes:
        shape: Of an example: (H, W, C) of an image or (D,) of a point.
        width: Features of the narrowest hidden layer.
        bounded: Whether examples lie in [-1, 1].
        norm: Name of the normalization.
        conditioning: Name of how it takes conditions.
        classes: Number of classes, 0 where it is unconditional.
        axis_name: Mapped axis of the global batch, or None.
        dtype: Type to compute in, but for the last layer; parameters and statistics are float32.
    """

    shape: tuple[int, ...]
    width: int
    bounded: bool = True
    norm: str = "batch"
    conditioning: str = "none"
    classes: int = 0
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    def start(self, z: jax.Array, condition: Condition | None) -> jax.Array:
        """What the first layer takes [N, L']: latents z [N, L] and what the condition adds."""
        condition = self._told(condition, z.shape[0])
        return self._conditioning().latents(z, condition, self.classes)

    def finish(self, x: jax.Array) -> jax.Array:
        """Examples [N, *shape] from what the last layer gives: in [-1, 1] where bounded."""
        return nn.tanh(x) if self.bounded else x

    def normalize(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Normalize x [N, ..., C]."""
        return norm("generator", self.norm, self.axis_name)(x, train=train)


class Discriminator(_Player):
    """What all discriminators share; not a network itself.

    Attributes:
        width: Features of the first hidden layer.
        norm: Name of the normalization.
        dropout: Share of activations dropped, in [0, 1).
        minibatch: Name of how the features of a batch are told to each other.
        conditioning: Name of how it takes conditions.
        classes: Number of classes, 0 where it is unconditional.
        codes: Latent codes to read, 0: none.
        axis_name: Mapped axis of the global batch, or None.
        dtype: Type to compute in, but for the last layer; parameters and statistics are float32.
    """

    width: int
    norm: str = "none"
    dropout: float = 0.0
    minibatch: str = "none"
    conditioning: str = "none"
    classes: int = 0
    codes: int = 0
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    def start(self, x: jax.Array, condition: Condition | None) -> jax.Array:
        """What the first layer takes [N, ..., C']: x [N, ..., C] and what the condition adds."""
        condition = self._told(condition, x.shape[0])
        return self._conditioning().examples(x, condition, self.classes)

    def normalize(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Normalize x [N, ..., C]."""
        return norm("discriminator", self.norm, self.axis_name)(x, train=train)

    def drop(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Drop a share of x [N, ...] in training."""
        return Dropout(self.dropout, self.axis_name)(x, train=train)

    def output(
        self,
        features: jax.Array,
        condition: Condition | None,
        *,
        train: bool,
        kernel_init: nn.initializers.Initializer = nn.linear.default_kernel_init,
    ) -> DiscriminatorOutput:
        """The last layers of all discriminators.

        Args:
            features: What the last hidden layer made of N examples [N, ...].
            condition: What is known of them.
            train: Whether the batch is laid out over `axis_name`.
            kernel_init: Initializer of the logits' kernel.
        """
        features = features.reshape(features.shape[0], -1)
        beside = choose("config.model.discriminator.minibatch", self.minibatch, MINIBATCH)
        features = beside(features, self.axis_name if train else None)
        logits = nn.Dense(1, dtype=jnp.float32, kernel_init=kernel_init)(features)[:, 0]
        condition = self._told(condition, features.shape[0])
        output = self._conditioning().output(logits, features, condition, self.classes)
        if self.codes == 0:
            return output
        hidden = nn.Dense(CODE_FEATURES, dtype=self.dtype, name="code_features")(features)
        codes = nn.Dense(self.codes, dtype=jnp.float32, name="codes")(nn.leaky_relu(hidden, 0.1))
        return output._replace(codes=codes)

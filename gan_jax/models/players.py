"""What the players of every architecture share: their fields and their two ends.

An architecture is a `Generator` and a `Discriminator` with a `__call__` of its own.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from gan_jax.core.errors import choose
from gan_jax.models.conditioning import CONDITIONINGS, Conditioning
from gan_jax.models.layers import Dropout
from gan_jax.models.minibatch import MINIBATCH
from gan_jax.models.norms import norm
from gan_jax.models.output import DiscriminatorOutput

CODE_FEATURES = 128  # of the hidden layer that reads latent codes


class _Player(nn.Module):
    """What both players share.

    Labels are int32 [N], in [0, classes); None will do where the network makes nothing of them,
    and to initialize it.
    """

    def _labels(self, labels: jax.Array | None, num: int) -> jax.Array | None:
        if labels is None and self.is_initializing():
            return jnp.zeros(num, jnp.int32)
        return labels

    def _conditioning(self) -> Conditioning:
        return choose("config.model.conditioning", self.conditioning, CONDITIONINGS)


class Generator(_Player):
    """What all generators share; not a network itself.

    Attributes:
        shape: Of an example: (H, W, C) of an image or (D,) of a point.
        width: Features of the narrowest hidden layer.
        norm: Name of the normalization.
        conditioning: Name of how it takes labels.
        classes: Number of classes, 0 where it is unconditional.
        axis_name: Mapped axis of the global batch, or None.
        dtype: Type to compute in, but for the last layer; parameters and statistics are float32.
    """

    shape: tuple[int, ...]
    width: int
    norm: str = "batch"
    conditioning: str = "none"
    classes: int = 0
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    def start(self, z: jax.Array, labels: jax.Array | None) -> jax.Array:
        """What the first layer takes [N, L']: latents z [N, L] and what labels add to them."""
        labels = self._labels(labels, z.shape[0])
        return self._conditioning().latents(z, labels, self.classes)

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
        conditioning: Name of how it takes labels.
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

    def start(self, x: jax.Array, labels: jax.Array | None) -> jax.Array:
        """What the first layer takes [N, ..., C']: x [N, ..., C] and what labels add to it."""
        labels = self._labels(labels, x.shape[0])
        return self._conditioning().examples(x, labels, self.classes)

    def normalize(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Normalize x [N, ..., C]."""
        return norm("discriminator", self.norm, self.axis_name)(x, train=train)

    def drop(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Drop a share of x [N, ...] in training."""
        return Dropout(self.dropout, self.axis_name)(x, train=train)

    def output(
        self,
        features: jax.Array,
        labels: jax.Array | None,
        *,
        train: bool,
        kernel_init: nn.initializers.Initializer = nn.linear.default_kernel_init,
    ) -> DiscriminatorOutput:
        """The last layers of all discriminators.

        Args:
            features: What the last hidden layer made of N examples [N, ...].
            labels: Their classes.
            train: Whether the batch is laid out over `axis_name`.
            kernel_init: Initializer of the logits' kernel.
        """
        features = features.reshape(features.shape[0], -1)
        beside = choose("config.model.discriminator.minibatch", self.minibatch, MINIBATCH)
        features = beside(features, self.axis_name if train else None)
        logits = nn.Dense(1, dtype=jnp.float32, kernel_init=kernel_init)(features)[:, 0]
        labels = self._labels(labels, features.shape[0])
        output = self._conditioning().output(logits, features, labels, self.classes)
        if self.codes == 0:
            return output
        hidden = nn.Dense(CODE_FEATURES, dtype=self.dtype, name="code_features")(features)
        codes = nn.Dense(self.codes, dtype=jnp.float32, name="codes")(nn.leaky_relu(hidden, 0.1))
        return output._replace(codes=codes)

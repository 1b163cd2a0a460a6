"""How players take the classes of examples: labels int32 [N], in [0, classes).

The layers made here belong to the network that calls.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.output import DiscriminatorOutput

Input = Callable[[jax.Array, jax.Array | None, int], jax.Array]


class Conditioning(NamedTuple):
    """Where labels enter.

    Attributes:
        latents: (z [N, L], labels, classes) to what the generator's first layer takes [N, L'].
        examples: (x [N, ..., C], labels, classes) to what the discriminator's takes [N, ..., C'].
        opinion: (logits [N], features [N, F], labels, classes) to the discriminator's `DiscriminatorOutput`.
        needs_classes: Whether it can do without classes.
    """

    latents: Input
    examples: Input
    output: Callable[[jax.Array, jax.Array, jax.Array | None, int], DiscriminatorOutput]
    needs_classes: bool = True


def _alone(inputs, labels, classes):
    """No label."""
    del labels, classes
    return inputs


def _one_hot(inputs, labels, classes):
    """A channel a class beside the others, 1 everywhere for an example's own and 0 for the rest."""
    planes = jax.nn.one_hot(labels, classes, dtype=inputs.dtype)
    planes = planes.reshape(-1, *(1,) * (inputs.ndim - 2), classes)
    planes = jnp.broadcast_to(planes, (*inputs.shape[:-1], classes))
    return jnp.concatenate([inputs, planes], axis=-1)


def _embedded_latents(z, labels, classes):
    """As many learned numbers as the latent has, and as loud at first."""
    embed = nn.Embed(classes, z.shape[-1], embedding_init=nn.initializers.normal(1.0))
    return jnp.concatenate([z, embed(labels)], axis=-1)


def _embedded_examples(x, labels, classes):
    """A learned plane beside an image's channels, a learned vector beside a point."""
    shape = (*x.shape[1:-1], 1) if x.ndim > 2 else x.shape[1:]
    embed = nn.Embed(classes, math.prod(shape), embedding_init=nn.initializers.normal(1.0))
    return jnp.concatenate([x, embed(labels).reshape(-1, *shape)], axis=-1)


def _plain(logits, features, labels, classes):
    """The logits as they are."""
    del features, labels, classes
    return DiscriminatorOutput(logits)


def _projected(logits, features, labels, classes):
    """logits + <embedding of the label, features>: Miyato and Koyama, equation 4."""
    embedded = nn.Embed(classes, features.shape[-1])(labels)
    return DiscriminatorOutput(logits + jnp.sum(embedded * features.astype(jnp.float32), axis=-1))


def _classified(logits, features, labels, classes):
    """A second head that guesses the class."""
    del labels
    return DiscriminatorOutput(
        logits, nn.Dense(classes, dtype=jnp.float32, name="class_logits")(features)
    )


CONDITIONINGS = {
    # Odena et al., 2017, arXiv:1610.09585: the discriminator is not told the class, it tells.
    "auxiliary": Conditioning(_embedded_latents, _alone, _classified),
    # Mirza and Osindero, 2014, arXiv:1411.1784.
    "concatenate": Conditioning(_one_hot, _one_hot, _plain),
    "embed": Conditioning(_embedded_latents, _embedded_examples, _plain),
    "none": Conditioning(_alone, _alone, _plain, needs_classes=False),
    # Miyato and Koyama, 2018, arXiv:1802.05637.
    "projection": Conditioning(_embedded_latents, _alone, _projected),
}

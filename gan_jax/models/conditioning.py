"""How networks take the conditions of examples: trees of arrays by name.

A conditioning says which entries of a condition it takes and where they enter. Those shipped take
"label", a class int32 [N] in [0, classes). The layers made here belong to the network that calls.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.examples.condition import LABEL, Condition
from gan_jax.models.output import DiscriminatorOutput

Input = Callable[[jax.Array, Condition | None, int], jax.Array]


class Conditioning(NamedTuple):
    """Where a condition enters.

    Attributes:
        latents: (z [N, L], condition, classes) to what the generator's first layer takes [N, L'].
        examples: (x [N, ..., C], condition, classes) to what the discriminator's takes
            [N, ..., C'].
        output: (logits [N], features [N, F], condition, classes) to a `DiscriminatorOutput`.
        takes: Entries of the condition that the networks are told.
    """

    latents: Input
    examples: Input
    output: Callable[[jax.Array, jax.Array, Condition | None, int], DiscriminatorOutput]
    takes: tuple[str, ...] = (LABEL,)


def _alone(inputs, condition, classes):
    """Nothing beside the inputs."""
    del condition, classes
    return inputs


def _one_hot(inputs, condition, classes):
    """A channel a class beside the others, 1 everywhere for an example's own and 0 for the rest."""
    planes = jax.nn.one_hot(condition[LABEL], classes, dtype=inputs.dtype)
    planes = planes.reshape(-1, *(1,) * (inputs.ndim - 2), classes)
    planes = jnp.broadcast_to(planes, (*inputs.shape[:-1], classes))
    return jnp.concatenate([inputs, planes], axis=-1)


def _embedded_latents(z, condition, classes):
    """As many learned numbers as the latent has, and as loud at first."""
    embed = nn.Embed(classes, z.shape[-1], embedding_init=nn.initializers.normal(1.0))
    return jnp.concatenate([z, embed(condition[LABEL])], axis=-1)


def _embedded_examples(x, condition, classes):
    """A learned plane beside an image's channels, a learned vector beside a point."""
    shape = (*x.shape[1:-1], 1) if x.ndim > 2 else x.shape[1:]
    embed = nn.Embed(classes, math.prod(shape), embedding_init=nn.initializers.normal(1.0))
    return jnp.concatenate([x, embed(condition[LABEL]).reshape(-1, *shape)], axis=-1)


def _plain(logits, features, condition, classes):
    """The logits as they are."""
    del features, condition, classes
    return DiscriminatorOutput(logits)


def _projected(logits, features, condition, classes):
    """logits + <embedding of the label, features>: Miyato and Koyama, equation 4."""
    embedded = nn.Embed(classes, features.shape[-1])(condition[LABEL])
    return DiscriminatorOutput(logits + jnp.sum(embedded * features.astype(jnp.float32), axis=-1))


def _classified(logits, features, condition, classes):
    """A second head that predicts the class."""
    del condition
    head = nn.Dense(classes, dtype=jnp.float32, name="class_logits")
    return DiscriminatorOutput(logits, head(features))


CONDITIONINGS = {
    # Odena et al., 2017, arXiv:1610.09585: the discriminator is not told the class, it tells.
    "auxiliary": Conditioning(_embedded_latents, _alone, _classified),
    # Mirza and Osindero, 2014, arXiv:1411.1784.
    "concatenate": Conditioning(_one_hot, _one_hot, _plain),
    "embed": Conditioning(_embedded_latents, _embedded_examples, _plain),
    "none": Conditioning(_alone, _alone, _plain, takes=()),
    # Miyato and Koyama, 2018, arXiv:1802.05637.
    "projection": Conditioning(_embedded_latents, _alone, _projected),
}

"""Losses that compare real with fake: only differences of logits count.

Jolicoeur-Martineau, "The relativistic discriminator", 2018, arXiv:1807.00734.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Mean = Callable[[jax.Array], jax.Array]
"""The mean of logits [N] of the whole batch, []: over every device where it is laid out on them."""


def pairing(higher_logits: jax.Array, lower_logits: jax.Array) -> jax.Array:
    """-log sigmoid(higher - lower), per pair of examples, for whom `higher` should be the higher.

    The discriminator wants its real example of a pair to be, the generator its fake (the
    relativistic standard GAN, section 4; RpGAN for short).

    Args:
        higher_logits: [N].
        lower_logits: [N].

    Returns:
        [N], above 0; log 2 where both are equal.
    """
    return jax.nn.softplus(lower_logits - higher_logits)


def average(higher_logits: jax.Array, lower_logits: jax.Array, mean: Mean = jnp.mean) -> jax.Array:
    """Each logit against the mean of the other side's, for whom `higher` should be the higher.

    -log sigmoid(higher - mean(lower)) - log(1 - sigmoid(lower - mean(higher))): the discriminator
    wants the real examples to be the higher, the generator the fakes, and both move both terms
    (the relativistic average standard GAN, section 4; RaSGAN for short).

    Args:
        higher_logits: [N].
        lower_logits: [N].
        mean: Of all logits of the batch.

    Returns:
        [N], above 0; 2 log 2 where all are equal.
    """
    return pairing(higher_logits, mean(lower_logits)) + pairing(mean(higher_logits), lower_logits)

"""What both players pay for what the discriminator reads of an example beside its being real."""

import jax
import jax.numpy as jnp
import optax

from gan_jax.game.prior import GeneratorInputs
from gan_jax.models.output import DiscriminatorOutput


def classification_loss(output: DiscriminatorOutput, labels: jax.Array) -> jax.Array:
    """-log p(label | x) by the auxiliary classifier, in nats.

    Args:
        opinion: With logits of the classes [..., N, C].
        labels: int32 [N].

    Returns:
        [..., N], at least 0.

    Source: Odena et al., 2017, arXiv:1610.09585, equation 3.
    """
    return _cross_entropy(output.classes, labels)


def information_loss(output: DiscriminatorOutput, draw: GeneratorInputs) -> jax.Array:
    """-log q(codes | x) up to a constant, in nats: a bound on what the image tells of its codes.

    The posterior of the continuous codes is normal with deviation 1 around what is read.

    Args:
        opinion: With the codes as they are read [..., N, Q]: logits of the categories, then means
            of the continuous codes.
        draw: The codes that the fakes were made from.

    Returns:
        [..., N], at least 0.

    Source: Chen et al., 2016, arXiv:1606.03657, equation 5.
    """
    read, continuous = output.codes, 0 if draw.continuous is None else draw.continuous.shape[1]
    split = read.shape[-1] - continuous
    values = jnp.zeros(read.shape[:-1], read.dtype)
    if draw.categories is not None:
        values += _cross_entropy(read[..., :split], draw.categories)
    if draw.continuous is not None:
        values += jnp.sum(jnp.square(read[..., split:] - draw.continuous), axis=-1) / 2
    return values


def _cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    labels = jnp.broadcast_to(labels, logits.shape[:-1])
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)

"""Losses of both players for what the discriminator predicts of an example's condition."""

import jax
import jax.numpy as jnp
import optax

from gan_jax.examples.condition import Condition
from gan_jax.models.output import DiscriminatorOutput


def classification_loss(output: DiscriminatorOutput, labels: jax.Array) -> jax.Array:
    """-log p(label | x) by the auxiliary classifier, in nats.

    Args:
        output: With logits of the classes [..., N, C].
        labels: int32 [N].

    Returns:
        [..., N], at least 0.

    Source: Odena et al., 2017, arXiv:1610.09585, equation 3.
    """
    return _cross_entropy(output.class_logits, labels)


def information_loss(output: DiscriminatorOutput, condition: Condition) -> jax.Array:
    """-log q(codes | x) up to a constant, in nats: a bound on what the image tells of its codes.

    The posterior of the continuous codes is normal with deviation 1 around the prediction.

    Args:
        output: With predictions of the codes [..., N, Q]: logits of the category, then means of the
            continuous codes.
        condition: The codes that the fakes were made from: "category", "code" or both.

    Returns:
        [..., N], at least 0.

    Source: Chen et al., 2016, arXiv:1606.03657, equation 5.
    """
    predicted, code = output.codes, condition.get("code")
    split = predicted.shape[-1] - (0 if code is None else code.shape[1])
    values = jnp.zeros(predicted.shape[:-1], predicted.dtype)
    if "category" in condition:
        values += _cross_entropy(predicted[..., :split], condition["category"])
    if code is not None:
        values += jnp.sum(jnp.square(predicted[..., split:] - code), axis=-1) / 2
    return values


def _cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    labels = jnp.broadcast_to(labels, logits.shape[:-1])
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)

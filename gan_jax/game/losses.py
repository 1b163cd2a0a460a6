"""What each player minimizes, per example, on logits.

With D(x) = sigmoid(l), -log D = softplus(-l) and -log(1 - D) = softplus(l): both forms are finite
for logits of any size, where the logarithm of a sigmoid is not.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax


class Loss(NamedTuple):
    """The two players' losses, per example.

    Attributes:
        discriminator: (real logits [N], fake logits [N]) to losses [N].
        generator: (real logits [N], fake logits [N]) to losses [N].
        relativistic: Whether the generator's loss depends on the real logits; None will do for
            them where it does not.
    """

    discriminator: Callable[[jax.Array, jax.Array], jax.Array]
    generator: Callable[[jax.Array | None, jax.Array], jax.Array]
    relativistic: bool = False


def cross_entropy(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """The discriminator's -V(D, G) = -log D(x) - log(1 - D(G(z))), per pair of examples.

    Args:
        real_logits: [N].
        fake_logits: [N].

    Returns:
        [N], at least 0; 2 log 2 where both logits are 0.

    Source: Goodfellow et al., 2014, arXiv:1406.2661, equation 1.
    """
    return jax.nn.softplus(-real_logits) + jax.nn.softplus(fake_logits)


def saturating(fake_logits: jax.Array) -> jax.Array:
    """The generator's log(1 - D(G(z))), whose gradient vanishes where D is sure of the fake.

    Args:
        fake_logits: [N].

    Returns:
        [N], at most 0.

    Source: Goodfellow et al., 2014, arXiv:1406.2661, equation 1.
    """
    return -jax.nn.softplus(fake_logits)


def non_saturating(fake_logits: jax.Array) -> jax.Array:
    """The generator's -log D(G(z)): the same fixed point as the saturating loss, a strong gradient.

    Args:
        fake_logits: [N].

    Returns:
        [N], at least 0.

    Source: Goodfellow et al., 2014, arXiv:1406.2661, section 3.
    """
    return jax.nn.softplus(-fake_logits)


def _on_fakes(loss: Callable[[jax.Array], jax.Array]) -> Callable[..., jax.Array]:
    return lambda real_logits, fake_logits: loss(fake_logits)


LOSSES = {
    "minimax": Loss(cross_entropy, _on_fakes(saturating)),
    "non_saturating": Loss(cross_entropy, _on_fakes(non_saturating)),
}

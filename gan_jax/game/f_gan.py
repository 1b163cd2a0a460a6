"""f-GANs: the game whose value is an f-divergence between the real and the generated examples.

An f-divergence is D_f(P || Q) = E_Q[f(p / q)]. For any T its lower bound is E_P[T] - E_Q[f*(T)],
with the convex conjugate f*; the discriminator raises the bound, the generator lowers it. With the
activation g_f the logit l gives T = g_f(l) in the domain of f*, and the bound is tight where
T = f'(p / q).

Nowozin, Cseke and Tomioka, 2016, arXiv:1606.00709, equations 4 and 6, tables 1, 2 and 6.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

LAST_EXACT = 20.0  # where `exponential` goes on as a line
LOG2 = math.log(2)


class Divergence(NamedTuple):
    """The two terms of the bound, as functions of logits.

    Attributes:
        activation: g_f, logits [N] to [N].
        conjugate: f* after g_f, logits [N] to [N].
    """

    activation: Callable[[jax.Array], jax.Array]
    conjugate: Callable[[jax.Array], jax.Array]

    def discriminator(self, real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
        """The bound's negative, f*(g_f(fake)) - g_f(real), per pair of examples.

        Args:
            real_logits: [N].
            fake_logits: [N].

        Returns:
            [N]; at the best discriminator the mean over both distributions is -D_f.
        """
        return self.conjugate(fake_logits) - self.activation(real_logits)

    def generator(self, fake_logits: jax.Array) -> jax.Array:
        """The generator's part of the bound, -f*(g_f(fake)): the saturating game of equation 6.

        Args:
            fake_logits: [N].

        Returns:
            [N].
        """
        return -self.conjugate(fake_logits)


def exponential(x: jax.Array) -> jax.Array:
    """e^x up to x = 20, and beyond it the tangent there, e^20 (x - 19).

    The exponential itself overflows float32 at 88. A density ratio of e^20, about 5e8, is more
    than a batch can tell of, so the game is the paper's wherever it is near its solution.

    Args:
        x: Of any shape.

    Returns:
        As x, above 0; the slope is at most e^20, about 4.9e8.
    """
    return jnp.exp(jnp.minimum(x, LAST_EXACT)) * (1 + jnp.maximum(x - LAST_EXACT, 0))


KL = Divergence(lambda logits: logits, lambda logits: exponential(logits - 1))
"""KL(P || Q): f(u) = u log u, g_f(l) = l, f*(t) = e^(t - 1), with `exponential` for e.

The discriminator's loss e^(fake - 1) - real has no bounds; the generator's is below 0. The bound is
tight at l = 1 + log(p / q).
"""

REVERSE_KL = Divergence(lambda logits: -exponential(-logits), lambda logits: logits - 1)
"""KL(Q || P): f(u) = -log u, g_f(l) = -e^-l, f*(t) = -1 - log(-t), so f*(g_f(l)) = l - 1.

With `exponential` for e. The losses, e^-real + fake - 1 and 1 - fake, have no bounds. The bound is
tight at l = log(p / q).
"""

PEARSON = Divergence(lambda logits: logits, lambda logits: logits**2 / 4 + logits)
"""Pearson's chi squared: f(u) = (u - 1)^2, g_f(l) = l, f*(t) = t^2 / 4 + t.

The discriminator's loss has no bounds, the generator's is at most 1. The bound is tight at
l = 2 (p / q - 1), which is never below -2: for a fake's logit below that the generator's loss rises
with the logit, as it does in the paper.
"""

HELLINGER = Divergence(
    lambda logits: 1 - exponential(-logits), lambda logits: exponential(logits) - 1
)
"""Squared Hellinger: f(u) = (sqrt(u) - 1)^2, g_f(l) = 1 - e^-l, f*(t) = t / (1 - t).

With `exponential` for e; f*(g_f(l)) is e^l - 1, where t / (1 - t) itself would lose its digits. The
discriminator's loss is above -2, the generator's below 1. The bound is tight at l = log(p / q) / 2.
"""

JENSEN_SHANNON = Divergence(
    lambda logits: LOG2 - jax.nn.softplus(-logits), lambda logits: jax.nn.softplus(logits) - LOG2
)
"""Twice Jensen-Shannon: f(u) = u log u - (u + 1) log((u + 1) / 2), f*(t) = -log(2 - e^t).

g_f(l) = log 2 - softplus(-l), and 2 - e^g_f(l) is 2 sigmoid(-l), so f*(g_f(l)) is
softplus(l) - log 2: the minimax game less log 4. The discriminator's loss is above -log 4, the
generator's below log 2. The bound is tight at l = log(p / q).
"""

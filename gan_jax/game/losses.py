"""What each player minimizes, per example, on logits.

With D(x) = sigmoid(l), -log D = softplus(-l) and -log(1 - D) = softplus(l): both forms are finite
for logits of any size, where the logarithm of a sigmoid is not. Other losses give the logits other
meanings, said there; each is finite in value and gradient for logits up to 10^4 at least.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.game import f_gan, relativistic


class Loss(NamedTuple):
    """The two players' losses, per example.

    Attributes:
        discriminator: (real logits [N], fake logits [N]) to losses [N].
        generator: (real logits [N], fake logits [N]) to losses [N].
        relativistic: Whether the generator's loss depends on the real logits; None will do for
            them where it does not.
        averages: Whether both functions take the mean logits of the batch too. They then take a
            keyword `mean`, [N] to [], the mean of the N given by default: see `over`.
        smoothed: (real logits [N], fake logits [N], smoothing) to losses [N] of a discriminator
            whose label for real examples is 1 - smoothing; None where the loss has no labels.
        threshold: The logit at which an example is as likely real as generated, from where
            accuracies count; 0 where only differences of logits mean anything.
        zero_sum: Whether the generator's loss is the negative of the discriminator's term on the
            fakes, so that both have one value: see `of_value`.
    """

    discriminator: Callable[..., jax.Array]
    generator: Callable[..., jax.Array]
    relativistic: bool = False
    averages: bool = False
    smoothed: Callable[..., jax.Array] | None = None
    threshold: float = 0.0
    zero_sum: bool = False

    def of_value(self) -> "Loss":
        """The loss whose generator minimizes the game's whole value, the reals' term included.

        That term is a constant for a generator that faces a given discriminator, but not for one
        that foresees how the discriminator will answer. Where the two losses are not of one value
        the generator's stays its own.
        """
        if not self.zero_sum:
            return self
        return self._replace(
            generator=lambda real_logits, fake_logits: (
                -self.discriminator(real_logits, fake_logits)
            ),
            relativistic=True,
        )

    def over(self, axis_name: str | None) -> "Loss":
        """The loss where a batch is laid out over a mapped axis: its means are over all of it.

        The derivative of a mean over the axis is a mean over the axis, so the mean of the devices'
        gradients is the gradient of the whole batch's mean loss.

        Args:
            axis_name: The mapped axis, or None: the batch is all there.
        """
        if axis_name is None or not self.averages:
            return self

        def mean(logits: jax.Array) -> jax.Array:
            return lax.pmean(jnp.mean(logits), axis_name)

        return self._replace(
            discriminator=partial(self.discriminator, mean=mean),
            generator=partial(self.generator, mean=mean),
        )


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


def smoothed_cross_entropy(
    real_logits: jax.Array, fake_logits: jax.Array, smoothing: float
) -> jax.Array:
    """The cross entropy of labels 1 - smoothing and 0: reals are never quite sure, fakes are.

    -(1 - s) log D(x) - s log(1 - D(x)) - log(1 - D(G(z))), where -log(1 - D) = l - log D.

    Args:
        real_logits: [N].
        fake_logits: [N].
        smoothing: s, in [0, 1); 0 is `cross_entropy`.

    Returns:
        [N], at least 0. Of real examples alone it is least at D = 1 - s.

    Source: Salimans et al., 2016, arXiv:1606.03498, section 3.4.
    """
    return cross_entropy(real_logits, fake_logits) + smoothing * real_logits


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


def least_squares(
    real_logits: jax.Array, fake_logits: jax.Array, smoothing: float = 0.0
) -> jax.Array:
    """The discriminator's ((l - 1)^2 of the real + l^2 of the fake) / 2: a logit guesses the label.

    Args:
        real_logits: [N].
        fake_logits: [N].
        smoothing: What real examples' label is below 1, in [0, 1).

    Returns:
        [N], at least 0.

    Source: Mao et al., 2017, arXiv:1611.04076, equation 9 (labels 0 and 1).
    """
    return ((real_logits - (1 - smoothing)) ** 2 + fake_logits**2) / 2


def least_squares_generator(fake_logits: jax.Array) -> jax.Array:
    """The generator's (l - 1)^2 / 2 of the fake, to be labelled real.

    Args:
        fake_logits: [N].

    Returns:
        [N], at least 0.

    Source: Mao et al., 2017, arXiv:1611.04076, equation 9.
    """
    return (fake_logits - 1) ** 2 / 2


def critic(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """The discriminator's fake - real logit: the negative of the distance that it estimates.

    That is the Wasserstein distance (times the slope) only of a discriminator whose slope is
    limited, by clipping, a penalty or a norm; without one the loss has no minimum.

    Args:
        real_logits: [N].
        fake_logits: [N].

    Returns:
        [N], of any size.

    Source: Arjovsky et al., 2017, arXiv:1701.07875, equation 2.
    """
    return fake_logits - real_logits


def negative_logit(fake_logits: jax.Array) -> jax.Array:
    """The generator's -l: the same pull on every fake, whatever the discriminator's slope there.

    Args:
        fake_logits: [N].

    Returns:
        [N], of any size.

    Source: Arjovsky et al., 2017, arXiv:1701.07875, algorithm 1; Lim and Ye, 2017,
        arXiv:1705.02894, for the hinge.
    """
    return -fake_logits


def hinge(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """The discriminator's max(0, 1 - real) + max(0, 1 + fake): no pull beyond the margins.

    Args:
        real_logits: [N].
        fake_logits: [N].

    Returns:
        [N], at least 0; 2 where both logits are 0.

    Source: Lim and Ye, 2017, arXiv:1705.02894; Miyato et al., 2018, arXiv:1802.05957, equation 16.
    """
    return jax.nn.relu(1 - real_logits) + jax.nn.relu(1 + fake_logits)


def _on_fakes(loss: Callable[[jax.Array], jax.Array]) -> Callable[..., jax.Array]:
    return lambda real_logits, fake_logits: loss(fake_logits)


def _symmetric(loss: Callable[..., jax.Array], *, averages: bool) -> Loss:
    """Each player wants its own side's logits to be the higher."""
    return Loss(
        loss,
        lambda real_logits, fake_logits, **mean: loss(fake_logits, real_logits, **mean),
        relativistic=True,
        averages=averages,
    )


def _bound(divergence: f_gan.Divergence, *, threshold: float = 0.0) -> Loss:
    return Loss(
        divergence.discriminator,
        _on_fakes(divergence.generator),
        threshold=threshold,
        zero_sum=True,
    )


LOSSES = {
    "minimax": Loss(
        cross_entropy, _on_fakes(saturating), smoothed=smoothed_cross_entropy, zero_sum=True
    ),
    "non_saturating": Loss(
        cross_entropy, _on_fakes(non_saturating), smoothed=smoothed_cross_entropy
    ),
    "least_squares": Loss(
        least_squares, _on_fakes(least_squares_generator), smoothed=least_squares, threshold=0.5
    ),
    "wasserstein": Loss(critic, _on_fakes(negative_logit), zero_sum=True),
    "hinge": Loss(hinge, _on_fakes(negative_logit)),
    "relativistic_pairing": _symmetric(relativistic.pairing, averages=False),
    "relativistic_average": _symmetric(relativistic.average, averages=True),
    "fgan_kl": _bound(f_gan.KL, threshold=1.0),
    "fgan_reverse_kl": _bound(f_gan.REVERSE_KL),
    "fgan_pearson": _bound(f_gan.PEARSON),
    "fgan_hellinger": _bound(f_gan.HELLINGER),
    "fgan_jensen_shannon": _bound(f_gan.JENSEN_SHANNON),
}

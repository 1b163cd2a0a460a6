"""Perceptual path length: how much examples change along short ways between latents.

Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks" (2019,
arXiv:1812.04948, section 4.1).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from gan_jax.core.streams import root, stream
from gan_jax.game.prior import Prior
from gan_jax.latent.digits import classifier
from gan_jax.latent.geometry import along, in_rows
from gan_jax.latent.paths import linear, spherical
from gan_jax.latent.space import Generate, Space

WAYS = {"normal": spherical, "sphere": spherical, "uniform": linear}
"""The way from noise to noise that stays where the prior is, by its distribution."""

EPSILON = 1e-4  # of the way, as in the paper


def between(prior: Prior, start: jax.Array, end: jax.Array, shares: jax.Array) -> jax.Array:
    """The way from latents to latents that stays where their prior is; codes go straight.

    Args:
        prior: What they were drawn from.
        start: Latents `[..., L]`.
        end: Latents `[..., L]`.
        shares: How far along, `[F]`, 0 to 1.

    Returns:
        `[..., F, L]`.
    """
    ways = WAYS[prior.distribution], linear
    noise, codes = (
        way(start[..., part], end[..., part], shares)
        for way, part in zip(ways, (np.s_[: prior.noise], np.s_[prior.noise :]), strict=True)
    )
    return jnp.concatenate([noise, codes], axis=-1)


def features(space: Space) -> Partial:
    """What distances are measured in, a function of examples `[N, ...]` to `[N, K]`.

    The features of the shipped classifier for digits, the numbers of the example for all others.
    """
    if space.source.classifier:
        return Partial(_features, classifier(space))
    return Partial(_numbers)


def squared_speeds(space: Space, num: int, seed: int = 0, epsilon: float = EPSILON) -> np.ndarray:
    """Squared speeds at random points of the ways between latents of the prior.

    Their mean is the perceptual path length. Compare it between generators of the same data only:
    the features are not the paper's (VGG16's, weighted to agree with people), and where there is no
    classifier it is measured in example space. None is left out; the paper's program drops the
    outermost 1 % on both sides.

    Args:
        space: Whose generator and prior; both ends of a way are of one class.
        num: How many points.
        seed: Of latents and points.
        epsilon: The share of a way whose length is measured.

    Returns:
        float32 numpy `[num]`, d / epsilon^2 with d the squared distance in the features.
    """
    start, end = space.draw(num, seed), space.draw(num, seed, first=num)
    at = jax.random.uniform(stream(root(seed), "points"), (num,)) * (1 - epsilon)
    shares = jnp.stack([at, at + epsilon], axis=1)
    steps = jax.vmap(partial(between, space.prior))(start.z, end.z, shares)
    squared = partial(_squared, space.generate, features(space))
    return in_rows(squared, 2, steps, start.labels) / epsilon**2


@jax.jit
def _squared(
    generate: Generate, features: Partial, steps: jax.Array, labels: jax.Array | None
) -> jax.Array:
    """The squared distances in the features between both ends of steps `[N, 2, L]`."""
    ends = along(lambda z, labels: features(generate(z, labels)), steps, labels)
    return jnp.sum((ends[:, 1] - ends[:, 0]) ** 2, axis=-1)


def _features(read: Partial, examples: jax.Array) -> jax.Array:
    return read(examples).features


def _numbers(examples: jax.Array) -> jax.Array:
    return examples.reshape(len(examples), -1)

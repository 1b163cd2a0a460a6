"""Whether what a generator made means something: a digit for images, a mode for points.

A classifier's confidence alone says little of images that are unlike all digits: of images of
uniform noise the shipped one is sure in 95 of 100 cases. So a digit must be near real ones too, in
the classifier's features. A plain manifold of k-nearest-neighbour balls does not do: junk lies near
the features' origin, where the few odd digits have so large balls that they hold it (of shuffled
digits 87 in 100, and G(0)). As in Kynkäänniemi et al.'s realism score (2019, arXiv:1904.06991,
section 5) the larger half of the balls is left out, and the others are widened instead until they
hold most real digits.

The classifier learned from MNIST's 60,000 training digits, which have both the real digits and the
held-out ones used here among them.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_jax.core.errors import InputError
from gan_jax.data.embedded import mnist_digits
from gan_jax.data.mixtures import Mixture
from gan_jax.latent.space import Space
from gan_jax.metrics.blocks import BLOCK
from gan_jax.metrics.classifier import embed
from gan_jax.metrics.modes import RADIUS
from gan_jax.metrics.neighbours import balls_around, squared_nearest, squared_radii

SURE = 0.95  # confidence from which on a digit counts
NEIGHBOUR = 3  # which one sets a ball's radius
REACH = 1.5  # radii: four in five real digits lie so near to a typical one, no uniform noise


class Meaning(NamedTuple):
    """What examples mean.

    Attributes:
        kind: The digit, or the nearest mode, int `[N]`.
        confidence: The digit's probability, 0.1 to 1; of points 1 within 3 sigma and 0 beyond.
        distance: To the nearest real digit in the classifier's features; to the mode in sigmas.
        meaningful: Whether it is a digit, or within 3 sigma of a mode; bool `[N]`.
    """

    kind: np.ndarray
    confidence: np.ndarray
    distance: np.ndarray
    meaningful: np.ndarray


Read = Callable[[np.ndarray], Meaning]
"""From examples as `gan_jax.latent.render.render` makes them to what they mean."""


def reader(space: Space) -> Read:
    """What reads the examples of a generator.

    Raises:
        InputError: If it makes neither digits nor points of a mixture.
    """
    source = space.source
    if source.classifier:
        return read_digits
    if source.density:
        return functools.partial(read_points, source.density)
    why = "nothing reads its examples: no shipped classifier, no known density"
    raise InputError("config.data.name", space.config.data.name, why)


def read_digits(images: np.ndarray) -> Meaning:
    """What images mean as digits.

    An image is meaningful if the classifier is sure (`SURE`) and its features are within `REACH`
    radii of a typical real digit: one of the half whose third neighbour is nearest. Of held-out
    real digits 0.77 are, none of 8,000 images of uniform noise, 0.003 of sparse binary noise. The
    eye is less strict: it still reads digits under noise that leaves a tenth of them meaningful.

    Args:
        images: uint8 `[N, H, W, 1]`.
    """
    features, probabilities = embed(images)
    real, centres, radii = _real_digits()
    confidence = probabilities.max(axis=1)
    inside = balls_around(features, centres, REACH**2 * radii, BLOCK) > 0
    return Meaning(
        kind=probabilities.argmax(axis=1),
        confidence=confidence,
        distance=np.sqrt(squared_nearest(features, real, 1, BLOCK)[:, 0]),
        meaningful=(confidence >= SURE) & inside,
    )


@functools.cache
def _real_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of the embedded training digits, and the typical ones with their squared radii."""
    features, _ = embed(mnist_digits().train)
    radii = squared_radii(features, NEIGHBOUR, BLOCK)
    typical = radii <= np.median(radii)
    return features, features[typical], radii[typical]


def read_points(mixture: Mixture, points: np.ndarray) -> Meaning:
    """What points `[N, D]` mean as those of a mixture."""
    distances = np.linalg.norm(points[:, None] - mixture.centres, axis=-1) / mixture.sigma
    near = distances.min(axis=1) < RADIUS
    return Meaning(distances.argmin(axis=1), near.astype(float), distances.min(axis=1), near)

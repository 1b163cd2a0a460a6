"""What a drawn character looks like, in numbers: stroke width, slant, width and height.

All are smooth functions of moments and of one sum over edges, so that they can be differentiated,
and none changes with contrast: ink twice as pale has the same slant. Castro et al., "Morpho-MNIST",
2019, arXiv:1809.10780, measure the like on thresholded, enlarged images. The place is none of
them: MNIST's digits lie with their centre of mass in the middle.

Ink is 0 on the black ground and 1 where an image is white. An image without any has no slant: its
attributes are NaN, but for the stroke width.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

_EDGE = 1e-3  # steps of shade below which an edge is rounded off: a slope of 0 has a derivative


class Attribute(NamedTuple):
    """One number of an image.

    Attributes:
        measure: Of float images [N, H, W, 1] in [-1, 1] to [N].
        unit: Its unit.
    """

    measure: Callable[[jax.Array], jax.Array]
    unit: str


class Moments(NamedTuple):
    """How ink is spread about its centre; coordinates grow to the right and downwards.

    Attributes:
        xx: Variance across [N], in square pixels; a pixel's own extent, 1/12, is counted.
        xy: Covariance.
        yy: Variance downwards.
    """

    xx: jax.Array
    xy: jax.Array
    yy: jax.Array


def moments(images: jax.Array) -> Moments:
    """Second central moments of the ink of images [N, H, W, 1]."""
    ink = _ink(images)
    ink = ink / jnp.sum(ink, axis=(1, 2), keepdims=True)

    def mean(values: jax.Array) -> jax.Array:
        return jnp.sum(ink * values, axis=(1, 2), keepdims=True)

    x, y = jnp.arange(ink.shape[2]), jnp.arange(ink.shape[1])[:, None]
    x, y = x - mean(x), y - mean(y)
    xx, xy, yy = (mean(product)[:, 0, 0] for product in (x * x, x * y, y * y))
    return Moments(xx + 1 / 12, xy, yy + 1 / 12)


def stroke(images: jax.Array) -> jax.Array:
    """Twice the ink over the length of its edge, in pixels.

    A long bar or a ring of one width has that width; the ends count as edge, so that a bar of
    width w and length l has w l / (w + l). The edge is the total variation, the mean length of all
    contours between black and white (coarea formula): blurring moves it little.
    """
    ink = jnp.pad(_ink(images), ((0, 0), (1, 1), (1, 1)))
    # Slopes in the middle of four pixels treat both diagonals alike, as those to the next do not.
    above, below = ink[:, :-1], ink[:, 1:]
    across = (above[..., 1:] - above[..., :-1] + below[..., 1:] - below[..., :-1]) / 2
    down = (below[..., 1:] - above[..., 1:] + below[..., :-1] - above[..., :-1]) / 2
    slopes = jnp.sqrt(across**2 + down**2 + _EDGE**2) - _EDGE
    return 2 * jnp.sum(ink, axis=(1, 2)) / jnp.sum(slopes, axis=(1, 2))


def slant(images: jax.Array) -> jax.Array:
    """How far it leans to the right from the upright, in degrees: -arctan(mu11 / mu02).

    The shear that makes the covariance of x and y vanish, as Morpho-MNIST has it.
    """
    spread = moments(images)
    return -jnp.degrees(jnp.arctan(spread.xy / spread.yy))


def height(images: jax.Array) -> jax.Array:
    """Of the rectangle of even ink that has the same variance, in pixels: sqrt(12 variance).

    Exact for rectangles of whole pixels; edges within pixels add up to 3 to its square.
    """
    return jnp.sqrt(12 * moments(images).yy)


def width(images: jax.Array) -> jax.Array:
    """The same across, once the slant is taken away: a leaning bar is no wider than an upright."""
    spread = moments(images)
    return jnp.sqrt(12 * (spread.xx - spread.xy**2 / spread.yy))


ATTRIBUTES = {
    "stroke": Attribute(stroke, "pixels"),
    "slant": Attribute(slant, "degrees"),
    "width": Attribute(width, "pixels"),
    "height": Attribute(height, "pixels"),
}


def measure(images: jax.Array) -> jax.Array:
    """All `ATTRIBUTES` of images [N, H, W, 1] in [-1, 1], in their order: [N, A]."""
    return jnp.stack([attribute.measure(images) for attribute in ATTRIBUTES.values()], axis=1)


def _ink(images: jax.Array) -> jax.Array:
    """Shares of white [N, H, W]."""
    return (images[..., 0] + 1) / 2

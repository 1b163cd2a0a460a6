"""Paths from one latent to another, and through several.

`PATHS` has whole ones: functions of anchors, latents [K, L], to so many frames. Adding one is one
function and one line there.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.interpolate import CubicSpline, make_interp_spline
from scipy.special import ndtr, ndtri

from gan_jax.core.errors import InputError
from gan_jax.game.prior import Prior

Path = Callable[[np.ndarray, int, Prior], np.ndarray]
"""(anchors [K, L], how many frames, what the anchors were drawn from) to latents [frames, L].

There are at least two anchors. Codes, the last numbers of a latent, go straight from one anchor's
to the next one's unless the path says otherwise: no sphere and no normal distribution is theirs.
"""

_LAST = 1 - 2.0**-24  # the number next to 1: quantiles of 0 and 1 are infinite


def linear(start: jax.Array, end: jax.Array, shares: jax.Array) -> jax.Array:
    """The straight way.

    Args:
        start: Latents `[..., L]`.
        end: Latents `[..., L]`.
        shares: How far along, `[F]`, 0 to 1.

    Returns:
        `[..., F, L]`.
    """
    shares = shares[:, None]
    return (1 - shares) * start[..., None, :] + shares * end[..., None, :]


def spherical(start: jax.Array, end: jax.Array, shares: jax.Array) -> jax.Array:
    """The way along a great circle, while the length goes evenly from one's to the other's.

    High-dimensional normal latents lie near a sphere, which the straight way leaves (White,
    "Sampling Generative Networks", 2016, arXiv:1609.04468, section 2.1). Opposite latents have no
    great circle of their own, and latents of length 0 no direction: the straight way is taken.

    Args:
        start: Latents `[..., L]`.
        end: Latents `[..., L]`.
        shares: How far along, `[F]`, 0 to 1.

    Returns:
        `[..., F, L]`.
    """
    lengths = [jnp.linalg.norm(z, axis=-1, keepdims=True) for z in (start, end)]
    ways = [z / jnp.maximum(length, 1e-12) for z, length in zip((start, end), lengths, strict=True)]
    # The chord says small angles more exactly than the cosine does.
    half_chord = jnp.linalg.norm(ways[1] - ways[0], axis=-1, keepdims=True) / 2
    angle = 2 * jnp.arcsin(jnp.clip(half_chord, 0, 1))
    angle = angle[..., None, :]
    shares = shares[:, None]
    along = (
        jnp.sin((1 - shares) * angle) * ways[0][..., None, :]
        + jnp.sin(shares * angle) * ways[1][..., None, :]
    ) / jnp.sin(angle)
    length = (1 - shares) * lengths[0][..., None, :] + shares * lengths[1][..., None, :]
    curved = (angle > 1e-4) & (angle < jnp.pi - 1e-3)
    return jnp.where(curved, length * along, linear(start, end, shares[:, 0]))


def through(
    way: Callable[..., jax.Array], anchors: np.ndarray, frames: int, prior: Prior
) -> np.ndarray:
    """From anchor to anchor, each piece in the same time.

    The anchors themselves are among the frames where `frames - 1` divides by `K - 1`.

    Args:
        way: Of the noise in a piece, `linear` or `spherical`.
        anchors: See `Path`.
        frames: See `Path`.
        prior: See `Path`.
    """
    at = np.linspace(0, len(anchors) - 1, frames)
    piece = np.minimum(at.astype(int), len(anchors) - 2)
    shares = (at - piece)[:, None]
    parts = np.split(anchors, [prior.noise], axis=1)
    return np.concatenate(
        [
            _pieces(step, part[piece], part[piece + 1], shares)[:, 0]
            for step, part in zip((way, linear), parts, strict=True)
        ],
        axis=1,
    )


@partial(jax.jit, static_argnums=0)
def _pieces(
    way: Callable[..., jax.Array], start: jax.Array, end: jax.Array, shares: jax.Array
) -> jax.Array:
    return jax.vmap(way)(start, end, shares)


def great_circle(anchors: np.ndarray, frames: int, prior: Prior) -> np.ndarray:
    """Once around the great circle through two anchors: closed, and evenly fast.

    From the first anchor to the second it is `spherical`'s way, and it goes on in that direction:
    halfway around the noise points opposite to the first's. The length goes evenly from the first
    anchor's to the second's and back, and so do the codes. The frame after the last would be the
    first. Uniform noise may leave its cube on the way.

    Raises:
        InputError: If there aren't two anchors, or all circles go through them as they point the
            same way or opposite ways, or are 0.
    """
    if len(anchors) != 2:
        raise InputError("--points", len(anchors), "a great circle goes through two")
    noise, codes = np.split(anchors.astype(np.float64), [prior.noise], axis=1)
    lengths = np.linalg.norm(noise, axis=1, keepdims=True)
    start, end = noise / np.maximum(lengths, np.finfo(float).tiny)
    across = end - (start @ end) * start
    height = np.linalg.norm(across)
    if not (lengths.all() and height > 1e-6):
        raise InputError("--points", len(anchors), "no two directions, no great circle")
    turned = 2 * np.pi * np.arange(frames)[:, None] / frames
    met = np.arctan2(height, start @ end)
    there = np.interp(turned, (0, met, 2 * np.pi), (0, 1, 0))
    blend = np.concatenate([1 - there, there], axis=1)
    ways = np.cos(turned) * start + np.sin(turned) * across / height
    return np.concatenate([blend @ lengths * ways, blend @ codes], axis=1, dtype=np.float32)


def walk(anchors: np.ndarray, frames: int, prior: Prior, *, closed: bool = False) -> np.ndarray:
    """A smooth random walk: through all anchors, and each frame is distributed as they are.

    A frame is a sum of the anchors. Their weights follow the cubic spline that is 1 at the anchor
    and 0 at the others, and are scaled to unit length at every frame. Sums with such weights of
    independent standard normal anchors are standard normal again; so each frame is a draw from the
    prior, and the walk a Gaussian process (with great circles for splines: Hennig, "Animating
    Samples from Gaussian Distributions", 2013, MPI for Intelligent Systems, technical report 8).
    Sums of anchors on a sphere have no preferred direction, and are scaled back to the sphere.
    Uniform noise, and continuous codes, walk as the normal ones of the same quantiles (a Gaussian
    copula). A category goes straight: between two it is both in part, which no draw is.

    Args:
        anchors: See `Path`.
        frames: See `Path`.
        prior: See `Path`.
        closed: Whether it goes on from the last anchor to the first, as smoothly. The frame after
            the last would be the first.

    Raises:
        InputError: If anchors that should be uniform are not in [-1, 1].
    """
    knots = np.arange(len(anchors) + closed)
    at = np.linspace(0, knots[-1], frames, endpoint=not closed)
    cardinal = np.eye(len(anchors))[knots % len(anchors)]
    weights = CubicSpline(knots, cardinal, bc_type="periodic" if closed else "natural")(at)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    straight = make_interp_spline(knots, cardinal, k=1)(at)
    ends = np.cumsum([prior.noise, prior.categories])
    noise, categories, continuous = np.split(anchors.astype(np.float64), ends, axis=1)
    parts = [
        _WALKS[prior.distribution](weights, noise),
        straight @ categories,
        _uniform_walk(weights, continuous),
    ]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _normal_walk(weights: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    return weights @ anchors


def _uniform_walk(weights: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    farthest = np.max(np.abs(anchors), initial=0)
    if farthest > 1:
        raise InputError("--points", farthest, "uniform latents are in [-1, 1]")
    quantiles = (1 + np.clip(anchors, -_LAST, _LAST)) / 2
    return 2 * ndtr(weights @ ndtri(quantiles)) - 1


def _sphere_walk(weights: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    z = weights @ anchors
    return z * np.sqrt(z.shape[1]) / np.linalg.norm(z, axis=1, keepdims=True)


_WALKS = {"normal": _normal_walk, "uniform": _uniform_walk, "sphere": _sphere_walk}

OPEN: dict[str, Path] = {
    "linear": partial(through, linear),
    "spherical": partial(through, spherical),
    "walk": walk,
}
CLOSED: dict[str, Path] = {
    "loop": great_circle,
    "closed_walk": partial(walk, closed=True),
}
PATHS = OPEN | CLOSED

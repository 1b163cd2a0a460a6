"""Maps of latent space: plane slices, profiles by radius, and how much of a region has meaning."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.core.errors import InputError
from gan_jax.game.prior import Prior
from gan_jax.latent.meaning import Meaning, Read

Make = Callable[[np.ndarray, np.ndarray | None], np.ndarray]
"""(z [N, L], labels int32 [N] or None) to examples as data sets hold them: `render` of a space."""

ROOM = 1.4  # of a map's side, over what the three points take
FLAT = 1e-4  # of the longest side, up to which a triangle's height counts as none
# Root mean square of one coordinate of the noise.
SPREAD = {"normal": 1.0, "uniform": 1 / math.sqrt(3), "sphere": 1.0}


# Planes


class Plane(NamedTuple):
    """The plane through three latents.

    Attributes:
        origin: Their mean, `[L]`.
        axes: Orthonormal, `[2, L]`; the first leads from the first latent towards the second, the
            third lies on the positive side of the second axis.
        points: The three in the plane's coordinates, `[3, 2]`.
    """

    origin: np.ndarray
    axes: np.ndarray
    points: np.ndarray


class Grid(NamedTuple):
    """Latents on a square of a plane.

    Attributes:
        z: `[rows, columns, L]`; the first row is on top, where the second coordinate is largest.
        extent: Left, right, bottom and top of the square, half a cell beyond the outer latents.
    """

    z: np.ndarray
    extent: tuple[float, float, float, float]


def plane(three: np.ndarray, key: str = "three") -> Plane:
    """The plane through three latents.

    Args:
        three: `[3, L]`.
        key: What the user set, for the message.

    Raises:
        InputError: If they are not three, not finite, or on one line.
    """
    three = np.asarray(three, np.float64)
    if three.ndim != 2 or len(three) != 3:
        raise InputError(key, list(three.shape), "a plane takes three latents, [3, L]")
    if not np.isfinite(three).all():
        raise InputError(key, list(three.shape), "not all latents are finite")
    along, other = three[1] - three[0], three[2] - three[0]
    length = np.linalg.norm(along)
    first = along / max(length, np.finfo(float).tiny)
    up = other - (other @ first) * first
    height = np.linalg.norm(up)
    if min(length, height) <= FLAT * max(length, np.linalg.norm(other)):
        raise InputError(key, list(three.shape), "the three lie on one line and span no plane")
    origin, axes = three.mean(axis=0), np.stack([first, up / height])
    return Plane(origin, axes, (three - origin) @ axes.T)


def grid(plane: Plane, side: int, room: float = ROOM) -> Grid:
    """Evenly spaced latents on a square around the three points.

    Args:
        plane: The plane.
        side: Latents a side, at least 2.
        room: The square's side over the longer side of the points' bounding box, at least 1.
    """
    low, high = plane.points.min(axis=0), plane.points.max(axis=0)
    half = room * (high - low).max() / 2
    steps = np.linspace(-half, half, side)
    across, up = (low + high)[:, None] / 2 + steps
    coordinates = np.stack(np.meshgrid(across, up[::-1]), axis=-1)
    margin = half / (side - 1)
    extent = across[0] - margin, across[-1] + margin, up[0] - margin, up[-1] + margin
    return Grid(plane.origin + coordinates @ plane.axes, tuple(map(float, extent)))


# Radii


class Profile(NamedTuple):
    """What latents mean by their distance from 0; R radii, N directions, K kinds.

    Attributes:
        radii: Over the typical radius, `[R]`.
        confidence: Mean, `[R]`.
        distance: Mean, `[R]`.
        meaningful: Share, `[R]`.
        kinds: Share of each kind, meaningful or not, `[R, K]`.
        num: N; a share's interval is `gan_jax.study.statistics.share`'s of so many.
    """

    radii: np.ndarray
    confidence: np.ndarray
    distance: np.ndarray
    meaningful: np.ndarray
    kinds: np.ndarray
    num: int


def typical_radius(prior: Prior) -> float:
    """The root mean square length of a prior's latents.

    It is sqrt(L) of normal latents, of which nearly all have that length where L is large; exactly
    the length of those on the sphere; and sqrt(L / 3) of uniform ones.

    Raises:
        InputError: If a part of the latents are codes, of which 0 is no middle.
    """
    if prior.codes:
        raise InputError("config.model.codes", prior.codes, "latents with codes have no radius")
    return SPREAD[prior.distribution] * math.sqrt(prior.noise)


def directions(z: np.ndarray) -> np.ndarray:
    """Latents `[N, L]` at length 1."""
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def in_ball(num: int, dimensions: int, radius: float, seed: int = 0) -> np.ndarray:
    """Latents spread evenly over the volume of a ball around 0.

    Args:
        num: N.
        dimensions: L.
        radius: The ball's.
        seed: Of the draw.

    Returns:
        `[N, L]`.
    """
    rng = np.random.default_rng(seed)
    ways = directions(rng.standard_normal((num, dimensions)))
    return radius * rng.random((num, 1)) ** (1 / dimensions) * ways


def profile(
    read: Read,
    make: Make,
    prior: Prior,
    z: np.ndarray,
    radii: Sequence[float],
    kinds: int,
    labels: np.ndarray | None = None,
) -> Profile:
    """What latents mean by their distance from 0, the same directions at each.

    Args:
        read: What reads the examples.
        make: The generator.
        prior: Of its latents.
        z: Latents `[N, L]` that say which directions, drawn from the prior.
        radii: Over the typical radius, 0 or more.
        kinds: How many there are.
        labels: Classes int32 `[N]`, or None.

    Raises:
        InputError: See `typical_radius`.
    """
    ways = typical_radius(prior) * directions(np.asarray(z))
    found = [read(make(radius * ways, labels)) for radius in radii]

    def means(name: str) -> np.ndarray:
        return np.array([np.mean(getattr(one, name)) for one in found])

    return Profile(
        radii=np.array(radii, float),
        confidence=means("confidence"),
        distance=means("distance"),
        meaningful=means("meaningful"),
        kinds=np.stack([np.bincount(one.kind, minlength=kinds) / len(z) for one in found]),
        num=len(z),
    )


# Regions


def over(read: Read, make: Make, z: np.ndarray, labels: np.ndarray | None = None) -> Meaning:
    """What latents mean, however they are laid out.

    Args:
        read: What reads the examples.
        make: The generator.
        z: `[..., L]`: a grid, or draws from a prior, from a ball.
        labels: Classes int32 `[...]`, or None.

    Returns:
        Each attribute `[...]`. The mean of `meaningful` is the density of meaning there.
    """
    shape = z.shape[:-1]
    classes = None if labels is None else np.reshape(labels, -1)
    meaning = read(make(z.reshape(-1, z.shape[-1]), classes))
    return Meaning(*(values.reshape(shape) for values in meaning))

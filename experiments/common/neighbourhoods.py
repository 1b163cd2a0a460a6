"""How far apart images are whose latents are near each other, and latents whose images are.

Latents are turned on the sphere that they lie on: of a latent from a normal or spherical prior, and
of any direction to turn to that is drawn alike, the turned one is just as typical. Distances of
images are Euclidean, of pixels in [-1, 1] and of the digit classifier's features; relative ones are
shares of the mean distance of independent samples.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax.tree_util import Partial
from scipy.stats import spearmanr

from gan_jax.latent.space import Generate
from gan_jax.metrics.neighbours import nearest

BATCH = 250  # latents a dispatch: memory does not grow with what is asked for
VIEWS = ("pixels", "features")
WORST = 99  # percentile: all but one pair in a hundred
STEEPEST = 20  # steps that are looked at more closely
PARTS = 10  # of such a step


class Seen(NamedTuple):
    """What is seen of N images.

    Attributes:
        pixels: float32 `[N, P]` in [-1, 1].
        features: float32 `[N, F]`.
        digit: int32 `[N]`.
    """

    pixels: np.ndarray
    features: np.ndarray
    digit: np.ndarray


Look = Callable[[np.ndarray], Seen]


def make_look(generate: Generate, read: Partial) -> Look:
    """A function of latents `[N, L]` to what is seen of their images.

    Args:
        generate: The generator.
        read: Images to a `gan_jax.latent.digits.DigitPrediction`.
    """

    def look(z: np.ndarray) -> Seen:
        batches = [z[first : first + BATCH] for first in range(0, len(z), BATCH)]
        parts = [jax.device_get(_seen(generate, read, batch)) for batch in batches]
        return Seen(*map(np.concatenate, zip(*parts, strict=True)))

    return look


@jax.jit
def _seen(generate: Generate, read: Partial, z: jax.Array) -> tuple[jax.Array, ...]:
    images = generate(z)
    reading = read(images)
    return images.reshape(len(z), -1), reading.features, reading.digit


def turned(z: np.ndarray, towards: np.ndarray, degrees: float | np.ndarray) -> np.ndarray:
    """Latents at an angle to others, as long as those are.

    Args:
        z: `[N, L]`, none of them 0.
        towards: `[N, L]`, where to turn to; none a multiple of its partner in `z`.
        degrees: The angle, or `[N]` angles.

    Returns:
        `[N, L]`.
    """
    angle = np.radians(np.broadcast_to(degrees, len(z)))[:, None]
    share = np.sum(towards * z, axis=1, keepdims=True) / np.sum(z * z, axis=1, keepdims=True)
    across = towards - share * z
    across *= _length(z)[:, None] / _length(across)[:, None]
    return (np.cos(angle) * z + np.sin(angle) * across).astype(np.float32)


def apart(one: Seen, other: Seen) -> dict[str, np.ndarray]:
    """Distances `[N]` between images, pair by pair, by view."""
    return {view: _length(getattr(one, view) - getattr(other, view)) for view in VIEWS}


def same(one: Seen, other: Seen) -> float:
    """The share of pairs that the classifier takes for the same digit."""
    return float(np.mean(one.digit == other.digit))


def units(one: Seen, other: Seen) -> dict[str, float]:
    """The mean distance of independent images by view: what relative ones are shares of."""
    return {view: float(distance.mean()) for view, distance in apart(one, other).items()}


def turns(
    look: Look, z: np.ndarray, towards: np.ndarray, angles: Sequence[float]
) -> dict[str, float]:
    """Distances of images whose latents are at an angle, relative to those of `z` and `towards`.

    Args:
        look: See `make_look`.
        z: Latents `[N, L]`.
        towards: Independent ones `[N, L]`.
        angles: In degrees.

    Returns:
        By `turn_<angle>/`: `<view>` is the mean, `<view>_worst` the `WORST` percentile, and
        `same_digit` a share.
    """
    still, found = look(z), {}
    unit = units(still, look(towards))
    for angle in angles:
        there = look(turned(z, towards, angle))
        for view, distance in apart(still, there).items():
            found[f"turn_{angle}/{view}"] = float(distance.mean() / unit[view])
            worst = np.percentile(distance, WORST)
            found[f"turn_{angle}/{view}_worst"] = float(worst / unit[view])
        found[f"turn_{angle}/same_digit"] = same(still, there)
    return found


def ranks(look: Look, z: np.ndarray, towards: np.ndarray, degrees: np.ndarray) -> dict[str, float]:
    """Spearman's rank correlation of latent and image distance.

    Args:
        look: See `make_look`.
        z: Latents `[N, L]`.
        towards: Independent ones `[N, L]`.
        degrees: Angles `[N]` of the turned pairs.

    Returns:
        `rank_turned/<view>`, over pairs at those angles; `rank_independent/<view>`, over
        independent pairs, whose latents are nearly all equally far apart.
    """
    still, found = look(z), {}
    for name, other in (("turned", turned(z, towards, degrees)), ("independent", towards)):
        latent = _length(z - other)
        for view, distance in apart(still, look(other)).items():
            found[f"rank_{name}/{view}"] = float(spearmanr(latent, distance).statistic)
    return found


def walk(look: Look, z: np.ndarray, towards: np.ndarray, step: float) -> dict[str, float]:
    """How steep a generator is along quarters of great circles, and whether it is torn.

    The ratio of image to latent distance of each small step is compared with the mean ratio, and
    the steepest steps are cut into `PARTS`. Where the generator is smooth at that scale each part
    has its share; at a tear one part has all of the change.

    Args:
        look: See `make_look`.
        z: Latents `[N, L]`.
        towards: Independent ones `[N, L]`.
        step: Degrees, a divisor of 90.

    Returns:
        By view: `steep_999/` and `steep_max/`, the 99.9th percentile and the maximum of the ratios
        over their mean; `jump_max/`, the largest step's share of the distance of independent
        images; `tear/`, the largest part of a steepest step over the whole of its parts, the mean
        of the `STEEPEST` steps and at least 1 / `PARTS`.
    """
    changes, unit = _steps(look, z, towards, step), units(look(z), look(towards))
    stride, found = 2 * np.sin(np.radians(step) / 2) * _length(z), {}
    for view, change in changes.items():
        ratio = change / stride
        steepest = np.argsort(ratio, axis=None)[-STEEPEST:]
        place, circle = np.unravel_index(steepest, ratio.shape)
        cut = partial(_largest_part, look, z[circle], towards[circle])
        found |= {
            f"steep_999/{view}": float(np.percentile(ratio, 99.9) / ratio.mean()),
            f"steep_max/{view}": float(ratio.max() / ratio.mean()),
            f"jump_max/{view}": float(change.max() / unit[view]),
            f"tear/{view}": cut(place * step, step, view),
        }
    return found


def _steps(look: Look, z: np.ndarray, towards: np.ndarray, step: float) -> dict[str, np.ndarray]:
    """The distances `[90 / step, N]` of images from step to step, by view."""
    origin, found = look(z), []
    for degrees in np.arange(step, 90 + step / 2, step):
        ahead = look(turned(z, towards, degrees))
        found.append(apart(origin, ahead))
        origin = ahead
    return {view: np.array([one[view] for one in found]) for view in VIEWS}


def _largest_part(look, z, towards, starts, step, view) -> float:
    """The largest of a step's parts over the sum of them, in the mean over steps."""
    cuts = [look(turned(z, towards, starts + step * n / PARTS)) for n in range(PARTS + 1)]
    parts = np.array([apart(one, other)[view] for one, other in itertools.pairwise(cuts)])
    return float(np.mean(parts.max(axis=0) / parts.sum(axis=0)))


def reverse(look: Look, z: np.ndarray, count: int) -> dict[str, float]:
    """How far apart the latents of similar images are, and the images of near latents.

    Args:
        look: See `make_look`.
        z: Independent latents `[N, L]`.
        count: Of how many of them, the first ones, the nearest of all others are sought.

    Returns:
        By view: `reverse_angle/`, the mean angle in degrees to the latent of the nearest image;
        `reverse_rank/`, the share of the other latents that are nearer than that one, 0.5 by
        chance; `reverse_distance/`, the nearest image's relative distance; and
        `forward_distance/`, the relative distance of the image whose latent is nearest.
        `nearest_angle` is the mean angle to the nearest latent.
    """
    seen, rows = look(z), np.arange(count)
    ways = z / _length(z)[:, None]
    cosines = ways[:count] @ ways.T
    cosines[rows, rows] = -np.inf
    beside = cosines.argmax(axis=1)
    asked, unit = _at(seen, rows), units(_at(seen, rows), _at(seen, (rows + count) % len(z)))
    forward = apart(asked, _at(seen, beside))
    found = {"nearest_angle": _mean_angle(cosines[rows, beside])}
    for view in VIEWS:
        images = getattr(seen, view)
        alike = nearest(images[:count], images, rows)
        theirs = cosines[rows, alike]
        found |= {
            f"reverse_angle/{view}": _mean_angle(theirs),
            f"reverse_rank/{view}": float(np.mean(cosines > theirs[:, None])),
            f"reverse_distance/{view}": float(
                apart(asked, _at(seen, alike))[view].mean() / unit[view]
            ),
            f"forward_distance/{view}": float(forward[view].mean() / unit[view]),
        }
    return found


def _at(seen: Seen, rows: np.ndarray) -> Seen:
    return Seen(*(part[rows] for part in seen))


def _mean_angle(cosines: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).mean())


def _length(rows: np.ndarray) -> np.ndarray:
    return np.linalg.norm(rows, axis=1)

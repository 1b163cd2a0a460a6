"""The search for latents by any method, from any start, and what it finds."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.core.errors import InputError, choose
from gan_jax.game.prior import Prior
from gan_jax.latent.inversion import adam
from gan_jax.latent.inversion.gauss_newton import damped, exact, gauss_newton, krylov
from gan_jax.latent.inversion.problem import Method, Search, Target, mean_square
from gan_jax.latent.inversion.starts import STARTS, bank
from gan_jax.latent.render import synthesize
from gan_jax.latent.space import Generate

TOLERANCE = 0.1
"""The share of an example's distance from the mean of the generator's that may stay unexplained."""

_TYPICAL = 512  # examples whose mean that is


class Inversion(NamedTuple):
    """Latents found for N examples, numpy arrays.

    Attributes:
        z: The best of all restarts, `[N, L]`.
        error: Mean squared error of its example, `[N]`; images are in [-1, 1].
        converged: Whether the example was found, `[N]` bool: its error is at most the tolerance
            times the mean squared error of the mean of the generator's examples.
        steps: Of the restart that was best, int `[N]`.
    """

    z: np.ndarray
    error: np.ndarray
    converged: np.ndarray
    steps: np.ndarray


METHODS = {
    "adam": Method(adam.begin, adam.step, batch=128, steps=500, restarts=4, start="prior"),
    "gauss_newton": Method(
        damped(0.1), gauss_newton(exact), batch=8, steps=20, restarts=1, start="nearest"
    ),
    "gauss_newton_cg": Method(
        damped(0.01),
        gauss_newton(krylov),
        batch=32,
        steps=30,
        restarts=3,
        start="nearest",
        trial=6,
    ),
}
"""Ways to search, by the name that `--method` takes."""


def invert(
    generate: Generate,
    prior: Prior,
    x: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    method: str = "gauss_newton_cg",
    start: str | np.ndarray | None = None,
    restarts: int | None = None,
    steps: int | None = None,
    rate: float = 0.2,
    weight: float = 0.0,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Inversion:
    """Find the latents of examples.

    Args:
        generate: The generator.
        prior: The distribution of its latents.
        x: Examples `[N, ...]`: images uint8, or float in [-1, 1]; or points.
        labels: Their classes int32 `[N]`, where the generator takes any.
        method: One of `METHODS`.
        start: One of `STARTS`, or latents `[N, R, L]` to start from. None, here and below: what
            suits the method.
        restarts: Searches an example, of which the best counts. Beyond the latents given they start
            where the method's do.
        steps: At most.
        rate: Adam's at first.
        weight: Of |z|^2 / L, how unlikely z is, beside the mean squared error; at least 0.
        tolerance: See `TOLERANCE`.
        seed: Of the starts.

    Raises:
        InputError: If there is no such method or start, a number can't be used, the examples are
            not finite, or the prior that z is to be likely under is not normal.
    """
    way = choose("--method", method, METHODS)
    steps = way.steps if steps is None else steps
    counts = {"--steps": steps, "--restarts": 1 if restarts is None else restarts}
    _check(prior, x, weight, counts)
    target = Target(np.asarray(x, np.float32), labels, np.float32(weight))
    find = partial(_starts, generate, prior, target, seed)
    if start is None or isinstance(start, str):
        start = find(start or way.start, restarts or way.restarts)
    elif restarts and restarts > start.shape[1]:
        start = np.concatenate([start, find(way.start, restarts - start.shape[1])], axis=1)
    search, taken = _search(way, generate, target, np.asarray(start, np.float32), steps, rate)
    best = np.arange(len(target.x)), np.argmin(search.value, axis=1)
    z = search.best[best]
    error = np.asarray(mean_square(synthesize(generate, z, labels) - target.x))
    return Inversion(z, error, error <= tolerance * _spread(generate, prior, target), taken[best])


def _starts(
    generate: Generate, prior: Prior, target: Target, seed: int, name: str, restarts: int
) -> np.ndarray:
    return choose("--start", name, STARTS)(generate, prior, target, restarts, seed)


def _search(
    method: Method, generate: Generate, target: Target, start: np.ndarray, steps: int, rate: float
) -> tuple[Search, np.ndarray]:
    """Search from `[N, R, L]`; all that is found is `[N, R, ...]`, with the steps taken."""
    shape, z = start.shape[:2], start.reshape(-1, start.shape[2])
    num, memory = len(z), method.begin(z, steps, rate)
    search = Search(z, z, np.full(num, np.inf, z.dtype), np.zeros(num, bool), memory)
    search, taken = jax.tree.map(np.array, search), np.zeros(num, int)
    for number in range(steps):
        if number == method.trial > 0:
            each = search.value.reshape(shape)
            search.settled[(each > each.min(axis=1, keepdims=True)).ravel()] = True
        active = np.flatnonzero(~search.settled)
        for rows in _chunks(active, _dispatched(num, method.batch)):
            part = jax.tree.map(lambda leaf, rows=rows: leaf[rows], search)
            part = method.step(generate, target.rows(rows // shape[1]), part)
            for whole, new in zip(jax.tree.leaves(search), jax.tree.leaves(part), strict=True):
                whole[rows] = new
        taken[active] += 1
    return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), (search, taken))


def _dispatched(num: int, most: int) -> int:
    """How many to dispatch at once where there are `num`: a power of 2, so programs are few."""
    return min(most, 1 << (num - 1).bit_length())


def _chunks(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The rows, `size` at a time; the last of them fills the rest."""
    for first in range(0, len(rows), size):
        chunk = rows[first : first + size]
        yield np.pad(chunk, (0, size - len(chunk)), mode="edge")


def _spread(generate: Generate, prior: Prior, target: Target) -> np.ndarray:
    """Mean squared distances `[N]` from the mean of what the generator makes."""
    drawn = bank(prior, 0, _TYPICAL)
    mean = synthesize(generate, drawn.z, drawn.labels).mean(axis=0)
    return np.asarray(mean_square(target.x - mean))


def _check(prior: Prior, x: np.ndarray, weight: float, counts: dict[str, int]) -> None:
    for key, count in counts.items():
        if count < 1:
            raise InputError(key, count, "must be 1 or more")
    if not len(x) or not np.all(np.isfinite(x)):
        raise InputError("--images", np.shape(x), "no examples, or some that are not finite")
    if not weight >= 0:
        raise InputError("--weight", weight, "must be 0 or more")
    if weight and prior.distribution != "normal":
        raise InputError("--weight", weight, f"the prior is {prior.distribution}, not normal")

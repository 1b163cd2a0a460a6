"""From an example to its latent: the z whose G(z) is nearest to it.

What is minimised is the mean squared error |G(z) - x|^2 / D of an example of D numbers, where asked
for with a weight on how unlikely z is (Creswell and Bharath, "Inverting the Generator of a
Generative Adversarial Network", 2018, arXiv:1802.05701). Nothing says that the minimum found is the
lowest one: that is what restarts are for.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.data.batches import to_float
from gan_jax.errors import InputError, choose
from gan_jax.game.prior import Draw, Prior
from gan_jax.latent.space import Generate
from gan_jax.streams import example_keys, root, stream

TOLERANCE = 0.1
"""The share of an example's distance from the mean of the generator's that may stay unexplained."""

_BANK = 4096  # draws among which the nearest are looked for
_DISPATCHED = 512  # of what only makes examples
_FIRST_DAMPING, _DAMPING_RANGE = 0.1, (1e-6, 1e6)
_DAMPINGS = (0.01, 0.1, 1.0, 10.0, 100.0)  # times the example's own, tried with each Jacobian
_GAIN, _NOTHING = 1e-3, 1e-9  # a search that gains no more, as a share or at all, has settled


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


class Target(NamedTuple):
    """What is to be found.

    Attributes:
        x: Examples `[B, ...]`, as the generator makes them.
        labels: Their classes int32 `[B]`, or None.
        weight: Of |z|^2 / L beside the mean squared error, at least 0.
    """

    x: jax.Array
    labels: jax.Array | None
    weight: float

    def rows(self, rows: np.ndarray) -> "Target":
        """Some of them."""
        labels = None if self.labels is None else self.labels[rows]
        return self._replace(x=self.x[rows], labels=labels)


class Search(NamedTuple):
    """Where the searches for B examples stand.

    Attributes:
        z: Where each looks next, `[B, L]`.
        best: The best it has seen, `[B, L]`.
        value: What is minimised, there, `[B]`; infinite before the first look.
        settled: Whether it gains nothing any more, `[B]`.
        memory: What the method keeps, a tree of `[B, ...]`.
    """

    z: jax.Array
    best: jax.Array
    value: jax.Array
    settled: jax.Array
    memory: Any


class Method(NamedTuple):
    """A way to search.

    Attributes:
        begin: Its memory at latents `[B, L]`.
        step: (generate, target, search) to the next search; compiled.
    """

    begin: Callable[[jax.Array], Any]
    step: Callable[[Generate, Target, Search], Search]


class Usage(NamedTuple):
    """How a method is used.

    Attributes:
        make: (steps, rate) to the method.
        batch: Searches a dispatch: what bounds its memory.
        steps: At most, unless others are asked for.
        restarts: Likewise.
        start: Where it starts, one of `STARTS`, likewise.
    """

    make: Callable[[int, float], Method]
    batch: int
    steps: int
    restarts: int
    start: str


@functools.cache
def adam(steps: int, rate: float) -> Method:
    """Adam along the gradient, its rate from `rate` to zero along a cosine."""
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, steps))

    def total(z, generate, target):
        each = _value(generate(z, target.labels), target, z)
        return each.sum(), each

    @jax.jit
    def step(generate: Generate, target: Target, search: Search) -> Search:
        gradient, value = jax.grad(total, has_aux=True)(search.z, generate, target)
        updates, memory = jax.vmap(optimizer.update)(gradient, search.memory)
        search = _better(search, search.z, value)
        return search._replace(z=search.z + updates, memory=memory)

    return Method(jax.vmap(optimizer.init), step)


@functools.cache
def gauss_newton(steps: int, rate: float) -> Method:
    """Levenberg and Marquardt's method, with several dampings a Jacobian.

    A Jacobian takes as long as some fifty gradients, a try at another latent less than one. So a
    step solves the damped normal equations for several dampings, each a multiple of the mean of the
    matrix's diagonal, and takes the best try if it is better; its damping is the middle one of the
    next step. Marquardt, "An Algorithm for Least-Squares Estimation of Nonlinear Parameters"
    (1963).
    """
    del steps, rate  # it stops where it gains nothing

    @jax.jit
    def step(generate: Generate, target: Target, search: Search) -> Search:
        normal, gradient, value = _normal_equations(generate, target, search.z)
        dampings = search.memory[:, None] * jnp.array(_DAMPINGS)
        tries = search.z[:, None] - _solve(normal, gradient, dampings)
        at = jax.vmap(lambda z: _value(generate(z, target.labels), target, z), 1, 1)(tries)
        # Too small a damping may leave float32 no Cholesky factor: a try that failed.
        at = jnp.where(jnp.isnan(at), jnp.inf, at)
        rows, least = jnp.arange(len(at)), jnp.argmin(at, axis=1)
        search = _better(search._replace(value=value), tries[rows, least], at[rows, least])
        gain = value - search.value
        damping = jnp.where(gain > 0, dampings[rows, least], dampings[:, -1])
        return search._replace(
            z=search.best,
            settled=gain <= _GAIN * value + _NOTHING,
            memory=jnp.clip(damping, *_DAMPING_RANGE),
        )

    return Method(lambda z: jnp.full(len(z), _FIRST_DAMPING, z.dtype), step)


METHODS = {
    "adam": Usage(adam, batch=128, steps=500, restarts=4, start="prior"),
    "gauss_newton": Usage(gauss_newton, batch=16, steps=30, restarts=1, start="nearest"),
}


def from_prior(
    generate: Generate, prior: Prior, target: Target, restarts: int, seed: int
) -> np.ndarray:
    """Latents drawn for each of N examples, `[N, restarts, L]`."""
    num = len(target.x)
    drawn = prior.draw(example_keys(stream(root(seed), "starts"), num * restarts)).z
    return np.asarray(drawn).reshape(restarts, num, -1).swapaxes(0, 1)


def nearest(
    generate: Generate, prior: Prior, target: Target, restarts: int, seed: int
) -> np.ndarray:
    """Of 4,096 latents those whose examples are nearest, of the class, `[N, restarts, L]`."""
    bank = _bank(prior, seed)
    squares, numbers = np.empty((len(target.x), 0)), np.empty((len(target.x), 0), int)
    for rows in np.split(np.arange(_BANK), _BANK // _DISPATCHED):
        labels = None if bank.labels is None else bank.labels[rows]
        found = np.asarray(_squared_distances(generate, bank.z[rows], labels, target))
        squares = np.concatenate([squares, found], axis=1)
        numbers = np.concatenate([numbers, np.broadcast_to(rows, found.shape)], axis=1)
        least = np.argsort(squares, axis=1, kind="stable")[:, :restarts]
        squares = np.take_along_axis(squares, least, axis=1)
        numbers = np.take_along_axis(numbers, least, axis=1)
    return np.asarray(bank.z)[numbers]


STARTS = {"prior": from_prior, "nearest": nearest}
"""Where searches start: (generate, prior, target, restarts, seed) to latents."""


def invert(
    generate: Generate,
    prior: Prior,
    x: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    method: str = "gauss_newton",
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
        restarts: Searches an example, R; the best of them counts. Latents given say it themselves.
        steps: At most.
        rate: Adam's at first.
        weight: Of |z|^2 / L, how unlikely z is, beside the mean squared error; at least 0.
        tolerance: See `TOLERANCE`.
        seed: Of the starts.

    Raises:
        InputError: If there is no such method or start, a number can't be used, the examples are
            not finite, or the prior that z is to be likely under is not normal.
    """
    usage = choose("--method", method, METHODS)
    steps = usage.steps if steps is None else steps
    restarts = usage.restarts if restarts is None else restarts
    start = usage.start if start is None else start
    _check(prior, x, weight, {"--steps": steps, "--restarts": restarts})
    target = Target(np.asarray(to_float(np.asarray(x)), np.float32), labels, np.float32(weight))
    if isinstance(start, str):
        find = choose("--start", start, STARTS)
        start = find(generate, prior, target, restarts, seed)
    search, taken = _search(usage, generate, target, np.asarray(start, np.float32), steps, rate)
    rows = np.arange(len(target.x)), np.argmin(search.value, axis=1)
    z = search.best[rows]
    error = _error_of(generate, z, target)
    return Inversion(z, error, error <= tolerance * _spread(generate, prior, target), taken[rows])


def _search(
    usage: Usage, generate: Generate, target: Target, start: np.ndarray, steps: int, rate: float
) -> tuple[Search, np.ndarray]:
    """Search from `[N, R, L]`; all that is found is `[N, R, ...]`, with the steps taken."""
    method, shape = usage.make(steps, rate), start.shape[:2]
    z = start.reshape(-1, start.shape[2])
    num = len(z)
    search = Search(z, z, np.full(num, np.inf, z.dtype), np.zeros(num, bool), method.begin(z))
    search, taken = jax.tree.map(np.array, search), np.zeros(num, int)
    for _ in range(steps):
        active = np.flatnonzero(~search.settled)
        for rows in _chunks(active, _dispatched(num, usage.batch)):
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


def _value(made: jax.Array, target: Target, z: jax.Array) -> jax.Array:
    """What is minimised, where latents `[B, L]` make examples: `[B]`."""
    return _squares(made - target.x) + target.weight * _squares(z)


def _squares(x: jax.Array) -> jax.Array:
    """The mean square of each of `[B, ...]`."""
    return jnp.mean(jnp.square(x), axis=tuple(range(1, x.ndim)))


def _better(search: Search, z: jax.Array, value: jax.Array) -> Search:
    """The search after a look at latents `[B, L]`."""
    better = value < search.value
    best = jnp.where(better[:, None], z, search.best)
    return search._replace(best=best, value=jnp.where(better, value, search.value))


def _normal_equations(
    generate: Generate, target: Target, z: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """J'J `[B, L, L]` and J'r `[B, L]` of the residuals whose squares are minimised, and that."""
    made, push = jax.linearize(lambda z: generate(z, target.labels), z)
    basis = jnp.eye(z.shape[1], dtype=z.dtype)
    jacobian = jax.vmap(lambda one: push(jnp.broadcast_to(one, z.shape)), out_axes=1)(basis)
    jacobian = jacobian.reshape(*z.shape, -1)
    residual, size = (made - target.x).reshape(len(z), -1), jacobian.shape[2]
    weight = target.weight / z.shape[1]
    normal = jacobian @ jacobian.swapaxes(1, 2) / size + weight * basis
    gradient = (jacobian @ residual[..., None])[..., 0] / size + weight * z
    return normal, gradient, _value(made, target, z)


def _solve(normal: jax.Array, gradient: jax.Array, dampings: jax.Array) -> jax.Array:
    """Solutions `[B, K, L]` of normal equations `[B, L, L]`, `[B, L]` with dampings `[B, K]`."""
    scale = jnp.trace(normal, axis1=1, axis2=2) / normal.shape[1]
    ridge = (dampings * scale[:, None])[..., None, None] * jnp.eye(normal.shape[1])
    factor = jnp.linalg.cholesky(normal[:, None] + ridge)
    right = jnp.broadcast_to(gradient[:, None, :, None], (*dampings.shape, len(ridge[0, 0]), 1))
    return jax.scipy.linalg.cho_solve((factor, True), right)[..., 0]


def _bank(prior: Prior, seed: int) -> Draw:
    return prior.draw(example_keys(stream(root(seed), "bank"), _BANK))


@jax.jit
def _squared_distances(
    generate: Generate, z: jax.Array, labels: jax.Array | None, target: Target
) -> jax.Array:
    """Of N targets to what M latents make: `[N, M]`, infinite to those of another class."""
    made = generate(z, labels).reshape(len(z), -1)
    x = target.x.reshape(len(target.x), -1)
    squares = jnp.sum(x**2, axis=1)[:, None] - 2 * x @ made.T + jnp.sum(made**2, axis=1)
    if labels is None:
        return squares
    return jnp.where(target.labels[:, None] == labels, squares, jnp.inf)


_errors = jax.jit(lambda generate, z, target: _squares(generate(z, target.labels) - target.x))


def _error_of(generate: Generate, z: np.ndarray, target: Target) -> np.ndarray:
    """Mean squared errors `[N]`."""
    errors = np.empty(len(z), np.float32)
    for rows in _chunks(np.arange(len(z)), _dispatched(len(z), _DISPATCHED)):
        errors[rows] = _errors(generate, z[rows], target.rows(rows))
    return errors


def _spread(generate: Generate, prior: Prior, target: Target) -> np.ndarray:
    """Mean squared distances `[N]` from the mean of what the generator makes."""
    drawn = _bank(prior, 0)
    labels = None if drawn.labels is None else drawn.labels[:_DISPATCHED]
    mean = np.mean(generate(drawn.z[:_DISPATCHED], labels), axis=0)
    return np.asarray(_squares(target.x - mean))


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

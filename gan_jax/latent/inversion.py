"""From an example to its latent: the z whose G(z) is nearest to it.

What is minimised is the mean squared error |G(z) - x|^2 / D of an example of D numbers, where asked
for with a weight on how unlikely z is (Creswell and Bharath, "Inverting the Generator of a
Generative Adversarial Network (II)", 2018, arXiv:1802.05701). Nothing says that the minimum found
is the lowest one: that is what restarts are for.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.data.batches import to_float
from gan_jax.errors import InputError, choose
from gan_jax.game.prior import Draw, Prior
from gan_jax.latent.render import synthesize
from gan_jax.latent.space import Generate
from gan_jax.streams import example_keys, root, stream

TOLERANCE = 0.1
"""The share of an example's distance from the mean of the generator's that may stay unexplained."""

_BANK = 4096  # draws among which the nearest are looked for
_DISPATCHED = 512  # of what only makes examples
_DAMPING_RANGE = (1e-6, 1e3)  # where none above helps, nothing does
_DAMPINGS = (0.01, 0.1, 1.0, 10.0, 100.0)  # times the example's own, tried with each Jacobian
_ITERATIONS = 8  # of conjugate gradients a step
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
    """A way to search, and how it is used unless told otherwise.

    Attributes:
        begin: (latents `[B, L]`, steps, rate) to its memory.
        step: (generate, target, search) to the next search; compiled.
        batch: Searches a dispatch: what bounds its memory.
        steps: At most.
        restarts: Searches an example.
        start: One of `STARTS`.
        trial: After how many steps only the best search of an example goes on; 0: none is dropped.
    """

    begin: Callable[[np.ndarray, int, float], Any]
    step: Callable[[Generate, Target, Search], Search]
    batch: int
    steps: int
    restarts: int
    start: str
    trial: int = 0


_ADAM = optax.scale_by_adam()


class AdamMemory(NamedTuple):
    """What Adam keeps of each search, `[B, ...]`, so that no number of steps is a program."""

    moments: optax.ScaleByAdamState
    steps: jax.Array
    rate: jax.Array


def _adam_begin(z: np.ndarray, steps: int, rate: float) -> AdamMemory:
    return AdamMemory(jax.vmap(_ADAM.init)(z), *(np.full(len(z), n) for n in (steps, rate)))


@jax.jit
def adam(generate: Generate, target: Target, search: Search) -> Search:
    """A step of Adam, whose rate falls to zero along a cosine."""

    def total(z):
        each = _value(generate(z, target.labels), target, z)
        return each.sum(), each

    gradient, value = jax.grad(total, has_aux=True)(search.z)
    moments, steps, rate = search.memory
    pace = rate * (1 + jnp.cos(jnp.pi * moments.count / steps)) / 2
    updates, moments = jax.vmap(_ADAM.update)(gradient, moments)
    search = _better(search, search.z, value)
    z = search.z - pace[:, None] * updates
    return search._replace(z=z, memory=AdamMemory(moments, steps, rate))


class Linear(NamedTuple):
    """The least squares problem around latents.

    Attributes:
        z: The latents `[B, L]`.
        push: Changes of the latents `[B, L]` to changes of the examples `[B, ...]`.
        downhill: Half of the negative gradient `[B, L]`.
        size: Numbers of an example.
        weight: On the square of each of the latent's numbers.
    """

    z: jax.Array
    push: Callable[[jax.Array], jax.Array]
    downhill: jax.Array
    size: int
    weight: jax.Array

    def pull(self, change: jax.Array) -> jax.Array:
        """The transpose of `push`."""
        return jax.linear_transpose(self.push, self.z)(change)[0]

    def normal(self, change: jax.Array) -> jax.Array:
        """The normal equations' matrix times `[B, L]`."""
        return self.pull(self.push(change)) / self.size + self.weight * change


class Tries(NamedTuple):
    """Where a step may lead to.

    Attributes:
        z: Latents `[B, K, L]`.
        dampings: With which to go on from each, `[B, K]`; where none is better than the start, with
            ten times the highest.
    """

    z: jax.Array
    dampings: jax.Array


def exact(linear: Linear, damping: jax.Array) -> Tries:
    """Solutions of the normal equations for several dampings.

    These are multiples of the mean of the matrix's diagonal. A Jacobian of 64 columns takes as long
    as fifty gradients, a try less than one: none is wasted on a single damping. Marquardt, "An
    Algorithm for Least-Squares Estimation of Nonlinear Parameters" (1963).
    """
    basis = jnp.eye(linear.z.shape[1], dtype=linear.z.dtype)
    columns = jax.vmap(lambda one: linear.push(jnp.broadcast_to(one, linear.z.shape)), out_axes=1)
    jacobian = columns(basis).reshape(*linear.z.shape, -1)
    normal = jacobian @ jacobian.swapaxes(1, 2) / linear.size + linear.weight * basis
    scale = jnp.trace(normal, axis1=1, axis2=2) / len(basis)
    dampings = damping[:, None] * jnp.array(_DAMPINGS)
    factor = jnp.linalg.cholesky(
        normal[:, None] + (dampings * scale[:, None])[..., None, None] * basis
    )
    right = jnp.broadcast_to(linear.downhill[:, None, :, None], (*factor.shape[:3], 1))
    change = jax.scipy.linalg.cho_solve((factor, True), right)[..., 0]
    return Tries(linear.z[:, None] + change, dampings)


def krylov(linear: Linear, damping: jax.Array) -> Tries:
    """Solutions by a few iterations of conjugate gradients, which need no Jacobian.

    An iteration takes one derivative forward and one backward. What earlier iterations have found,
    and half of what the last one has, trust the linear model less far. The damping is a multiple of
    the curvature along the gradient. Steihaug, "The Conjugate Gradient Method and Trust Regions in
    Large Scale Optimization" (1983).
    """
    rest = way = linear.downhill
    ridge = damping[:, None] * _ratio(_dot(way, linear.normal(way)), _dot(way, way))
    change, changes = jnp.zeros_like(way), []
    for _ in range(_ITERATIONS):
        image = linear.normal(way) + ridge * way
        length = _ratio(_dot(rest, rest), _dot(way, image))
        change, left = change + length * way, rest - length * image
        way = left + _ratio(_dot(left, left), _dot(rest, rest)) * way
        rest = left
        changes.append(change)
    quarter, half, whole = (changes[_ITERATIONS // parts - 1] for parts in (4, 2, 1))
    tries = jnp.stack([quarter, half, whole, whole / 2], axis=1)
    return Tries(linear.z[:, None] + tries, damping[:, None] * jnp.array([2.0, 2.0, 0.25, 2.0]))


def gauss_newton(propose: Callable[[Linear, jax.Array], Tries]) -> Callable:
    """The step of a damped Gauss-Newton method: the best of some tries, if it gains anything.

    Args:
        propose: (problem, dampings `[B]`) to the tries: `exact` or `krylov`.

    Returns:
        The `Method.step`.
    """

    @jax.jit
    def step(generate: Generate, target: Target, search: Search) -> Search:
        made, push = jax.linearize(lambda z: generate(z, target.labels), search.z)
        value = _value(made, target, search.z)
        linear = Linear(search.z, push, search.z, made[0].size, target.weight / search.z.shape[1])
        downhill = linear.pull(target.x - made) / linear.size - linear.weight * linear.z
        tries = propose(linear._replace(downhill=downhill), search.memory)
        at = jax.vmap(lambda z: _value(generate(z, target.labels), target, z), 1, 1)(tries.z)
        # Too small a damping leaves float32 no Cholesky factor: a try that failed.
        at = jnp.where(jnp.isnan(at), jnp.inf, at)
        rows, least = jnp.arange(len(at)), jnp.argmin(at, axis=1)
        search = _better(search._replace(value=value), tries.z[rows, least], at[rows, least])
        gain = value - search.value
        little, lost = gain <= _GAIN * value + _NOTHING, gain <= 0
        damping = jnp.where(lost, 10 * tries.dampings.max(axis=1), tries.dampings[rows, least])
        return search._replace(
            z=search.best,
            settled=little & (~lost | (search.memory >= _DAMPING_RANGE[1])),
            memory=jnp.clip(damping, *_DAMPING_RANGE),
        )

    return step


def _damped(damping: float) -> Callable[[np.ndarray, int, float], np.ndarray]:
    """Searches that begin with a damping; they stop by themselves, so no number of steps counts."""
    return lambda z, steps, rate: np.full(len(z), damping, z.dtype)


METHODS = {
    "adam": Method(_adam_begin, adam, batch=128, steps=500, restarts=4, start="prior"),
    "gauss_newton": Method(
        _damped(0.1), gauss_newton(exact), batch=8, steps=20, restarts=1, start="nearest"
    ),
    "gauss_newton_cg": Method(
        _damped(0.01),
        gauss_newton(krylov),
        batch=32,
        steps=30,
        restarts=3,
        start="nearest",
        trial=6,
    ),
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
    bank = _bank(prior, seed, _BANK)
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
    target = Target(np.asarray(to_float(np.asarray(x)), np.float32), labels, np.float32(weight))
    find = partial(_starts, generate, prior, target, seed)
    if start is None or isinstance(start, str):
        start = find(start or way.start, restarts or way.restarts)
    elif restarts and restarts > start.shape[1]:
        start = np.concatenate([start, find(way.start, restarts - start.shape[1])], axis=1)
    search, taken = _search(way, generate, target, np.asarray(start, np.float32), steps, rate)
    best = np.arange(len(target.x)), np.argmin(search.value, axis=1)
    z = search.best[best]
    error = np.asarray(_squares(synthesize(generate, z, labels) - target.x))
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


def _dot(one: jax.Array, other: jax.Array) -> jax.Array:
    """Products of vectors `[B, L]`: `[B, 1]`."""
    return jnp.sum(one * other, axis=1, keepdims=True)


def _ratio(part: jax.Array, whole: jax.Array) -> jax.Array:
    """The one by the other; 0 where nothing is left to divide by."""
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1), 0)


def _bank(prior: Prior, seed: int, num: int) -> Draw:
    return prior.draw(example_keys(stream(root(seed), "bank"), num))


_made = jax.jit(lambda generate, z, labels: generate(z, labels))


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


def _spread(generate: Generate, prior: Prior, target: Target) -> np.ndarray:
    """Mean squared distances `[N]` from the mean of what the generator makes."""
    drawn = _bank(prior, 0, _DISPATCHED)
    mean = synthesize(generate, drawn.z, drawn.labels).mean(axis=0)
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

"""The shape of what a generator draws: lengths, distances and dimensions in example space.

A generator G pulls the Euclidean metric of its examples back to the latents: M(z) = J^T J with the
Jacobian J of G at z (Shao et al., "The Riemannian Geometry of Deep Generative Models", 2017,
arXiv:1711.08014; Arvanitidis et al., "Latent Space Oddity", 2018, arXiv:1710.11379).

The length of a path is measured in two ways, which agree in the limit of many points. `length` is
the sum of the chords between examples: never above the curve's own length, so no path looks longer
than it is. `speeds` are those of the integral of |J dz|: they say where a path is fast.
"""

from collections.abc import Callable
from functools import partial
from operator import itemgetter

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.latent.paths import linear
from gan_jax.latent.space import Generate
from gan_jax.metrics.batching import BATCH


def singular_values(
    generate: Generate, z: np.ndarray, labels: np.ndarray | None = None
) -> np.ndarray:
    """The singular values of the generator's Jacobian, by as many derivatives as it has rows or
    columns, whichever are fewer.

    Args:
        generate: The generator.
        z: Latents `[N, L]`.
        labels: Their classes, int32 `[N]`.

    Returns:
        All of them, descending: float32 numpy `[N, min(L, D)]`, D numbers an example. Those below
        about 1e-6 of the first are rounding.
    """
    num, size = z.shape[1], int(np.prod(jax.eval_shape(generate, z, labels).shape[1:]))
    jacobian, derivatives = (_by_jvp, num) if num <= size else (_by_vjp, size)
    return in_rows(partial(_singular_values, jacobian, generate), derivatives, z, labels)


def condition_number(values: np.ndarray) -> np.ndarray:
    """How much faster examples change in one direction than in another.

    Args:
        values: Singular values of the Jacobian, `[..., K]`, descending.

    Returns:
        The largest over the smallest, `[...]`; the metric's is its square. Infinite where some
        direction changes nothing.
    """
    with np.errstate(divide="ignore"):
        return values[..., 0] / values[..., -1]


def log_volume(values: np.ndarray) -> np.ndarray:
    """The logarithm of the volume that a unit of latent volume takes on the generator's image.

    Args:
        values: Singular values of the Jacobian, `[..., L]`, where L <= D.

    Returns:
        `[...]`, half of log det M; minus infinity where some direction changes nothing.
    """
    with np.errstate(divide="ignore"):
        return np.log(values).sum(axis=-1)


def participation_ratio(values: np.ndarray) -> np.ndarray:
    """A local dimension, soft: 1 where one direction does all, K where all do alike.

    The participation ratio of the metric's eigenvalues (Gao et al., "A theory of multineuronal
    dimensionality, dynamics and measurement", 2017, bioRxiv 214262).

    Args:
        values: Singular values of the Jacobian, `[..., K]`, not all zero.

    Returns:
        `[...]`, 1 to K: the squared sum of the squares over the sum of their squares.
    """
    squares = np.asarray(values, np.float64) ** 2
    return squares.sum(axis=-1) ** 2 / (squares**2).sum(axis=-1)


def dimensions_needed(values: np.ndarray, share: float = 0.95) -> np.ndarray:
    """A local dimension, counted: the directions that hold a share of how examples change.

    Args:
        values: Singular values of the Jacobian, `[..., K]`, descending, not all zero.
        share: Of the sum of their squares, what a random small step changes; 0 to 1.

    Returns:
        int `[...]`, 1 to K.
    """
    squares = np.asarray(values, np.float64) ** 2
    held = np.cumsum(squares, axis=-1) / squares.sum(axis=-1, keepdims=True)
    return 1 + (held < share - 1e-12).sum(axis=-1)


def length(generate: Generate, paths: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """The sum of the chords between neighbouring examples of a path.

    Args:
        generate: The generator.
        paths: Latents `[N, F, L]`; see `refined`: few points make it too short.
        labels: The paths' classes, int32 `[N]`.

    Returns:
        float32 numpy `[N]`, in units of example space: of images, whose range is [-1, 1].
    """
    return in_rows(partial(_length, generate), paths.shape[1], paths, labels)


def energy(generate: Generate, paths: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """The sum of the squared chords over the time between them, for paths of one unit of time.

    It is never below the squared `length`, and equal to it at constant speed: what is least in
    energy is least in length too.

    Args:
        generate: The generator.
        paths: Latents `[N, F, L]`.
        labels: The paths' classes, int32 `[N]`.

    Returns:
        float32 numpy `[N]`.
    """
    return in_rows(partial(_energy, generate), paths.shape[1], paths, labels)


def speeds(generate: Generate, paths: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """How fast examples change halfway between the points of paths of one unit of time.

    Args:
        generate: The generator.
        paths: Latents `[N, F, L]`.
        labels: The paths' classes, int32 `[N]`.

    Returns:
        |J dz/dt|, float32 numpy `[N, F - 1]`; its mean along a path is the integral of |J dz|.
    """
    return in_rows(partial(_speeds, generate), paths.shape[1], paths, labels)


def refined(paths: jax.Array, pieces: int) -> jax.Array:
    """Paths `[..., F, L]` with each step cut into so many equal ones: `[..., F', L]`."""
    steps = linear(paths[..., :-1, :], paths[..., 1:, :], jnp.arange(pieces) / pieces)
    inner = steps.reshape(*paths.shape[:-2], -1, paths.shape[-1])
    return jnp.concatenate([inner, paths[..., -1:, :]], axis=-2)


def along(function: Callable, paths: jax.Array, labels: jax.Array | None):
    """What a function of latents `[N * F, L]` and labels makes of paths: `[N, F, ...]` each."""
    num, frames = paths.shape[:2]
    labels = None if labels is None else jnp.repeat(labels, frames)
    found = function(paths.reshape(num * frames, -1), labels)
    return jax.tree.map(lambda x: x.reshape(num, frames, *x.shape[1:]), found)


def in_rows(function: Callable, cost: int, *inputs: np.ndarray | None):
    """A function of rows for any number of them, some at a time.

    Args:
        function: Of inputs `[n, ...]` to a tree of arrays `[n, ...]`.
        cost: Examples it makes a row, which decides how many rows go together.
        inputs: `[N, ...]` each, or None, which stays None.

    Returns:
        The tree for all rows, in numpy.
    """
    num = len(inputs[0])
    batches = -(-num // max(1, BATCH // cost))
    size = -(-num // batches)
    inputs, parts = jax.tree.map(np.asarray, inputs), []
    for first in range(0, num, size):
        rows = np.minimum(np.arange(first, first + size), num - 1)  # one shape for all batches
        parts.append(jax.device_get(function(*jax.tree.map(itemgetter(rows), inputs))))
    return jax.tree.map(lambda *some: np.concatenate(some)[:num], *parts)


def chords(generate: Generate, paths: jax.Array, labels: jax.Array | None) -> jax.Array:
    """The squared chords between neighbouring examples of paths `[N, F, L]`: `[N, F - 1]`."""
    examples = along(generate, paths, labels)
    steps = jnp.diff(examples.reshape(*paths.shape[:2], -1), axis=1)
    return jnp.sum(steps**2, axis=-1)


@jax.jit
def _length(generate: Generate, paths: jax.Array, labels: jax.Array | None) -> jax.Array:
    return jnp.sqrt(chords(generate, paths, labels)).sum(axis=1)


@jax.jit
def _energy(generate: Generate, paths: jax.Array, labels: jax.Array | None) -> jax.Array:
    return (paths.shape[1] - 1) * chords(generate, paths, labels).sum(axis=1)


@jax.jit
def _speeds(generate: Generate, paths: jax.Array, labels: jax.Array | None) -> jax.Array:
    halfway = (paths[:, 1:] + paths[:, :-1]) / 2
    steps = (paths.shape[1] - 1) * jnp.diff(paths, axis=1)

    def examples(paths: jax.Array) -> jax.Array:
        return along(generate, paths, labels).reshape(*halfway.shape[:2], -1)

    _, rates = jax.jvp(examples, (halfway,), (steps,))
    return jnp.linalg.norm(rates, axis=-1)


@partial(jax.jit, static_argnums=0)
def _singular_values(
    jacobian: Callable, generate: Generate, z: jax.Array, labels: jax.Array | None
) -> jax.Array:
    def examples(z: jax.Array) -> jax.Array:
        return generate(z, labels).reshape(len(z), -1)

    return jnp.linalg.svd(jacobian(examples, z), compute_uv=False)


def _by_jvp(examples: Callable, z: jax.Array) -> jax.Array:
    """The Jacobian `[N, L, D]`, a derivative a number of the latent."""
    _, push = jax.linearize(examples, z)
    return jnp.moveaxis(jax.vmap(push)(_directions(z.shape)), 0, 1)


def _by_vjp(examples: Callable, z: jax.Array) -> jax.Array:
    """The Jacobian `[N, D, L]`, a derivative a number of the example."""
    found, pull = jax.vjp(examples, z)
    return jnp.moveaxis(jax.vmap(lambda one: pull(one)[0])(_directions(found.shape)), 0, 1)


def _directions(shape: tuple[int, int]) -> jax.Array:
    """For each of K numbers a direction in which only it changes, in all rows: `[K, N, K]`."""
    return jnp.broadcast_to(jnp.eye(shape[1])[:, None], (shape[1], *shape))

"""Whether samples lie where real points do and the other way round, by nearest neighbours.

A set's manifold is the union of balls around its points, each as large as the distance to the
point's k-th nearest neighbour in the set, itself not counted. A point is inside a ball when it is
closer than that, which is how Naeem et al. count in their code; Kynkäänniemi et al. take points at
exactly that distance too, which is to say duplicates.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.metrics.blocks import BLOCK, blocks


def precision_recall(
    *, real: np.ndarray, generated: np.ndarray, k: int = 3, block: int = BLOCK
) -> dict[str, float]:
    """Shares of the samples on the real manifold and of the real points on that of the samples.

    Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models"
    (2019), arXiv:1904.06991, section 2.

    Args:
        real: `[N, F]`, more than k points.
        generated: `[M, F]`, more than k points. Both shares depend on N and M: compare at equal
            numbers.
        k: Which neighbour sets the radius.
        block: Points a block; nothing depends on it but time and memory.

    Returns:
        `precision` and `recall`, each 0 to 1; both near but below 1 for two sets of one
        distribution.

    Raises:
        ValueError: If a set has no more than k points.
    """
    on_real = balls_around(generated, real, squared_radii(real, k, block), block)
    on_generated = balls_around(real, generated, squared_radii(generated, k, block), block)
    return {"precision": float(np.mean(on_real > 0)), "recall": float(np.mean(on_generated > 0))}


def density_coverage(
    *, real: np.ndarray, generated: np.ndarray, k: int = 5, block: int = BLOCK
) -> dict[str, float]:
    """How many real balls a sample lies in, and the share of the real balls that have a sample.

    Unlike precision and recall neither builds a manifold of the samples, so that a few samples far
    off cannot make it cover everything.

    Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models" (2020),
    arXiv:2002.09797, section 3.

    Args:
        real: `[N, F]`, more than k points.
        generated: `[M, F]`.
        k: Which neighbour sets the radius.
        block: Points a block; nothing depends on it but time and memory.

    Returns:
        `density`: the mean number of balls around a sample over k, at least 0; 1 is expected of two
            sets of one distribution, and more where samples crowd together.
        `coverage`: 0 to 1; `1 - 2^-k` is expected of two equally large sets of one distribution.

    Raises:
        ValueError: If the real set has no more than k points.
    """
    radii = squared_radii(real, k, block)
    in_balls = balls_around(generated, real, radii, block)
    closest = squared_nearest(real, generated, 1, block)[:, 0]
    return {"density": float(in_balls.mean() / k), "coverage": float(np.mean(closest < radii))}


def squared_radii(points: np.ndarray, k: int, block: int) -> np.ndarray:
    """Each point's squared distance to its k-th nearest neighbour in the set: `[N]` float32.

    Raises:
        ValueError: If there are no more than k points.
    """
    if len(points) <= k:
        raise ValueError(f"{len(points)} points have no {k} nearest neighbours each")
    return squared_nearest(points, points, k + 1, block)[:, k]  # the point itself is the nearest


def squared_nearest(points: np.ndarray, others: np.ndarray, count: int, block: int) -> np.ndarray:
    """The smallest squared distances of each point to the others.

    Args:
        points: `[N, F]`.
        others: `[M, F]`; a point that is among them is at distance 0.
        count: How many, at most M.
        block: Points a block.

    Returns:
        `[N, count]` float32, ascending.
    """
    smallest = np.empty((len(points), count), np.float32)
    for rows, one in blocks(points, block, 0.0):
        found = jnp.full((block, count), jnp.inf, jnp.float32)
        for _, other in blocks(others, block, np.inf):  # padding is infinitely far away
            found = _nearer(found, one, other)
        smallest[rows] = found[: rows.stop - rows.start]
    return smallest


def nearest(points: np.ndarray, others: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    """Which of the others is nearest to each point.

    Args:
        points: float `[N, F]`.
        others: float `[M, F]`.
        own: Which of the others is the point itself and does not count, int `[N]`, if one is.

    Returns:
        int `[N]`.
    """
    found, squares = [], np.sum(others**2, axis=1)
    for first in range(0, len(points), BLOCK):
        gaps = squares - 2 * points[first : first + BLOCK] @ others.T
        if own is not None:
            gaps[np.arange(len(gaps)), own[first : first + BLOCK]] = np.inf
        found.append(gaps.argmin(axis=1))
    return np.concatenate(found)


def balls_around(
    points: np.ndarray, centres: np.ndarray, radii: np.ndarray, block: int
) -> np.ndarray:
    """In how many balls each point lies.

    Args:
        points: `[N, F]`.
        centres: `[M, F]`.
        radii: `[M]`, squared.
        block: Points a block.

    Returns:
        `[N]` int32, 0 to M.
    """
    counts = np.zeros(len(points), np.int32)
    for rows, one in blocks(points, block, 0.0):
        pairs = zip(blocks(centres, block, np.inf), blocks(radii, block, 0.0), strict=True)
        for (_, other), (_, radius) in pairs:
            counts[rows] += np.asarray(_inside(one, other, radius))[: rows.stop - rows.start]
    return counts


def _squared_distances(one: jax.Array, other: jax.Array) -> jax.Array:
    """`[B, F]` and `[B, F]` to `[B, B]`, from differences: that of equal points is exactly 0."""
    return jnp.sum((one[:, None] - other) ** 2, axis=-1)


@partial(jax.jit, donate_argnums=0)
def _nearer(found: jax.Array, one: jax.Array, other: jax.Array) -> jax.Array:
    """The smallest of the distances found so far `[B, count]` and of those to another block."""
    both = jnp.concatenate([found, _squared_distances(one, other)], axis=1)
    return -jax.lax.top_k(-both, found.shape[1])[0]


@jax.jit
def _inside(one: jax.Array, other: jax.Array, radius: jax.Array) -> jax.Array:
    return jnp.sum(_squared_distances(one, other) < radius, axis=1, dtype=jnp.int32)

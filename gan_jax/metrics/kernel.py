"""The kernel distance: how far apart two sets of points are, without bias by their number."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.metrics.blocks import BLOCK, blocks


def kernel_distance(*, real: np.ndarray, generated: np.ndarray, block: int = BLOCK) -> float:
    """The squared maximum mean discrepancy of the kernel `(x y / F + 1)^3`, estimated without bias.

    `mean k(x, x') + mean k(y, y') - 2 mean k(x, y)` over all pairs of different points: one number
    of the whole sets, where the paper's code averages over random subsets. Its mean is 0 where both
    come from one distribution, so single values may lie below 0. Two sets of the very same N points
    score `2 / N (mean k(x, x') - mean k(x, x))`, at most 0, since a cross pair may be a point and
    itself. Points drawn with equal numbers of each class are no independent draws: a set of them
    scores below 0 too, the more so the fewer they are.

    Binkowski et al., "Demystifying MMD GANs" (2018), arXiv:1801.01401, section 4 (the Kernel
    Inception Distance, there of Inception's features); the estimator is that of Gretton et al.,
    "A Kernel Two-Sample Test" (2012), lemma 6.

    Args:
        real: `[N, F]`, at least 2 points.
        generated: `[M, F]`, at least 2 points.
        block: Points a block; the distance doesn't depend on it but for rounding.

    Returns:
        The distance. Kernels are float32 and sums of rows float64, so differences below some
        millionths of the mean kernel are rounding.

    Raises:
        ValueError: If a set has fewer than two points.
    """
    if min(len(real), len(generated)) < 2:
        raise ValueError(f"needs two points a set, got {len(real)} and {len(generated)}")
    across = _sum(real, generated, block) / (len(real) * len(generated))
    return float(_mean_within(real, block) + _mean_within(generated, block) - 2 * across)


def _mean_within(points: np.ndarray, block: int) -> float:
    """Mean kernel of two different points of the set."""
    squares = np.square(points, dtype=np.float64).sum(axis=1)
    of_itself = ((squares / points.shape[1] + 1) ** 3).sum()
    return (_sum(points, points, block) - of_itself) / (len(points) * (len(points) - 1))


def _sum(first: np.ndarray, second: np.ndarray, block: int) -> float:
    """Sum of the kernel over all pairs."""
    total = 0.0
    for rows, one in blocks(first, block, 0.0):
        for columns, other in blocks(second, block, 0.0):
            counted = np.arange(block) < columns.stop - columns.start
            sums = np.asarray(_row_sums(one, other, counted.astype(np.float32)), np.float64)
            total += sums[: rows.stop - rows.start].sum()
    return total


@jax.jit
def _row_sums(one: jax.Array, other: jax.Array, counted: jax.Array) -> jax.Array:
    """Sums of the kernel over the columns that count: `[B, F]`, `[B, F]`, `[B]` to `[B]`."""
    products = jnp.matmul(one, other.T, precision=jax.lax.Precision.HIGHEST)
    kernels = (products / one.shape[1] + 1) ** 3
    return jnp.matmul(kernels, counted, precision=jax.lax.Precision.HIGHEST)

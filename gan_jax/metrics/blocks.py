"""Points in blocks of one shape: programs over pairs neither grow nor compile with their number."""

from collections.abc import Iterator

import numpy as np

BLOCK = 512  # points a block: a program sees 512 x 512 pairs


def blocks(points: np.ndarray, size: int, fill: float) -> Iterator[tuple[slice, np.ndarray]]:
    """Which points, and the points themselves, padded to the block's size.

    Args:
        points: `[N, ...]`.
        size: Points a block.
        fill: What the last block is padded with.

    Yields:
        The slice of N and `[size, ...]` float32.
    """
    for start in range(0, len(points), size):
        rows = slice(start, min(start + size, len(points)))
        block = np.full((size, *points.shape[1:]), fill, np.float32)
        block[: rows.stop - start] = points[rows]
        yield rows, block

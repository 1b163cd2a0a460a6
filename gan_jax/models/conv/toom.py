"""The three contractions with fewer multiplications (Winograd, 1980; arXiv:1509.09308).

Along one axis of cells the form sums y[i] k[a] x[i + a] over a tile of m pixels of y and the A taps
of the kernel. The products y[i] k[a] of one i + a are a coefficient of the product of two
polynomials, which has R = m + A - 1 of them and is known from its values at R points (Toom and
Cook). With E_n the matrix that takes n coefficients to those values,

    sum over i, a of  y[i] k[a] x[i + a]  =  sum over p of  (E_m y)[p] (E_A k)[p] (E_R^-T x)[p]

so that R products do for m A, and along two axes R^2 for (m A)^2. The tiles of y are disjoint, the
spans of x that they meet overlap. The sum is symmetric under exchanging x and y (with the kernel
turned around), so the tiles can as well be x's: `to_y` and `to_x` take tiles of what they give, and
write every pixel once.

The points 0, 1, -1 and infinity make matrices of 0, 1 and 1/2: nothing is lost to rounding.
"""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.models.conv import cells
from gan_jax.models.conv.geometry import Geometry, Pair

_POINTS = (0.0, 1.0, -1.0)  # and infinity

Grid = list[list[jax.Array]]


class Axis(NamedTuple):
    """How one axis is cut into tiles.

    Attributes:
        taps: Cells that the kernel spans.
        tile: Pixels (or cells) of a tile.
        tiles: How many tiles there are.
    """

    taps: int
    tile: int
    tiles: int

    @property
    def points(self) -> int:
        """Products a tile: as many as pixels of the span that it meets."""
        return self.tile + self.taps - 1

    @property
    def span(self) -> int:
        """Pixels that all tiles meet."""
        return self.tiles * self.tile + self.taps - 1


def axes(count: Pair, taps: Pair) -> tuple[Axis, Axis] | None:
    """The tiles that take the fewest products, or None where more points would be needed.

    Args:
        count: Pixels (or cells) to be cut into tiles, along both axes.
        taps: Cells that the kernel spans, along both axes.
    """
    largest = [len(_POINTS) + 2 - span for span in taps]
    if min(taps) < 2 or min(largest) < 2:
        return None

    def cut(pixels: int, span: int, largest: int) -> Axis:
        choices = [Axis(span, tile, -(-pixels // tile)) for tile in range(2, largest + 1)]
        return min(choices, key=lambda axis: axis.tiles * axis.points)

    return tuple(map(cut, count, taps, largest))


@lru_cache
def _values(coefficients: int, points: int) -> np.ndarray:
    """[points, coefficients]: from a polynomial's coefficients to its values at the points."""
    finite = [[x**power for power in range(coefficients)] for x in _POINTS[: points - 1]]
    return np.array([*finite, [0.0] * (coefficients - 1) + [1.0]])


def _of_tile(axis: Axis) -> np.ndarray:
    return _values(axis.tile, axis.points)


def _of_taps(axis: Axis) -> np.ndarray:
    return _values(axis.taps, axis.points)


def _of_span(axis: Axis) -> np.ndarray:
    return np.linalg.inv(_values(axis.points, axis.points)).T


def _combine(parts: list[jax.Array], matrix: np.ndarray) -> list[jax.Array]:
    """The matrix times the vector of parts."""
    return [
        sum(float(weight) * part for weight, part in zip(row, parts, strict=True) if weight)
        for row in matrix
    ]


def _transform(grid: Grid, rows: np.ndarray, columns: np.ndarray) -> Grid:
    """Both matrices times a grid of parts: the first along its rows, the second along columns."""
    half = [_combine(list(column), rows) for column in zip(*grid, strict=True)]
    return [_combine(list(row), columns) for row in zip(*half, strict=True)]


def _cut(images: jax.Array, height: Axis, width: Axis, extents: Pair) -> Grid:
    """Pixel (i, j) of every tile, or of the span that it meets, for i and j below the extents."""
    last = [(axis.tiles - 1) * axis.tile + 1 for axis in (height, width)]
    return [
        [
            images[:, i : i + last[0] : height.tile, j : j + last[1] : width.tile]
            for j in range(extents[1])
        ]
        for i in range(extents[0])
    ]


def _spans(images: jax.Array, height: Axis, width: Axis) -> Grid:
    """Values [N * tiles, C] of the spans of images [N, *spans, C], a point at a time."""
    grid = _cut(images, height, width, (height.points, width.points))
    grid = _transform(grid, _of_span(height), _of_span(width))
    return [[part.reshape(-1, part.shape[-1]) for part in row] for row in grid]


def _tiles(images: jax.Array, height: Axis, width: Axis) -> Grid:
    """Values [N * tiles, C] of the tiles of images [N, <= tiles, <= tiles, C]."""
    grid = _cut(_fill(images, height, width, 0), height, width, (height.tile, width.tile))
    grid = _transform(grid, _of_tile(height), _of_tile(width))
    return [[part.reshape(-1, part.shape[-1]) for part in row] for row in grid]


def _fill(images: jax.Array, height: Axis, width: Axis, before: int) -> jax.Array:
    """Images with zeros after (and `before`, less one a tap) them, to whole tiles or spans."""
    sides = [
        (before * (axis.taps - 1), axis.tiles * axis.tile - side)
        for axis, side in zip((height, width), images.shape[1:3], strict=True)
    ]
    return jnp.pad(images, ((0, 0), *sides, (0, 0)))


def _lay_out(values: Grid, height: Axis, width: Axis) -> jax.Array:
    """From values [N * tiles, C] at every point to images [N, tiles, tiles, C]."""
    grid = _transform(values, _of_tile(height).T, _of_tile(width).T)
    rows = jnp.stack([jnp.stack(row, 1) for row in grid], 1)
    rows = rows.reshape(-1, height.tiles, width.tiles, height.tile, width.tile, rows.shape[-1])
    return rows.swapaxes(2, 3).reshape(
        len(rows), height.tiles * height.tile, width.tiles * width.tile, -1
    )


def _taps(kernel: jax.Array, height: Axis, width: Axis) -> jax.Array:
    """Values [points, points, C, O] of a kernel of cells."""
    rows, columns = (_of_taps(axis).astype(kernel.dtype) for axis in (height, width))
    return jnp.einsum("pa,qb,abco->pqco", rows, columns, kernel)


def _of_x(x: jax.Array, height: Axis, width: Axis, geometry: Geometry) -> Grid:
    """Values of the spans of x, the rows of a cell side by side."""
    rows = cells.of_images(x, (height.span, width.span), geometry)
    grids = [_spans(row, height, width) for row in rows]
    return jax.tree.map(lambda *parts: jnp.concatenate(parts, -1), *grids)


def to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The strided convolution of x."""
    height, width = axes(geometry.outputs, cells.spans(geometry))
    values, taps = (
        _of_x(x, height, width, geometry),
        _taps(cells.of_kernel(kernel, geometry), height, width),
    )
    products = [[x @ taps[p, q] for q, x in enumerate(row)] for p, row in enumerate(values)]
    y = _lay_out(products, height, width)
    return y[:, : geometry.outputs[0], : geometry.outputs[1]]


def to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution of y."""
    count = cells.covering(geometry)
    height, width = axes(count, cells.spans(geometry))
    values = _spans(_fill(y, height, width, 1), height, width)
    turned = cells.of_kernel(kernel, geometry)[::-1, ::-1].swapaxes(2, 3)
    taps = _taps(turned, height, width)
    products = [[y @ taps[p, q] for q, y in enumerate(row)] for p, row in enumerate(values)]
    return cells.to_images(_lay_out(products, height, width), geometry)


def to_kernel(x: jax.Array, y: jax.Array, geometry: Geometry) -> jax.Array:
    """The correlation of x with y, over the kernel's extent."""
    height, width = axes(geometry.outputs, cells.spans(geometry))
    values = _of_x(x, height, width, geometry)
    tiles = _tiles(y, height, width)
    products = jnp.stack(
        [
            jnp.stack([x.T @ y for x, y in zip(*pair, strict=True)])
            for pair in zip(values, tiles, strict=True)
        ]
    )
    rows, columns = (_of_taps(axis).astype(y.dtype) for axis in (height, width))
    kernel = jnp.einsum("pa,qb,pqco->abco", rows, columns, products)
    return cells.to_kernel(kernel, geometry)

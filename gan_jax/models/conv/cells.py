"""A strided convolution as one without strides, over cells of pixels.

Cut x into cells of as many pixels as the strides span and take the pixels of a cell for channels:
the kernel then steps from cell to cell, one at a time, and spans `spans(geometry)` of them.
"""

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.models.conv.geometry import Geometry, Pair


def spans(geometry: Geometry) -> Pair:
    """Cells that the kernel spans along both axes."""
    return tuple(-(-k // s) for k, s in zip(geometry.kernel, geometry.strides, strict=True))


def covering(geometry: Geometry) -> Pair:
    """Cells that cover x and the padding before it, along both axes."""
    return tuple(
        (side - 1 + before) // stride + 1
        for side, stride, (before, _) in zip(
            geometry.sides, geometry.strides, geometry.padding, strict=True
        )
    )


def of_images(x: jax.Array, count: Pair, geometry: Geometry) -> list[jax.Array]:
    """The first `count` cells, a row of their pixels after the other.

    Moving whole rows of a cell keeps neighbours in memory neighbours; gathering its rows into one
    axis is left to where they are used.

    Returns:
        For each row of a cell, [N, *count, columns of a cell * C].
    """
    height, width = geometry.strides
    margins = [
        (before, cells * stride - side - before, 0)
        for cells, stride, side, (before, _) in zip(
            count, geometry.strides, geometry.sides, geometry.padding, strict=True
        )
    ]
    padded = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *margins, (0, 0, 0)])
    rows = padded.reshape(len(x), count[0], height, count[1], width * x.shape[-1])
    return [rows[:, :, row] for row in range(height)]


def to_images(cells: jax.Array, geometry: Geometry) -> jax.Array:
    """Cells [N, rows, columns, cell's pixels * C] as images [N, H, W, C]."""
    (height, width), (rows, columns) = geometry.strides, cells.shape[1:3]
    x = cells.reshape(len(cells), rows, columns, height, width, -1).swapaxes(2, 3)
    x = x.reshape(len(cells), rows * height, columns * width, -1)
    crops = [
        (-before, side + before - size, 0)
        for side, size, (before, _) in zip(
            geometry.sides, x.shape[1:3], geometry.padding, strict=True
        )
    ]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *crops, (0, 0, 0)])


def of_kernel(kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """Kernel [h, w, C, O] over cells: [spans, spans, a cell's pixels * C, O]."""
    (h, w, channels, features), (height, width) = kernel.shape, geometry.strides
    a, b = spans(geometry)
    kernel = jnp.pad(kernel, ((0, a * height - h), (0, b * width - w), (0, 0), (0, 0)))
    kernel = kernel.reshape(a, height, b, width, channels, features).swapaxes(1, 2)
    return kernel.reshape(a, b, -1, features)


def to_kernel(kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The inverse of `of_kernel`."""
    (a, b, _, features), (height, width) = kernel.shape, geometry.strides
    kernel = kernel.reshape(a, b, height, width, -1, features).swapaxes(1, 2)
    kernel = kernel.reshape(a * height, b * width, -1, features)
    return kernel[: geometry.kernel[0], : geometry.kernel[1]]

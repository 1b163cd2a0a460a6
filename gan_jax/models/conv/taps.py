"""The three contractions as a matrix product a tap of the kernel: nothing is unfolded.

As `unfolded` they stay products under vmap over trials. They hold one window at a time, but read
and write the result once a tap.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.models.conv.geometry import Geometry


def windows(x: jax.Array, geometry: Geometry) -> list[jax.Array]:
    """What each tap of the kernel meets: [N, H', W', C] a tap, row by row."""
    (rows, columns), (down, right) = geometry.outputs, geometry.strides
    margins = [(0, 0, 0), *((*pair, 0) for pair in geometry.padding), (0, 0, 0)]
    padded = lax.pad(x, jnp.zeros((), x.dtype), margins)
    return [
        lax.slice(
            padded,
            (0, row, column, 0),
            (len(x), row + (rows - 1) * down + 1, column + (columns - 1) * right + 1, x.shape[3]),
            (1, down, right, 1),
        )
        for row in range(geometry.kernel[0])
        for column in range(geometry.kernel[1])
    ]


def to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The strided convolution of x: products that are added up."""
    each = kernel.reshape(-1, *kernel.shape[2:])
    return sum(part @ tap for part, tap in zip(windows(x, geometry), each, strict=True))


def to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution of y: products, each added where it belongs."""
    x = jax.ShapeDtypeStruct((len(y), *geometry.sides, kernel.shape[2]), y.dtype)
    fold = jax.linear_transpose(partial(windows, geometry=geometry), x)
    return fold([y @ tap.T for tap in kernel.reshape(-1, *kernel.shape[2:])])[0]


def to_kernel(x: jax.Array, y: jax.Array, geometry: Geometry) -> jax.Array:
    """The correlation of x with y, over the kernel's extent."""
    axes = ((0, 1, 2), (0, 1, 2))
    each = [jnp.tensordot(part, y, axes) for part in windows(x, geometry)]
    return jnp.stack(each).reshape(*geometry.kernel, x.shape[3], y.shape[3])

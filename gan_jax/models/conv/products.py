"""The three contractions as one matrix product each, for images y of few channels.

Unfolding lays what each pixel of x meets in y, tap by tap, side by side as channels. With few
channels that is little to move, and what is left is a product of matrices:

    to_x       unfold(y) @ kernel
    to_kernel  x transposed @ unfold(y)
    to_y       x @ kernel transposed, folded: the adjoint of unfolding, a sum of shifted images
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.models.conv.geometry import Geometry


def _unfold(y: jax.Array, geometry: Geometry) -> jax.Array:
    """[N, H', W', O] to [N, H, W, taps * O]."""

    def place(tap: int, axis: int) -> tuple[int, int, int]:
        stride = geometry.strides[axis]
        first = tap - geometry.padding[axis][0]
        last = first + (geometry.outputs[axis] - 1) * stride
        return first, geometry.sides[axis] - 1 - last, stride - 1

    zero, untouched = jnp.zeros((), y.dtype), (0, 0, 0)
    return jnp.concatenate(
        [
            lax.pad(y, zero, (untouched, place(row, 0), place(column, 1), untouched))
            for row in range(geometry.kernel[0])
            for column in range(geometry.kernel[1])
        ],
        axis=-1,
    )


def _as_matrix(kernel: jax.Array) -> jax.Array:
    """[h, w, C, O] to [taps * O, C]."""
    channels = kernel.shape[2]
    return kernel.swapaxes(2, 3).reshape(-1, channels)


def to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The strided convolution of x."""
    y = jax.ShapeDtypeStruct((len(x), *geometry.outputs, kernel.shape[3]), x.dtype)
    fold = jax.linear_transpose(partial(_unfold, geometry=geometry), y)
    return fold(x @ _as_matrix(kernel).T)[0]


def to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution of y."""
    return _unfold(y, geometry) @ _as_matrix(kernel)


def to_kernel(x: jax.Array, y: jax.Array, geometry: Geometry) -> jax.Array:
    """The correlation of x with y, over the kernel's extent."""
    kernel = jnp.tensordot(_unfold(y, geometry), x, ((0, 1, 2), (0, 1, 2)))
    return kernel.reshape(*geometry.kernel, y.shape[-1], -1).swapaxes(2, 3)

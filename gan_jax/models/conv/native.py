"""The three contractions as XLA's own convolutions: what an accelerator runs, and often a CPU.

Each takes two of x [N, H, W, C], y [N, H', W', O] and kernel [h, w, C, O] and gives the third.
"""

import jax
from jax import lax

from gan_jax.models.conv.geometry import Geometry

LAYOUT = ("NHWC", "HWIO", "NHWC")


def to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The strided convolution of x."""
    return lax.conv_general_dilated(
        x, kernel, geometry.strides, geometry.padding, dimension_numbers=LAYOUT
    )


def to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution of y."""
    x = jax.ShapeDtypeStruct((len(y), *geometry.sides, kernel.shape[2]), y.dtype)
    return jax.linear_transpose(lambda x: to_y(x, kernel, geometry), x)(y)[0]


def to_kernel(x: jax.Array, y: jax.Array, geometry: Geometry) -> jax.Array:
    """The correlation of x with y, over the kernel's extent."""
    kernel = jax.ShapeDtypeStruct((*geometry.kernel, x.shape[-1], y.shape[-1]), y.dtype)
    return jax.linear_transpose(lambda kernel: to_y(x, kernel, geometry), kernel)(y)[0]

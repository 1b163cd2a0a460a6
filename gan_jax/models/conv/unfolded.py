"""The three contractions as one matrix product each, over the windows of x side by side.

Under vmap over trials, kernels too, XLA's own convolution becomes one of as many groups as trials.
Products of matrices stay products, with one axis more. The windows of all taps are copied: for each
pixel of y as many numbers as the kernel has taps, times the channels of x.
"""

from functools import partial

import jax
import jax.numpy as jnp

from gan_jax.models.conv import taps
from gan_jax.models.conv.geometry import Geometry


def _unfold(x: jax.Array, geometry: Geometry) -> jax.Array:
    """[N, H, W, C] to [N, H', W', taps * C]."""
    return jnp.concatenate(taps.windows(x, geometry), axis=-1)


def to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The strided convolution of x."""
    return _unfold(x, geometry) @ kernel.reshape(-1, kernel.shape[3])


def to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution of y: windows that are added up where they overlap."""
    x = jax.ShapeDtypeStruct((len(y), *geometry.sides, kernel.shape[2]), y.dtype)
    fold = jax.linear_transpose(partial(_unfold, geometry=geometry), x)
    return fold(y @ kernel.reshape(-1, kernel.shape[3]).T)[0]


def to_kernel(x: jax.Array, y: jax.Array, geometry: Geometry) -> jax.Array:
    """The correlation of x with y, over the kernel's extent."""
    kernel = jnp.tensordot(_unfold(x, geometry), y, ((0, 1, 2), (0, 1, 2)))
    return kernel.reshape(*geometry.kernel, x.shape[3], y.shape[3])

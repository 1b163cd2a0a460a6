"""The three contractions on a CPU: which formulation for which shapes."""

import jax

from gan_jax.models.conv import cells, native, products, toom, windows
from gan_jax.models.conv.geometry import Geometry, Pair

# Measured on 2 cores with AVX-512, jax 0.10 and 0.12, by `experiments/speed`.
THIN = 4  # channels up to which images are unfolded rather than convolved
PAYS = 20  # from when on Toom and Cook pay, see `_pays`


def _pays(channels: int, features: int, count: Pair, geometry: Geometry, dtype) -> bool:
    """Whether the products that Toom and Cook save outweigh the sums that they take.

    The sums are over the channels of both images, the products over their pairs. Sums in half
    precision would cost digits.
    """
    axes = toom.axes(count, cells.spans(geometry))
    if axes is None or dtype.itemsize < 4:
        return False
    channels *= geometry.strides[0] * geometry.strides[1]
    left = 1.0
    for axis, pixels in zip(axes, count, strict=True):
        left *= axis.tiles * axis.points / (pixels * axis.taps)
    return (1 - left) * channels * features >= PAYS * (channels + features)


def _room(usual, channels: int, features: int, count: Pair, geometry: Geometry, dtype):
    """The formulation for these shapes, the usual one unless another is known to be quicker."""
    if features <= THIN and geometry.strides == (1, 1):
        return products
    return toom if _pays(channels, features, count, geometry, dtype) else usual


def to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The strided convolution of x."""
    room = _room(native, *kernel.shape[2:], geometry.outputs, geometry, x.dtype)
    return room.to_y(x, kernel, geometry)


def to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution of y."""
    usual = native if kernel.shape[2] <= THIN else windows
    room = _room(usual, *kernel.shape[2:], cells.covering(geometry), geometry, y.dtype)
    return room.to_x(y, kernel, geometry)


def to_kernel(x: jax.Array, y: jax.Array, geometry: Geometry) -> jax.Array:
    """The correlation of x with y, over the kernel's extent."""
    room = _room(native, x.shape[3], y.shape[3], geometry.outputs, geometry, x.dtype)
    return room.to_kernel(x, y, geometry)

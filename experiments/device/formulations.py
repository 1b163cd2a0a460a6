"""The three contractions of a convolution, as products of matrices that batch over trials.

Under vmap over trials, kernels too, XLA's own convolution becomes one of as many groups as trials.
Products of matrices stay products, of one axis more. Each function takes two of x [N, H, W, C],
y [N, H', W', O] and kernel [h, w, C, O] and gives the third, as those of
`gan_jax.models.conv.native` do.
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.models.conv import native
from gan_jax.models.conv.geometry import Geometry


def _windows(x: jax.Array, geometry: Geometry) -> list[jax.Array]:
    """What each tap of the kernel meets: [N, H', W', C] a tap, row by row."""
    (rows, columns), (down, right) = geometry.outputs, geometry.strides
    padded = lax.pad(
        x,
        jnp.zeros((), x.dtype),
        [(0, 0, 0), *((*pair, 0) for pair in geometry.padding), (0, 0, 0)],
    )
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


def _transposed(function, shape: tuple[int, ...], cotangent: jax.Array) -> jax.Array:
    argument = jax.ShapeDtypeStruct(shape, jax.tree.leaves(cotangent)[0].dtype)
    return jax.linear_transpose(function, argument)(cotangent)[0]


def _unfold(x: jax.Array, geometry: Geometry) -> jax.Array:
    """[N, H, W, C] to [N, H', W', taps * C]."""
    return jnp.concatenate(_windows(x, geometry), axis=-1)


def unfolded_to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The strided convolution: one product with the windows side by side."""
    return _unfold(x, geometry) @ kernel.reshape(-1, kernel.shape[3])


def unfolded_to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution: one product, whose windows are added up where they overlap."""
    shape = (len(y), *geometry.sides, kernel.shape[2])
    windows = y @ kernel.reshape(-1, kernel.shape[3]).T
    return _transposed(lambda x: _unfold(x, geometry), shape, windows)


def unfolded_to_kernel(x: jax.Array, y: jax.Array, geometry: Geometry) -> jax.Array:
    """The kernel's gradient: one product over all windows."""
    kernel = jnp.tensordot(_unfold(x, geometry), y, ((0, 1, 2), (0, 1, 2)))
    return kernel.reshape(*geometry.kernel, x.shape[3], y.shape[3])


def taps_to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The strided convolution: a product a tap, added up; no window is copied."""
    taps = kernel.reshape(-1, *kernel.shape[2:])
    return sum(part @ tap for part, tap in zip(_windows(x, geometry), taps, strict=True))


def taps_to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution: a product a tap, each added where it belongs."""
    shape = (len(y), *geometry.sides, kernel.shape[2])
    parts = [y @ tap.T for tap in kernel.reshape(-1, *kernel.shape[2:])]
    return _transposed(lambda x: _windows(x, geometry), shape, parts)


def taps_to_kernel(x: jax.Array, y: jax.Array, geometry: Geometry) -> jax.Array:
    """The kernel's gradient: a product a tap."""
    axes = ((0, 1, 2), (0, 1, 2))
    taps = [jnp.tensordot(part, y, axes) for part in _windows(x, geometry)]
    return jnp.stack(taps).reshape(*geometry.kernel, x.shape[3], y.shape[3])


UNFOLDED = SimpleNamespace(to_y=unfolded_to_y, to_x=unfolded_to_x, to_kernel=unfolded_to_kernel)
TAPS = SimpleNamespace(to_y=taps_to_y, to_x=taps_to_x, to_kernel=taps_to_kernel)
FORMULATIONS = {"unfolded": UNFOLDED, "taps": TAPS, "native": native}

"""Images [N, H, W, C] twice and half as large."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax


def halvings(size: int) -> int:
    """How often a side of `size` pixels halves: 2 for 28 (to 7), 3 for 32 and 4 for 64 (to 4)."""
    count = 0
    while size % 2 == 0 and size > 4:
        size, count = size // 2, count + 1
    return count


def repeat(x: jax.Array) -> jax.Array:
    """Every pixel as four."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def halve(x: jax.Array) -> jax.Array:
    """The mean of every four pixels."""
    num, height, width, channels = x.shape
    return jnp.mean(x.reshape(num, height // 2, 2, width // 2, 2, channels), axis=(2, 4))


def double_bilinear(x: jax.Array) -> jax.Array:
    """Twice as large by bilinear interpolation: 3/4 of the pixel and 1/4 of its neighbor."""
    for axis in (1, 2):
        before, after = _neighbors(x, axis)
        pair = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1)
        x = pair.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
    return x


def halve_bilinear(x: jax.Array) -> jax.Array:
    """Half as large by the same triangle, twice as wide: (1, 3, 3, 1) / 8 along both sides."""
    for axis in (1, 2):
        before, after = _neighbors(x, axis)
        even = partial(lax.slice_in_dim, start_index=0, limit_index=None, stride=2, axis=axis)
        odd = partial(lax.slice_in_dim, start_index=1, limit_index=None, stride=2, axis=axis)
        x = 0.375 * (even(x) + odd(x)) + 0.125 * (even(before) + odd(after))
    return x


def _neighbors(x: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """Each pixel's neighbors before and after, at the ends the pixel itself."""
    padding = [(0, 0)] * x.ndim
    padding[axis] = (1, 1)
    padded = jnp.pad(x, padding, mode="edge")
    size = x.shape[axis]
    return tuple(lax.slice_in_dim(padded, start, start + size, axis=axis) for start in (0, 2))

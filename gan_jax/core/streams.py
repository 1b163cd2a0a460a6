"""Named randomness: a stream is a name, then a step, then an example of the global batch.

Keys made so do not depend on how a batch is laid out over devices, nor on what was drawn before:
1, 2 and 8 devices train the same GAN, and a resumed run is the uninterrupted one.
"""

import zlib

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.core.threefry import THREEFRY


def root(seed: int) -> jax.Array:
    """The key of a seed, from which all streams of a run spring."""
    return jax.random.key(seed, impl=THREEFRY)


def restored_root(data: jax.Array) -> jax.Array:
    """The key whose `jax.random.key_data` [2] was kept."""
    return jax.random.wrap_key_data(data, impl=THREEFRY)


def stream(key: jax.Array, name: str, step: jax.Array | int = 0) -> jax.Array:
    """The key of the stream `name` at `step`."""
    return jax.random.fold_in(jax.random.fold_in(key, zlib.crc32(name.encode())), step)


def example_keys(
    key: jax.Array, num: int, *, axis_name: str | None = None, first: jax.Array | int = 0
) -> jax.Array:
    """One key an example.

    Args:
        key: The stream's key, the same on every device.
        num: Examples on this device.
        axis_name: The mapped axis over which the global batch is laid out, or None on one device.
        first: Number of this batch's first example in the stream.

    Returns:
        Keys [num]; those of all devices, in order, are the one-device keys of the global batch.
    """
    if axis_name is not None:
        first = first + lax.axis_index(axis_name) * num
    return jax.vmap(lambda example: jax.random.fold_in(key, example))(first + jnp.arange(num))

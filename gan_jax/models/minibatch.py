"""How the examples of a batch are told of each other, against a generator that makes few.

The layers made here belong to the network that calls. They see the global batch.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

KERNELS = 32  # numbers that discrimination gives an example
KERNEL_SIZE = 5  # and the dimensions of the space where it compares for each


def _none(features: jax.Array, axis_name: str | None) -> jax.Array:
    """Each example for itself."""
    del axis_name
    return features


def stddev(features: jax.Array, axis_name: str | None) -> jax.Array:
    """The features [N, F] and, the same for all examples, their standard deviation: [N, F + 1].

    It is each feature's over the batch, averaged over features: Karras et al., 2018,
    arXiv:1710.10196, section 3. It is 1e-4 where all examples are the same.
    """
    features = features.astype(jnp.float32)
    mean = _mean(features, axis_name)
    deviation = jnp.sqrt(_mean((features - mean) ** 2, axis_name) + 1e-8)
    column = jnp.broadcast_to(jnp.mean(deviation), (features.shape[0], 1))
    return jnp.concatenate([features, column], axis=-1)


def _mean(values: jax.Array, axis_name: str | None) -> jax.Array:
    mean = jnp.mean(values, axis=0)
    return mean if axis_name is None else lax.pmean(mean, axis_name)


def discrimination(features: jax.Array, axis_name: str | None) -> jax.Array:
    """The features [N, F] and how near each example is to all: [N, F + KERNELS].

    Nearness is the sum over the batch, the example itself included, of exp(-L1 distance) in
    learned projections: Salimans et al., 2016, arXiv:1606.03498, section 3.2.
    """
    project = nn.Dense(
        KERNELS * KERNEL_SIZE, use_bias=False, dtype=features.dtype, name="minibatch"
    )
    mine = project(features).reshape(-1, KERNELS, KERNEL_SIZE).astype(jnp.float32)
    all_ = mine if axis_name is None else lax.all_gather(mine, axis_name, tiled=True)
    distances = jnp.sum(jnp.abs(mine[:, None] - all_[None]), axis=-1)
    nearness = jnp.sum(jnp.exp(-distances), axis=1)
    return jnp.concatenate([features.astype(jnp.float32), nearness], axis=-1)


MINIBATCH = {"discrimination": discrimination, "none": _none, "stddev": stddev}

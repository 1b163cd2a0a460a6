"""Activations of hidden layers by name."""

from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.core.errors import choose

SLOPE = 0.2
PIECES = 5  # of a maxout unit


class Activation(NamedTuple):
    """What makes a hidden layer's features.

    Attributes:
        apply: [..., pieces * features] to [..., features].
        pieces: Numbers that a feature is made of.
    """

    apply: Callable[[jax.Array], jax.Array]
    pieces: int = 1


def maxout(x: jax.Array) -> jax.Array:
    """The largest of each feature's pieces: [..., PIECES * F] to [..., F].

    Source: Goodfellow et al., 2013, arXiv:1302.4389, section 3.
    """
    pieces = jnp.moveaxis(x.reshape(*x.shape[:-1], -1, PIECES), -1, 0)
    # Not jnp.max: its derivative divides by how many pieces equal the result, and where a compiled
    # program rounds a piece and the result differently, that is 0.
    return reduce(lambda one, other: jnp.where(one > other, one, other), pieces)


ACTIVATIONS = {
    "leaky_relu": Activation(partial(nn.leaky_relu, negative_slope=SLOPE)),
    "maxout": Activation(maxout, PIECES),
    "relu": Activation(nn.relu),
    "tanh": Activation(nn.tanh),
}


def activation(player: str, name: str) -> Activation:
    """The activation called `name` for `player` ("generator" or "discriminator").

    Raises:
        InputError: If there is none of that name.
    """
    return choose(f"config.model.{player}.activation", name, ACTIVATIONS)

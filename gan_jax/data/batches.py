"""Batches as a function of (seed, update): epochs are permutations without replacement."""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.examples import ExampleKind
from gan_jax.examples.condition import Condition


class Batches:
    """Which examples each update sees.

    Args:
        num: Examples in the training set.
        batch_size: Examples a batch, at most `num`. The last `num % batch_size` examples of an
            epoch's permutation are left out, others every epoch.
        seed: The run's seed.
    """

    def __init__(self, num: int, batch_size: int, seed: int):
        self.batch_size = batch_size
        self.per_epoch = num // batch_size
        self._permutation = lru_cache(maxsize=2)(
            lambda epoch: np.random.default_rng((seed, epoch)).permutation(num).astype(np.int32)
        )

    def indices(self, update: int, count: int = 1) -> np.ndarray:
        """Indices int32 [count, batch_size] of the batches `update` to `update + count - 1`."""
        rows = [self._row(number) for number in range(update, update + count)]
        return np.array(rows, np.int32).reshape(count, self.batch_size)

    def _row(self, update: int) -> np.ndarray:
        epoch, position = divmod(update, self.per_epoch)
        start = position * self.batch_size
        return self._permutation(epoch)[start : start + self.batch_size]


class Examples(NamedTuple):
    """Real examples, a whole training set or a batch of it.

    Attributes:
        x: The examples [N, ...], as the data set holds them or as floats.
        condition: What the networks are told of each, a tree of arrays [N, ...] by name
            ({"label": int32 [N]}), or None where they are told nothing.
    """

    x: jax.Array
    condition: Condition | None = None


def take(examples: Examples, indices: jax.Array, kind: ExampleKind) -> Examples:
    """The examples at `indices` [B] as the networks take them, and their conditions."""
    chosen = jax.tree.map(lambda leaf: jnp.take(leaf, indices, axis=0), examples)
    return chosen._replace(x=kind.to_model(chosen.x))

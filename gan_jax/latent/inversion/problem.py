"""What an inversion minimises, where a search for it stands, and what a method of searching is."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.latent.space import Generate


class Target(NamedTuple):
    """What is to be found.

    Attributes:
        x: Examples `[B, ...]`, as the generator makes them.
        labels: Their classes int32 `[B]`, or None.
        weight: Of |z|^2 / L beside the mean squared error, at least 0.
    """

    x: jax.Array
    labels: jax.Array | None
    weight: float

    def rows(self, rows: np.ndarray) -> "Target":
        """Some of them."""
        labels = None if self.labels is None else self.labels[rows]
        return self._replace(x=self.x[rows], labels=labels)


class Search(NamedTuple):
    """Where the searches for B examples stand.

    Attributes:
        z: Where each looks next, `[B, L]`.
        best: The best it has seen, `[B, L]`.
        value: What is minimised, there, `[B]`; infinite before the first look.
        settled: Whether it gains nothing any more, `[B]`.
        memory: What the method keeps, a tree of `[B, ...]`.
    """

    z: jax.Array
    best: jax.Array
    value: jax.Array
    settled: jax.Array
    memory: Any


class Method(NamedTuple):
    """A way to search, and how it is used unless told otherwise.

    Attributes:
        begin: (latents `[B, L]`, steps, rate) to its memory.
        step: (generate, target, search) to the next search; compiled.
        batch: Searches a dispatch: what bounds its memory.
        steps: At most.
        restarts: Searches an example.
        start: One of `STARTS`.
        trial: After how many steps only the best search of an example goes on; 0: none is dropped.
    """

    begin: Callable[[np.ndarray, int, float], Any]
    step: Callable[[Generate, Target, Search], Search]
    batch: int
    steps: int
    restarts: int
    start: str
    trial: int = 0


def objective(made: jax.Array, target: Target, z: jax.Array) -> jax.Array:
    """What is minimised, where latents `[B, L]` make examples: `[B]`."""
    return mean_square(made - target.x) + target.weight * mean_square(z)


def mean_square(x: jax.Array) -> jax.Array:
    """The mean square of each of `[B, ...]`."""
    return jnp.mean(jnp.square(x), axis=tuple(range(1, x.ndim)))


def improved(search: Search, z: jax.Array, value: jax.Array) -> Search:
    """The search after a look at latents `[B, L]`."""
    better = value < search.value
    best = jnp.where(better[:, None], z, search.best)
    return search._replace(best=best, value=jnp.where(better, value, search.value))

"""Inversion by Adam, the usual way: many short steps down the gradient."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.latent.inversion.problem import Search, Target, improved, objective
from gan_jax.latent.space import Generate

_ADAM = optax.scale_by_adam()


class AdamMemory(NamedTuple):
    """What Adam keeps of each search, `[B, ...]`, so that no number of steps is a program."""

    moments: optax.ScaleByAdamState
    steps: jax.Array
    rate: jax.Array


def begin(z: np.ndarray, steps: int, rate: float) -> AdamMemory:
    """What it keeps of searches `[B, L]` that take so many steps, at this rate at first."""
    return AdamMemory(jax.vmap(_ADAM.init)(z), *(np.full(len(z), n) for n in (steps, rate)))


@jax.jit
def step(generate: Generate, target: Target, search: Search) -> Search:
    """A step of Adam, whose rate falls to zero along a cosine."""

    def total(z):
        each = objective(generate(z, target.labels), target, z)
        return each.sum(), each

    gradient, value = jax.grad(total, has_aux=True)(search.z)
    moments, steps, rate = search.memory
    schedule = rate * (1 + jnp.cos(jnp.pi * moments.count / steps)) / 2
    updates, moments = jax.vmap(_ADAM.update)(gradient, moments)
    search = improved(search, search.z, value)
    z = search.z - schedule[:, None] * updates
    return search._replace(z=z, memory=AdamMemory(moments, steps, rate))

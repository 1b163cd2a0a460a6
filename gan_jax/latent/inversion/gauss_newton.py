"""Inversion by damped Gauss-Newton methods: few steps, each a least squares problem solved.

Of two ways to solve it, `exact` takes the whole Jacobian and many dampings, `krylov` neither.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.latent.inversion.problem import Search, Target, improved, objective
from gan_jax.latent.space import Generate

_DAMPING_RANGE = (1e-6, 1e3)  # where none above helps, nothing does
_DAMPINGS = (0.01, 0.1, 1.0, 10.0, 100.0)  # times the example's own, tried with each Jacobian
_ITERATIONS = 8  # of conjugate gradients a step
_GAIN, _NOTHING = 1e-3, 1e-9  # a search that gains no more, as a share or at all, has settled


class Linear(NamedTuple):
    """The least squares problem around latents.

    Attributes:
        z: The latents `[B, L]`.
        push: Changes of the latents `[B, L]` to changes of the examples `[B, ...]`.
        downhill: Half of the negative gradient `[B, L]`.
        size: Numbers of an example.
        weight: On the square of each of the latent's numbers.
    """

    z: jax.Array
    push: Callable[[jax.Array], jax.Array]
    downhill: jax.Array
    size: int
    weight: jax.Array

    def pull(self, change: jax.Array) -> jax.Array:
        """The transpose of `push`."""
        return jax.linear_transpose(self.push, self.z)(change)[0]

    def normal(self, change: jax.Array) -> jax.Array:
        """The normal equations' matrix times `[B, L]`."""
        return self.pull(self.push(change)) / self.size + self.weight * change


class Tries(NamedTuple):
    """Where a step may lead to.

    Attributes:
        z: Latents `[B, K, L]`.
        dampings: With which to go on from each, `[B, K]`; where none is better than the start, with
            ten times the highest.
    """

    z: jax.Array
    dampings: jax.Array


def exact(linear: Linear, damping: jax.Array) -> Tries:
    """Solutions of the normal equations for several dampings.

    These are multiples of the mean of the matrix's diagonal. A Jacobian of 64 columns takes as long
    as fifty gradients, a try less than one: none is wasted on a single damping. Marquardt, "An
    Algorithm for Least-Squares Estimation of Nonlinear Parameters" (1963).
    """
    basis = jnp.eye(linear.z.shape[1], dtype=linear.z.dtype)
    columns = jax.vmap(lambda one: linear.push(jnp.broadcast_to(one, linear.z.shape)), out_axes=1)
    jacobian = columns(basis).reshape(*linear.z.shape, -1)
    normal = jacobian @ jacobian.swapaxes(1, 2) / linear.size + linear.weight * basis
    scale = jnp.trace(normal, axis1=1, axis2=2) / len(basis)
    dampings = damping[:, None] * jnp.array(_DAMPINGS)
    factor = jnp.linalg.cholesky(
        normal[:, None] + (dampings * scale[:, None])[..., None, None] * basis
    )
    right = jnp.broadcast_to(linear.downhill[:, None, :, None], (*factor.shape[:3], 1))
    change = jax.scipy.linalg.cho_solve((factor, True), right)[..., 0]
    return Tries(linear.z[:, None] + change, dampings)


def krylov(linear: Linear, damping: jax.Array) -> Tries:
    """Solutions by a few iterations of conjugate gradients, which need no Jacobian.

    An iteration takes one derivative forward and one backward. What earlier iterations have found,
    and half of what the last one has, trust the linear model less far. The damping is a multiple of
    the curvature along the gradient. Steihaug, "The Conjugate Gradient Method and Trust Regions in
    Large Scale Optimization" (1983).
    """
    rest = way = linear.downhill
    ridge = damping[:, None] * _ratio(_dot(way, linear.normal(way)), _dot(way, way))
    change, changes = jnp.zeros_like(way), []
    for _ in range(_ITERATIONS):
        image = linear.normal(way) + ridge * way
        length = _ratio(_dot(rest, rest), _dot(way, image))
        change, left = change + length * way, rest - length * image
        way = left + _ratio(_dot(left, left), _dot(rest, rest)) * way
        rest = left
        changes.append(change)
    quarter, half, whole = (changes[_ITERATIONS // parts - 1] for parts in (4, 2, 1))
    tries = jnp.stack([quarter, half, whole, whole / 2], axis=1)
    return Tries(linear.z[:, None] + tries, damping[:, None] * jnp.array([2.0, 2.0, 0.25, 2.0]))


def gauss_newton(propose: Callable[[Linear, jax.Array], Tries]) -> Callable:
    """The step of a damped Gauss-Newton method: the best of some tries, if it gains anything.

    Args:
        propose: (problem, dampings `[B]`) to the tries: `exact` or `krylov`.

    Returns:
        The `Method.step`.
    """

    @jax.jit
    def step(generate: Generate, target: Target, search: Search) -> Search:
        made, push = jax.linearize(lambda z: generate(z, target.labels), search.z)
        value = objective(made, target, search.z)
        linear = Linear(search.z, push, search.z, made[0].size, target.weight / search.z.shape[1])
        downhill = linear.pull(target.x - made) / linear.size - linear.weight * linear.z
        tries = propose(linear._replace(downhill=downhill), search.memory)
        at = jax.vmap(lambda z: objective(generate(z, target.labels), target, z), 1, 1)(tries.z)
        # Too small a damping leaves float32 no Cholesky factor: a try that failed.
        at = jnp.where(jnp.isnan(at), jnp.inf, at)
        rows, least = jnp.arange(len(at)), jnp.argmin(at, axis=1)
        search = improved(search._replace(value=value), tries.z[rows, least], at[rows, least])
        gain = value - search.value
        little, lost = gain <= _GAIN * value + _NOTHING, gain <= 0
        damping = jnp.where(lost, 10 * tries.dampings.max(axis=1), tries.dampings[rows, least])
        return search._replace(
            z=search.best,
            settled=little & (~lost | (search.memory >= _DAMPING_RANGE[1])),
            memory=jnp.clip(damping, *_DAMPING_RANGE),
        )

    return step


def damped(damping: float) -> Callable[[np.ndarray, int, float], np.ndarray]:
    """Searches that begin with a damping; they stop by themselves, so no number of steps counts."""
    return lambda z, steps, rate: np.full(len(z), damping, z.dtype)


def _dot(one: jax.Array, other: jax.Array) -> jax.Array:
    """Products of vectors `[B, L]`: `[B, 1]`."""
    return jnp.sum(one * other, axis=1, keepdims=True)


def _ratio(part: jax.Array, whole: jax.Array) -> jax.Array:
    """The one by the other; 0 where nothing is left to divide by."""
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1), 0)

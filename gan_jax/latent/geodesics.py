"""The shortest ways from latent to latent, as example space measures them.

A geodesic is a curve of least energy under the generator's pull-back metric, see
`gan_jax.latent.geometry`. Its discrete energy needs no derivative of that metric: the sum of the
squared chords between the examples of neighbouring points (Shao et al., 2017, arXiv:1711.08014;
Chen et al., "Metrics for Deep Generative Models", 2018, arXiv:1711.01204; Arvanitidis et al., 2018,
arXiv:1710.11379).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.latent import geometry
from gan_jax.latent.paths import spherical
from gan_jax.latent.space import Generate

FINE = 8
"""Pieces that each step of a path is cut into before its length is measured: the chords of few
points are too short, and shortest where a path leaps."""

_STILL = 0.01  # share of the length

# Pieces that each step is cut into while its energy falls. On the default MNIST run whole steps
# learn to leap between points: 8 refined paths came to 0.619 of the start's length in 200 updates,
# with halves to 0.594, in 300 to 0.584; with quarters to 0.587, for twice the work.
_SEEN = 2

# Of 20 pairs of that run, 120 updates brought the energy of whole steps from 3,110 to 1,084; 1,481
# without the smoothing. Adam came to 1,214 at best (rate 0.03), 1,606 without the smoothing. Bounds
# of 0.3 and 1 do alike there; without any halving, paths on the ring's cliffs only get longer.
_LBFGS = optax.scale_by_lbfgs(memory_size=10)
_BOUND = 0.3  # of an update's length, in all points together


class Geodesics(NamedTuple):
    """Paths and what became of their lengths; in numpy.

    Attributes:
        paths: Latents `[N, F, L]`, each straight from point to point.
        lengths: Of the refined paths, `[N]`.
        initial: Of the spherical paths that they came from, refined as much, `[N]`.
        converged: Whether the root of the energy, a length, fell by less than 1 % over the last
            quarter of the updates, `[N]`: to a local minimum, or to where a cliff of the generator
            stops it. A path that didn't get shorter is the spherical one again, and has not
            converged.
    """

    paths: np.ndarray
    lengths: np.ndarray
    initial: np.ndarray
    converged: np.ndarray


def geodesics(
    generate: Generate,
    start: np.ndarray,
    end: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    points: int = 16,
    updates: int = 300,
) -> Geodesics:
    """Local minima of the energy, from the spherical paths on; pairs go side by side.

    Each pair has an L-BFGS of its own (Liu and Nocedal, 1989) that moves the inner points after the
    inverse square root of the Laplacian along the path: so a bend of the whole path costs no more
    updates than one of a single point. Updates are bounded in length, and
    one that would raise its pair's energy is halved, while the others go on.

    Args:
        generate: The generator.
        start: Latents `[N, L]`.
        end: Latents `[N, L]`.
        labels: A class a pair, int32 `[N]`, kept along the path.
        points: F, of each path, both ends included; at least 3.
        updates: Of the optimizer.
    """
    solve = partial(_solve, generate, points=points, updates=updates)
    return Geodesics(*geometry.in_rows(solve, _SEEN * points, start, end, labels))


def _solve(
    generate: Generate,
    start: jax.Array,
    end: jax.Array,
    labels: jax.Array | None,
    *,
    points: int,
    updates: int,
) -> tuple[np.ndarray, ...]:
    """What `Geodesics` holds, of pairs that fit into memory."""
    initial = spherical(start, end, jnp.linspace(0, 1, points))
    search, energies = _begun(initial[:, 1:-1]), []
    for _ in range(updates):
        search = _descend(generate, initial, search, labels)
        energies.append(search.energy)
    found = _bent(initial, search.bend)
    before, after = (
        geometry.length(generate, geometry.refined(paths, FINE), labels)
        for paths in (initial, found)
    )
    shorter = after < before
    still = jnp.sqrt(energies[-1] / energies[-1 - updates // 4]) > 1 - _STILL
    return (
        np.where(shorter[:, None, None], found, initial),
        np.minimum(after, before),
        before,
        shorter & np.asarray(still),
    )


class _Search(NamedTuple):
    """Where the search for each pair's geodesic is.

    Attributes:
        bend: How far the inner points have moved, before the smoothing, `[N, F - 2, L]`.
        energy: There, `[N]`; infinite before the first look.
        way: Where to go from there, `[N, F - 2, L]`.
        share: How much of it, `[N]`.
        memory: L-BFGS's.
    """

    bend: jax.Array
    energy: jax.Array
    way: jax.Array
    share: jax.Array
    memory: optax.OptState


def _begun(inner: jax.Array) -> _Search:
    still, one = jnp.zeros_like(inner), jnp.ones(len(inner))
    return _Search(still, jnp.inf * one, still, one, jax.vmap(_LBFGS.init)(still))


@jax.jit
def _descend(
    generate: Generate, initial: jax.Array, search: _Search, labels: jax.Array | None
) -> _Search:
    """One look ahead: a pair goes there if that lowers its energy, and tries half as far if not."""

    def total(bend: jax.Array) -> tuple[jax.Array, jax.Array]:
        paths = geometry.refined(_bent(initial, bend), _SEEN)
        chords = geometry.chords(generate, paths, labels)
        energy = chords.shape[1] * chords.sum(axis=1)
        return energy.sum(), energy

    ahead = search.bend + search.share[:, None, None] * search.way
    slope, energy = jax.grad(total, has_aux=True)(ahead)
    way, memory = jax.vmap(_way)(slope, search.memory, ahead)
    gone = _Search(ahead, energy, way, jnp.ones_like(search.share), memory)
    stayed = search._replace(share=search.share / 2)
    return jax.tree.map(partial(jax.vmap(jnp.where), energy < search.energy), gone, stayed)


def _way(
    slope: jax.Array, memory: optax.OptState, bend: jax.Array
) -> tuple[jax.Array, optax.OptState]:
    """A pair's next update by L-BFGS, or down the slope where that would go uphill."""
    scaled, memory = _LBFGS.update(slope, memory, bend)
    way = -jnp.where(jnp.vdot(scaled, slope) > 0, scaled, slope)
    return way * jnp.minimum(1, _BOUND / jnp.maximum(jnp.linalg.norm(way), 1e-12)), memory


def _bent(initial: jax.Array, bend: jax.Array) -> jax.Array:
    """Paths with their inner points moved by the bend `[N, F - 2, L]`, smoothed."""
    moves = jnp.einsum("fg,ngl->nfl", _smoothing(bend.shape[1]), bend)
    return initial.at[:, 1:-1].add(moves)


def _smoothing(num: int) -> np.ndarray:
    """The inverse square root of the Laplacian of `num` points between two that stay."""
    laplacian = 2 * np.eye(num) - np.eye(num, k=1) - np.eye(num, k=-1)
    values, vectors = np.linalg.eigh(laplacian)
    return (vectors / np.sqrt(values)) @ vectors.T

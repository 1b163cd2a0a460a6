"""Directions in latent space: unit vectors along which one attribute of the images moves.

A method of `METHODS` is a function of `MeasuredLatents` to one direction for each of `ATTRIBUTES`,
the way in which it grows. Those that know nothing of attributes (GANSpace, SeFa, random) find
candidates, of which each attribute gets the one that tells most about it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse.linalg import svds

from gan_jax.core.errors import InputError
from gan_jax.latent.first_layer import record_first_layer
from gan_jax.latent.measured_latents import MeasuredLatents, over
from gan_jax.latent.space import Generate

COMPONENTS = 20  # that GANSpace looks for
ACTIVATED = 2048  # latents whose activations it takes
SENSED = 1024  # latents whose logits' gradients are taken
RIDGE = 0.03  # what a move costs that changes no logit, of what the dearest costs

Method = Callable[[MeasuredLatents], np.ndarray]


def regression(z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Directions of steepest growth, by least squares of values on latents.

    Of normal latents the coefficients are the mean gradients of the values (Stein's lemma).

    Args:
        z: Latents [N, L], N above L.
        values: Attributes [N, A].

    Returns:
        Unit vectors [A, L].

    Raises:
        InputError: If there are too few latents, or a value is the same for all.
    """
    return _unit(_coefficients(z, values))


def within(groups: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """Arrays [N, K] less the means of their rows' groups, int [N].

    A regression of what is left is one with an intercept for each group: what differs between
    groups (a 1 is narrower than a 0) does not count.
    """
    _, rows = np.unique(groups, return_inverse=True)
    counts = np.bincount(rows)[:, None]

    def centred(array: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(counts), array.shape[1]))
        np.add.at(sums, rows, array)
        return array - (sums / counts)[rows]

    return [centred(array) for array in arrays]


def orthogonal(vectors: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The unit vectors [A, L] nearest to the given ones with no part in a basis.

    Args:
        vectors: [A, L].
        basis: Orthonormal vectors [K, L], K below L.
    """
    return _unit(vectors - vectors @ basis.T @ basis)


def class_directions(z: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The span of the classifier's logits, less their mean, regressed on latents.

    Args:
        z: Latents [N, L], N above L.
        logits: `[N, C]`.

    Returns:
        Orthonormal vectors [K, L], K at most C - 1: a constant for all logits changes no class.
    """
    coefficients = _coefficients(z, logits - logits.mean(axis=1, keepdims=True))
    _, strengths, vectors = np.linalg.svd(coefficients, full_matrices=False)
    return vectors[strengths > 1e-3 * strengths[0]]


def sensitivity(sampled: MeasuredLatents) -> np.ndarray:
    """How much each direction changes the classifier's logits, as a quadratic form.

    The mean over latents of J^T J, J the Jacobian of the logits, less their mean, in the latent.
    Its eigenvectors are the active subspaces of Constantine, Dow and Wang, 2014, arXiv:1304.2070.

    Args:
        sampled: The first `SENSED` of its latents are used.

    Returns:
        `[L, L]`, its largest eigenvalue 1.
    """
    sampled = sampled.head(SENSED)
    constants = sampled.generate, sampled.read
    (products,) = over(_squared_slopes, constants, sampled.z, sampled.labels)
    mean = products.mean(axis=0, dtype=float)
    return mean / np.linalg.eigvalsh(mean)[-1]


def penalized(vectors: np.ndarray, costs: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    """Directions d that gain most along vectors for what they cost: (C + ridge I)^-1 v.

    They have the largest <v, d>^2 / (d^T C d + ridge d^T d): between those that cost nothing
    (`orthogonal`, where C is a projection and the ridge small) and v itself (a large ridge).

    Args:
        vectors: [A, L].
        costs: C, symmetric [L, L], none below 0.
        ridge: Above 0.

    Returns:
        Unit vectors [A, L].
    """
    return _unit(np.linalg.solve(costs + ridge * np.eye(len(costs)), vectors.T).T)


def sefa(generate: Generate, dimensions: int, labels: np.ndarray | None = None) -> np.ndarray:
    """Directions in which the first layer's output grows most: its right singular vectors.

    SeFa (Shen and Zhou, "Closed-Form Factorization of Latent Semantics in GANs", 2021,
    arXiv:2007.06600). The layer is affine, so that its matrix is what it makes of the unit vectors,
    less what it makes of 0.

    Args:
        generate: A generator whose first layer is dense.
        dimensions: L.
        labels: One class [1], if it takes any; which does not matter.

    Returns:
        Orthonormal vectors [L, L], the strongest first.

    Raises:
        InputError: See `first_layer.record_first_layer`.
    """
    probes = np.concatenate([np.eye(dimensions), np.zeros((1, dimensions))]).astype(np.float32)
    labels = None if labels is None else np.repeat(labels, len(probes))
    given = np.asarray(record_first_layer(generate, probes, labels).linear, float)
    matrix = given[:-1] - given[-1]
    _, vectors = np.linalg.eigh(matrix @ matrix.T)
    return vectors.T[::-1]


def ganspace(
    generate: Generate,
    z: np.ndarray,
    labels: np.ndarray | None = None,
    count: int = COMPONENTS,
) -> np.ndarray:
    """Principal components of the first activations, regressed back to latents.

    GANSpace (Härkönen et al., 2020, arXiv:2004.02546). Coordinates along principal
    components don't correlate, so that the regression of the latents on them is one product.

    Args:
        generate: A generator whose first layer is dense.
        z: Latents [N, L].
        labels: Their classes, if it takes any.
        count: Components; no more than L are given.

    Returns:
        Unit vectors [K, L], the strongest first; they need not be orthogonal.

    Raises:
        InputError: See `first_layer.record_first_layer`.
    """
    (activations,) = over(_activations, (generate,), z, labels)
    centred = activations - activations.mean(axis=0)
    count = min(count, z.shape[1], min(centred.shape) - 1)
    coordinates, strengths, _ = svds(centred, count, rng=0)
    strongest = np.argsort(strengths)[::-1]
    return _unit(coordinates.T[strongest] @ (z - z.mean(axis=0)))


def pick(candidates: np.ndarray, z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of candidates [K, L], for each value the one along which it grows or falls most clearly.

    Args:
        candidates: Unit vectors [K, L].
        z: Latents [N, L].
        values: Attributes [N, A].

    Returns:
        Unit vectors [A, L], turned so that the value grows.
    """
    found = correlations(candidates, z, values)
    best = np.argmax(np.abs(found), axis=0)
    signs = np.sign(found[best, np.arange(values.shape[1])])
    return signs[:, None] * candidates[best]


def correlations(vectors: np.ndarray, z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of places along vectors [K, L] with values [N, A], over latents z [N, L]: [K, A]."""
    places, values = z @ vectors.T, values - values.mean(axis=0)
    places = places - places.mean(axis=0)
    lengths = np.linalg.norm(places, axis=0)[:, None] * np.linalg.norm(values, axis=0)
    return places.T @ values / lengths


def explained(vectors: np.ndarray, z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of the values' variance that a straight line along a vector explains: R^2, [K, A].

    The arguments are those of `correlations`; take other latents than those of the fit.
    """
    return correlations(vectors, z, values) ** 2


def _regression(sampled: MeasuredLatents) -> np.ndarray:
    return regression(sampled.z, sampled.values)


def _within_class(sampled: MeasuredLatents) -> np.ndarray:
    return regression(*within(sampled.digits, sampled.z, sampled.values))


def _class_orthogonal(sampled: MeasuredLatents) -> np.ndarray:
    return orthogonal(_within_class(sampled), class_directions(sampled.z, sampled.logits))


def _class_penalized(sampled: MeasuredLatents) -> np.ndarray:
    return penalized(_within_class(sampled), sensitivity(sampled))


def _ganspace(sampled: MeasuredLatents) -> np.ndarray:
    head = sampled.head(ACTIVATED)
    return _picked(ganspace(head.generate, head.z, head.labels), sampled)


def _sefa(sampled: MeasuredLatents) -> np.ndarray:
    labels = sampled.head(1).labels
    return _picked(sefa(sampled.generate, sampled.z.shape[1], labels), sampled)


def _random(sampled: MeasuredLatents) -> np.ndarray:
    """From one latent to another, which has nothing to do with either."""
    return _picked(_unit(sampled.z[:1] - sampled.z[1:2]), sampled)


METHODS: dict[str, Method] = {
    "regression": _regression,
    "within_class": _within_class,
    "class_orthogonal": _class_orthogonal,
    "class_penalized": _class_penalized,
    "ganspace": _ganspace,
    "sefa": _sefa,
    "random": _random,
}


def _coefficients(z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of values [N, A] regressed on latents [N, L] with an intercept: [A, L]."""
    if len(z) <= z.shape[1]:
        raise InputError("latents", len(z), f"{z.shape[1]} dimensions take more to regress on")
    found, *_ = np.linalg.lstsq(z - z.mean(axis=0), values - values.mean(axis=0), rcond=None)
    return found.T


def _picked(candidates: np.ndarray, sampled: MeasuredLatents) -> np.ndarray:
    return pick(candidates, *within(sampled.digits, sampled.z, sampled.values))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [K, L] of length 1.

    Raises:
        InputError: If one has no length.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(lengths > 0):
        raise InputError("direction", "0", "nothing changes that way, or all of it was taken away")
    return vectors / lengths


@jax.jit
def _squared_slopes(generate, read, z, labels):
    """J^T J of the centred logits for each latent, in a tuple: [N, L, L]."""

    def logits(z):
        found = read(generate(z, labels)).logits
        return found - jnp.mean(found, axis=1, keepdims=True)

    # Latents don't know each other: the gradient of a sum is that of each.
    found, back = jax.vjp(logits, z)
    pulls = jnp.broadcast_to(jnp.eye(found.shape[1])[:, None], (found.shape[1], *found.shape))
    slopes = jnp.stack([back(pull)[0] for pull in pulls])
    return (jnp.einsum("cni,cnj->nij", slopes, slopes),)


@jax.jit
def _activations(generate, z, labels):
    return (record_first_layer(generate, z, labels).activations,)

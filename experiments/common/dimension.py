"""How many dimensions a cloud of points has, of those of the space that it lies in."""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import gammaln


def linear(points: np.ndarray, share: float = 0.95) -> int:
    """How many principal axes hold a share of the variance of points `[N, D]`."""
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) ** 2
    return int(np.searchsorted(np.cumsum(spread) / spread.sum(), share) + 1)


def maximum_likelihood(points: np.ndarray, k: int = 20) -> float:
    """The intrinsic dimension by the distances to k neighbours.

    Levina and Bickel, "Maximum Likelihood Estimation of Intrinsic Dimension" (2004), with the
    inverses averaged over points instead of the estimates, after MacKay and Ghahramani's comment
    (2005). Few points in many dimensions make it too low.

    Args:
        points: `[N, D]`, no two equal, N above k.
        k: Neighbours.
    """
    nearest = _nearest(points, k)
    return float(1 / np.mean(np.log(nearest[:, -1:] / nearest[:, :-1])))


def two_nearest(points: np.ndarray) -> float:
    """The intrinsic dimension by the ratio of the distances to the two nearest neighbours.

    Facco et al., "Estimating the Intrinsic Dimension of Datasets by a Minimal Neighborhood
    Information" (2017, arXiv:1803.06992), whose ratios are Pareto's; here by its maximum
    likelihood.

    Args:
        points: `[N, D]`, no two equal, N above 2.
    """
    nearest = _nearest(points, 2)
    return float((len(points) - 1) / np.sum(np.log(nearest[:, 1] / nearest[:, 0])))


def log10_ball(dimensions: int, radius: float) -> float:
    """The decimal logarithm of a ball's volume."""
    half = dimensions / 2
    volume = half * np.log(np.pi) + dimensions * np.log(radius) - gammaln(half + 1)
    return float(volume / np.log(10))


def log10_gaussian(variances: np.ndarray) -> float:
    """The decimal logarithm of the volume that a Gaussian takes: that of its entropy's exponential.

    No distribution of the same covariance takes a larger one (Cover and Thomas, "Elements of
    Information Theory", 2006, chapter 8).

    Args:
        variances: Along its axes, above 0.
    """
    return float(np.log10(2 * np.pi * np.e * variances).sum() / 2)


def _nearest(points: np.ndarray, k: int) -> np.ndarray:
    """Distances to the k nearest others, `[N, k]`, ascending."""
    distances = cdist(points, points)
    return np.sort(np.partition(distances, k, axis=1)[:, : k + 1], axis=1)[:, 1:]

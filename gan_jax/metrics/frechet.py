"""The Frechet distance between two Gaussians, in float64."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Mean and spread of points.

    Attributes:
        mean: `[F]` float64.
        covariance: `[F, F]` float64, unbiased (divided by the number of points less one).
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of_sums(cls, num: int, total: np.ndarray, products: np.ndarray) -> "Gaussian":
        """The Gaussian of points of which only sums were kept.

        Args:
            num: How many points there were, at least 2.
            total: `[F]` float64, their sum.
            products: `[F, F]` float64, the sum of their outer products with themselves.
        """
        mean = total / num
        return cls(mean, (products - num * np.outer(mean, mean)) / (num - 1))


def frechet_distance(*, real: Gaussian, generated: Gaussian) -> float:
    """Squared 2-Wasserstein distance between two Gaussians; zero when they are equal.

    `|m_r - m_g|^2 + tr(C_r + C_g - 2 (C_r^1/2 C_g C_r^1/2)^1/2)`, equation (6) of Heusel et al.,
    "GANs Trained by a Two Time-Scale Update Rule" (2017), with the product written symmetric: its
    eigenvalues are those of `C_r C_g` but come out real, and no square root of a matrix that isn't
    positive definite is taken. A covariance may be singular.

    With few points the distance of a perfect generator is above zero: compare it with the floor.
    """
    values, vectors = np.linalg.eigh(real.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    cross = np.linalg.eigvalsh(root @ generated.covariance @ root)
    # Rounding can leave eigenvalues of a singular product, and the distance, just below zero.
    overlap = np.sqrt(np.maximum(cross, 0.0)).sum()
    shift = np.square(real.mean - generated.mean).sum()
    spread = np.trace(real.covariance) + np.trace(generated.covariance) - 2.0 * overlap
    return max(float(shift + spread), 0.0)

"""How well points cover a mixture of Gaussians: VEEGAN's protocol, counted as PacGAN counts."""

from collections.abc import Iterable

import jax
import numpy as np
from scipy.special import rel_entr

from gan_jax.data.mixtures import Mixture

HEADLINE = ("modes", "high_quality", "reverse_kl", "covariance_ratio")
BETTER = {
    "modes": "higher",
    "high_quality": "higher",
    "reverse_kl": "lower",
    "covariance_ratio": "one",
}
RADIUS = 3.0  # standard deviations from a centre within which a sample is of high quality


def bounds(density: Mixture) -> dict[str, tuple[float, float]]:
    """Least and largest possible values of these measures."""
    return {
        "modes": (0, len(density.centres)),
        "high_quality": (0, 1),
        "reverse_kl": (0, np.log(len(density.centres))),
        "covariance_ratio": (0, np.inf),
    }


def incompatibility(dataset) -> str:
    """Why these measurements can't be made on a data set, or an empty string."""
    if isinstance(dataset.density, Mixture):
        return ""
    return f"measures points of a known mixture, which {dataset.name} is not"


def reference(dataset) -> Mixture:
    """The density itself: its centres and standard deviation."""
    return dataset.density


def held_out(dataset) -> np.ndarray:
    """Real points that no GAN trained on: the test points."""
    return dataset.test


def measure(batches: Iterable[np.ndarray], reference: Mixture) -> dict[str, float]:
    """Coverage and quality of generated points.

    A sample belongs to its nearest centre and is of high quality when it lies closer than three
    standard deviations. Every number but `high_quality` counts the high-quality samples alone, as
    PacGAN's published code does. A sample that isn't finite is never of high quality. Without one
    the worst values stand: no mode, `reverse_kl` of log K, `covariance_ratio` of 0.

    Srivastava et al., "VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning"
    (2017), section 4; Lin et al., "PacGAN: The power of two samples in generative adversarial
    networks" (2018), section 4.1.

    Args:
        batches: Generated points, `[N, D]` floats each.
        reference: The mixture, with `centres` `[K, D]` and `sigma`.

    Returns:
        `modes`: Centres with at least one high-quality sample, 0 to K.
        `high_quality`: Share of all samples; a perfect sampler in two dimensions has 0.9889, and
            more means that modes have shrunk.
        `reverse_kl`: KL(shares of the modes || uniform), 0 to log K nats.
        `covariance_ratio`: See `covariance_ratio`; a perfect sampler in two dimensions has 0.949.
    """
    return numbers(list(batches), reference)


def features(points: jax.Array) -> tuple[jax.Array]:
    """Points are measured as they are."""
    return (points,)


def statistics(points: np.ndarray) -> list[np.ndarray]:
    """One batch, kept as it is."""
    return [points]


def numbers(statistics: list[np.ndarray], reference: Mixture) -> dict[str, float]:
    """The numbers of `measure`."""
    generated = np.concatenate(statistics)
    points, nearest = high_quality(generated, reference)
    counts = np.bincount(nearest, minlength=len(reference.centres))
    return {
        "modes": float(np.count_nonzero(counts)),
        "high_quality": len(points) / len(generated),
        "reverse_kl": reverse_kl(counts),
        "covariance_ratio": covariance_ratio(points, nearest, reference.sigma),
    }


def high_quality(generated: np.ndarray, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """The samples closer than three standard deviations to a centre, and which centre: `[M]`."""
    points = generated[np.isfinite(generated).all(axis=1)].astype(np.float64)
    distances = np.linalg.norm(points[:, None] - mixture.centres, axis=-1)
    near = distances.min(axis=1) < RADIUS * mixture.sigma
    return points[near], distances[near].argmin(axis=1)


def reverse_kl(counts: np.ndarray) -> float:
    """`KL(counts' shares || uniform)` over K modes in nats; log K, the largest, without counts."""
    if not counts.any():
        return float(np.log(len(counts)))
    return float(rel_entr(counts / counts.sum(), 1.0 / len(counts)).sum())


def covariance_ratio(points: np.ndarray, nearest: np.ndarray, sigma: float) -> float:
    """Variance inside a mode over the true one: the mean over modes with at least two points.

    A mode's variance is the trace of its points' covariance (around their own mean, unbiased) over
    the number of dimensions. The cut at three standard deviations removes the tails, which in two
    dimensions takes 5 % from a perfect sampler's; the noise floor shows it, nothing is corrected.

    Args:
        points: `[M, D]`, high-quality samples.
        nearest: `[M]`, each one's mode.
        sigma: Each mode's true standard deviation.

    Returns:
        0 when no mode has two points, as when each is a single point.
    """
    groups = [points[nearest == mode] for mode in np.unique(nearest)]
    ratios = [group.var(axis=0, ddof=1).mean() / sigma**2 for group in groups if len(group) > 1]
    return float(np.mean(ratios)) if ratios else 0.0

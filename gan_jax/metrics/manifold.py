"""Fidelity apart from diversity: kernel distance and nearest neighbours in the digit features."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gan_jax.metrics.classifier import embed, features
from gan_jax.metrics.images import held_out, incompatibility
from gan_jax.metrics.kernel import kernel_distance
from gan_jax.metrics.neighbours import density_coverage, precision_recall

__all__ = [
    "BETTER",
    "HEADLINE",
    "Reference",
    "bounds",
    "features",
    "held_out",
    "incompatibility",
    "measure",
    "numbers",
    "reference",
    "statistics",
]

HEADLINE = ("kernel", "precision", "recall", "density", "coverage")
BETTER = {
    "kernel": "lower",
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "coverage": "higher",
}
REAL = 2_500  # real images at most: time grows with their number times that of the samples


@dataclass(frozen=True, eq=False)
class Reference:
    """Real images as the classifier sees them.

    Attributes:
        features: `[N, 64]` float32, one row an image.
    """

    features: np.ndarray


def bounds(density) -> dict[str, tuple[float, float]]:
    """Least and largest possible values of these measures."""
    del density
    return {
        "kernel": (-np.inf, np.inf),
        "precision": (0, 1),
        "recall": (0, 1),
        "density": (0, np.inf),
        "coverage": (0, 1),
    }


def reference(dataset) -> Reference:
    """The data's test images, 2,500 of them drawn where it has more."""
    rows = np.random.default_rng(0).permutation(len(dataset.test))[:REAL]
    return Reference(embed(dataset.test[rows])[0])


def measure(batches: Iterable[np.ndarray], reference: Reference) -> dict[str, float]:
    """How much generated images look like real ones, and how many of the real ones are met.

    Args:
        batches: Generated images, `[N, H, W, 1]` uint8 each; only their features are kept.
        reference: The real images to compare with.

    Returns:
        `kernel` (`kernel_distance`; its unit is the classifier's, so read it beside the floor),
        `precision` and `recall` (`precision_recall`, k = 3), `density` and `coverage`
        (`density_coverage`, k = 5), and `real`: with how many real images, on which all depend.
    """
    return numbers([embed(batch)[0] for batch in batches], reference)


def statistics(found: np.ndarray, probabilities: np.ndarray) -> list[np.ndarray]:
    """Features `[N, 64]` of one batch, kept as they are."""
    del probabilities
    return [found]


def numbers(statistics: list[np.ndarray], reference: Reference) -> dict[str, float]:
    """The numbers of `measure`."""
    sets = {"real": reference.features, "generated": np.concatenate(statistics)}
    return {
        "kernel": kernel_distance(**sets),
        **precision_recall(**sets),
        **density_coverage(**sets),
        "real": float(len(reference.features)),
    }

"""How many of stacked MNIST's thousand modes are made, and how evenly."""

from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data import stacked
from gan_jax.data.stacked import DIGITS
from gan_jax.metrics import classifier
from gan_jax.metrics.classifier import CLASSES
from gan_jax.metrics.modes import reverse_kl

HEADLINE = ("modes", "reverse_kl")
BETTER = {"modes": "higher", "reverse_kl": "lower"}
MODES = CLASSES**DIGITS


class ModeCounts(NamedTuple):
    """What the digit classifier reads in images, in sums.

    Attributes:
        counts: `[1000]`, images by their mode.
        confidence: Sum over images of the mean over channels of the largest probability.
    """

    counts: np.ndarray
    confidence: float

    def __add__(self, other: "ModeCounts") -> "ModeCounts":
        """The sums of both."""
        return ModeCounts(self.counts + other.counts, self.confidence + other.confidence)


def bounds(density) -> dict[str, tuple[float, float]]:
    """Least and largest possible values of these measures."""
    del density
    return {"modes": (0, MODES), "reverse_kl": (0, np.log(MODES))}


def incompatibility(dataset) -> str:
    """Why these measurements can't be made on a data set, or an empty string."""
    if dataset.name == stacked.NAME:
        return ""
    return f"measures images of three digits each, those of {stacked.NAME}, not {dataset.name}"


def reference(dataset) -> None:
    """Samples are compared with the uniform distribution over all modes."""
    del dataset


def held_out(dataset) -> np.ndarray:
    """Real images that no GAN trained on: the held-out ones."""
    return dataset.test


def features(images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Each image's digits int32 `[N, 3]` and their probabilities `[N, 3]`; traceable."""
    channels = jnp.moveaxis(images, -1, 0).reshape(-1, *images.shape[1:3], 1)
    return _read(classifier.features(channels)[1], jnp)


def statistics(digits: np.ndarray, probabilities: np.ndarray) -> ModeCounts:
    """The sums of one batch of features, `[N, 3]` each."""
    counts = np.bincount(stacked.mode(digits), minlength=MODES)
    return ModeCounts(counts, float(probabilities.mean(axis=1, dtype=np.float64).sum()))


def measure(batches: Iterable[np.ndarray], reference: None) -> dict[str, float]:
    """Coverage of the modes, as Metz et al. and PacGAN count (see `gan_jax.data.stacked`).

    Every image counts, whatever it looks like, for the mode of the most probable digit in each
    channel: noise has modes too. The classifier is the shipped one, not theirs.

    Args:
        batches: Generated images, `[N, H, W, 3]` uint8 each.
        reference: None.

    Returns:
        `modes`: Modes with at least one image, 0 to 1000.
        `reverse_kl`: KL(shares of the modes || uniform), 0 to log 1000 nats. Of 25,600 exactly
            uniform images it is 0.0197, of images with MNIST's shares of digits 0.0240.
        `confidence`: Mean probability of the digit read, 0.1 to 1.
    """
    return numbers(reduce(ModeCounts.__add__, map(_of_images, batches)), reference)


def numbers(statistics: ModeCounts, reference: None) -> dict[str, float]:
    """The numbers of `measure`."""
    del reference
    return {
        "modes": float(np.count_nonzero(statistics.counts)),
        "reverse_kl": reverse_kl(statistics.counts),
        "confidence": statistics.confidence / float(statistics.counts.sum()),
    }


def _of_images(images: np.ndarray) -> ModeCounts:
    channels = np.moveaxis(images, -1, 0).reshape(-1, *images.shape[1:3], 1)
    return statistics(*_read(classifier.embed(channels)[1], np))


def _read(probabilities, numpy):
    """Digits and their probabilities `[N, 3]`, of probabilities `[3 N, 10]`, channel by channel."""
    columns = (DIGITS, -1)
    digits = numpy.argmax(probabilities, axis=1).reshape(columns).T
    return digits, numpy.max(probabilities, axis=1).reshape(columns).T

"""Whether a generator copies what it was trained on."""

from typing import NamedTuple

import numpy as np

from gan_jax.metrics import neighbours

QUANTILE = 0.01


class Copies(NamedTuple):
    """How near samples come to training images.

    Attributes:
        which: The nearest training image of each sample, int `[N]`.
        distances: How far it is, root mean square over the pixels, `[N]`.
        of_held_out: The same of real images that were not trained on, `[M]`.
    """

    which: np.ndarray
    distances: np.ndarray
    of_held_out: np.ndarray

    @property
    def copied(self) -> float:
        """The share of samples that are nearer than all but a hundredth of held-out images."""
        return float(np.mean(self.distances < np.quantile(self.of_held_out, QUANTILE)))


def nearest(samples: np.ndarray, train: np.ndarray, held_out: np.ndarray) -> Copies:
    """Compare samples and held-out images with all training images, pixel by pixel.

    Held-out images say how near a new image comes without being a copy (Meehan et al., "A
    Non-Parametric Test to Detect Data-Copying in Generative Models", 2020, arXiv:2004.05675, make a
    test of that).

    Args:
        samples: uint8 `[N, H, W, C]`.
        train: uint8 `[T, H, W, C]`.
        held_out: uint8 `[M, H, W, C]`.
    """
    which, distances = _nearest(samples, train)
    return Copies(which, distances, _nearest(held_out, train)[1])


def _nearest(images: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images, others = (x.reshape(len(x), -1).astype(np.float32) for x in (images, others))
    which = neighbours.nearest(images, others)
    return which, np.sqrt(np.mean((images - others[which]) ** 2, axis=1))

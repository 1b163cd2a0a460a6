"""Stacked MNIST: three digits as the colour channels of an image, a thousand modes.

After L. Metz et al., Unrolled Generative Adversarial Networks, ICLR 2017 (arXiv:1611.02163),
section 3.3.1. As with a mixture, the set is drawn once from a seed of its own, not from the run's:
two runs that differ in seed still imitate the same images.
"""

import dataclasses

import numpy as np

from gan_jax.data.dataset import Dataset

NAME = "stacked_mnist"
DIGITS = 3  # an image
TRAIN_IMAGES, TEST_IMAGES = 128_000, 26_000


def stack(digits: Dataset) -> Dataset:
    """Images of three digits each; every call gives the same ones of the same digits.

    Digits are drawn with replacement, each channel's by itself. PacGAN (arXiv:1712.04086, section
    4.2) fixes 128,000 such images too, of training and test digits together; here digits that are
    held out are on held-out images alone.

    Args:
        digits: MNIST, of any size: uint8 [N, H, W, 1] with the condition "label", 0 to 9.

    Returns:
        uint8 images [128000, H, W, 3] to train on and [26000, H, W, 3] held out. The label is the
        mode, 0 to 999: the three digits, red first.
    """
    train, train_modes = _draw(digits.train, digits.train_conditions["label"], 0, TRAIN_IMAGES)
    test, test_modes = _draw(digits.test, digits.test_conditions["label"], 1, TEST_IMAGES)
    return dataclasses.replace(
        digits,
        name=NAME,
        train=train,
        test=test,
        train_conditions={"label": train_modes},
        test_conditions={"label": test_modes},
        origin=f"{digits.origin or digits.source}, three digits an image",
    )


def mode(digits: np.ndarray) -> np.ndarray:
    """The modes int32 [N], 0 to 999, of digits [N, 3]."""
    return (digits @ (100, 10, 1)).astype(np.int32)


def _draw(
    images: np.ndarray, labels: np.ndarray, split: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Stacks [count, H, W, 3] of images [N, H, W, 1], and the mode of each."""
    # A stream per split: their sizes can change without changing each other's images.
    chosen = np.random.default_rng([0, split]).integers(len(images), size=(count, DIGITS))
    stacks = np.stack([images[column, ..., 0] for column in chosen.T], axis=-1)
    return stacks, mode(labels[chosen])

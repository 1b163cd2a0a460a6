"""Networks applied to any number of images by one compiled program."""

from collections.abc import Callable

import jax
import numpy as np

BATCH = 256  # images a dispatch; the number of images never shapes a program


def in_batches(embed: Callable[[np.ndarray], tuple[jax.Array, ...]], images: np.ndarray):
    """What a network makes of images, whatever their number: one batch is on the device.

    Batches are dispatched one by one, since a convolution inside a compiled loop is several times
    slower on a CPU.

    Args:
        embed: A compiled function of `[256, ...]` images to a tuple of `[256, ...]` arrays.
        images: `[N, ...]`, at least one; the last batch is filled up with zeros.

    Returns:
        The tuple for all images, numpy arrays `[N, ...]`.
    """
    parts = []
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        padding = ((0, BATCH - len(batch)), *((0, 0),) * (images.ndim - 1))
        parts.append([np.asarray(x)[: len(batch)] for x in embed(np.pad(batch, padding))])
    return tuple(map(np.concatenate, zip(*parts, strict=True)))

"""What a generator's images show, latent by latent: the sample that directions are fitted to."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jax.tree_util import Partial

from gan_jax.core.errors import InputError
from gan_jax.latent.attributes import measure
from gan_jax.latent.digits import classifier
from gan_jax.latent.space import Generate, Space
from gan_jax.metrics.batching import in_batches


class MeasuredLatents(NamedTuple):
    """Latents and what their images show.

    Attributes:
        generate: The generator.
        read: The classifier, from images to a `DigitPrediction`.
        z: Latents [N, L].
        labels: Classes asked for, int32 [N], or None.
        values: The `ATTRIBUTES` of the images, in their order: [N, A].
        logits: What the classifier makes of them, [N, 10].
    """

    generate: Generate
    read: Partial
    z: np.ndarray
    labels: np.ndarray | None
    values: np.ndarray
    logits: np.ndarray

    @property
    def digits(self) -> np.ndarray:
        """What the classifier takes them for, [N]."""
        return np.argmax(self.logits, axis=1)

    def head(self, num: int) -> "MeasuredLatents":
        """Its first latents only."""
        arrays = (self.z, self.labels, self.values, self.logits)
        parts = (None if array is None else array[:num] for array in arrays)
        return MeasuredLatents(self.generate, self.read, *parts)


def measure_latents(space: Space, num: int, seed: int = 0, first: int = 0) -> MeasuredLatents:
    """What the images number `first` to `first + num - 1` of a seed show.

    Raises:
        InputError: If the generator doesn't make digits, or an image is blank.
    """
    read = classifier(space)
    z, labels = jax.device_get(space.draw(num, seed, first)[:2])
    return MeasuredLatents(
        space.generate, read, z, labels, *attributes_and_logits(space.generate, read, z, labels)
    )


def attributes_and_logits(
    generate: Generate, read: Partial, z: np.ndarray, labels: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Attributes [N, A] and logits [N, 10] of the images of latents z [N, L].

    Raises:
        InputError: If an image is blank: nothing has no slant.
    """
    values, logits = over(_measured, (generate, read), z, labels)
    blank = int(np.sum(~np.isfinite(values).all(axis=1)))
    if blank:
        raise InputError("--workdir", f"{blank} of {len(z)} images", "blank: they have no slant")
    return values, logits


def over(
    function: Callable[..., tuple[jax.Array, ...]],
    constants: tuple,
    z: np.ndarray,
    labels: np.ndarray | None = None,
) -> tuple[np.ndarray, ...]:
    """A compiled function of (*constants, z [256, L], labels) applied to any number of latents.

    Args:
        function: It gives a tuple of arrays [256, ...].
        constants: What it takes first.
        z: Latents [N, L].
        labels: Their classes, or None.

    Returns:
        The tuple of numpy arrays [N, ...].
    """

    def batch(rows: np.ndarray) -> tuple[jax.Array, ...]:
        return function(*constants, z[rows], None if labels is None else labels[rows])

    return in_batches(batch, np.arange(len(z)))


@jax.jit
def _measured(generate, read, z, labels):
    images = generate(z, labels)
    return measure(images), read(images).logits

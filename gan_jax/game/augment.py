"""Differentiable augmentation of what the discriminator sees, real and fake alike.

Zhao et al., 2020, arXiv:2006.10738 (DiffAugment, whose strengths these are), and the control of
its probability by Karras et al., 2020, arXiv:2006.06676 (ADA), section 3.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.core.streams import stream

SHIFT = 1 / 8  # largest translation, in sides of the image
HOLE = 1 / 2  # side of the square cut out, in sides of the image
BRIGHTNESS = 0.5  # largest change, where black is -1 and white 1
CONTRAST = 0.5  # largest change of the factor around 1


def translation(image: jax.Array, key: jax.Array) -> jax.Array:
    """The image [H, W, C] moved by up to an eighth of its sides, black (-1) where nothing is."""
    sides = jnp.array(image.shape[:2])
    reach = jnp.round(sides * SHIFT).astype(int)
    shift = jax.random.randint(key, (2,), -reach, reach + 1)
    rows, columns = (
        jnp.arange(side) + move for side, move in zip(image.shape[:2], shift, strict=True)
    )
    moved = image[jnp.clip(rows, 0, sides[0] - 1)][:, jnp.clip(columns, 0, sides[1] - 1)]
    inside = _within(rows, sides[0])[:, None] & _within(columns, sides[1])[None]
    return jnp.where(inside[..., None], moved, -1)


def cutout(image: jax.Array, key: jax.Array) -> jax.Array:
    """The image [H, W, C] without (0) a square of half its side, anywhere, in part outside."""
    sides = jnp.array(image.shape[:2])
    hole = jnp.round(sides * HOLE).astype(int)
    corner = jax.random.randint(key, (2,), 0, sides + 1 - hole % 2) - hole // 2
    rows, columns = (
        _within(jnp.arange(side) - start, length)
        for side, start, length in zip(image.shape[:2], corner, hole, strict=True)
    )
    return jnp.where((rows[:, None] & columns[None])[..., None], 0, image)


def brightness(image: jax.Array, key: jax.Array) -> jax.Array:
    """The image [H, W, C] brighter or darker by up to 0.5."""
    return image + jax.random.uniform(key, minval=-BRIGHTNESS, maxval=BRIGHTNESS).astype(
        image.dtype
    )


def contrast(image: jax.Array, key: jax.Array) -> jax.Array:
    """The image [H, W, C] stretched around its mean by a factor from 0.5 to 1.5."""
    factor = jax.random.uniform(key, minval=1 - CONTRAST, maxval=1 + CONTRAST).astype(image.dtype)
    mean = jnp.mean(image)
    return mean + factor * (image - mean)


def _within(places: jax.Array, length: jax.Array) -> jax.Array:
    return (places >= 0) & (places < length)


AUGMENTATIONS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "brightness": brightness,
    "contrast": contrast,
    "cutout": cutout,
    "translation": translation,
}


class Augmentation(NamedTuple):
    """A policy, and how often it is applied.

    Attributes:
        names: Of `AUGMENTATIONS`, in the order in which they are applied.
        probability: With which each is applied to an example, where it does not adapt.
        target: What the probability adapts to: the mean sign of the logits of reals, in (0, 1);
            0: it does not adapt.
        images: Real images in which an adapting probability can go from 0 to 1.
        batch_size: Real images an update.
    """

    names: tuple[str, ...]
    probability: float
    target: float
    images: float
    batch_size: int

    @property
    def adapts(self) -> bool:
        """Whether the probability is controlled."""
        return self.target > 0

    def __call__(self, images: jax.Array, keys: jax.Array, probability: jax.Array | None):
        """Images [N, H, W, C] in about [-1, 1], augmented with one key each [N]."""
        probability = self.probability if probability is None else probability

        def one(image, key):
            for name in self.names:
                own = stream(key, name)
                changed = AUGMENTATIONS[name](image, stream(own, "change"))
                applies = jax.random.uniform(stream(own, "applies")) < probability
                image = jnp.where(applies, changed, image)
            return image

        return jax.vmap(one)(images, keys)

    def adapted(self, probability: jax.Array, sign: jax.Array) -> jax.Array:
        """The probability after an update whose reals had logits of that mean sign, in [-1, 1]."""
        step = jnp.sign(sign - self.target) * self.batch_size / self.images
        return jnp.clip(probability + step, 0, 1)

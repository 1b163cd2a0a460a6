"""The shipped digit classifier as a differentiable function of a generator's images."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from gan_jax.core.errors import InputError
from gan_jax.latent.space import Space
from gan_jax.metrics.classifier import SIDE, MnistCNN, load_classifier


class DigitPrediction(NamedTuple):
    """What the classifier makes of images.

    Attributes:
        features: `[N, 64]`, after their ReLU.
        logits: `[N, 10]`.
    """

    features: jax.Array
    logits: jax.Array

    @property
    def digit(self) -> jax.Array:
        """The most probable digit, int32 `[N]`."""
        return jnp.argmax(self.logits, axis=-1)

    @property
    def confidence(self) -> jax.Array:
        """Its probability, `[N]`, 0.1 to 1."""
        return jnp.max(jax.nn.softmax(self.logits), axis=-1)


def classifier(space: Space) -> Partial:
    """The classifier as a tree of its variables, a function of images to a `DigitPrediction`.

    The images are float `[N, H, W, 1]` in [-1, 1]; another side than 28 is resized as the protocols
    do.

    Raises:
        InputError: If the generator doesn't make digits.
    """
    if space.source.classifier is None:
        why = "has no classifier to read images with"
        raise InputError("config.data.name", space.config.data.name, why)
    return Partial(_read, load_classifier())


def _read(variables: dict, images: jax.Array) -> DigitPrediction:
    scaled = (images + 1) / 2
    if images.shape[1:3] != (SIDE, SIDE):
        scaled = jax.image.resize(scaled, (len(images), SIDE, SIDE, 1), "linear")
    return DigitPrediction(*MnistCNN().apply(variables, scaled))

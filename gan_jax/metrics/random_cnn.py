"""A Frechet distance for any images, grey or in colour, in the features of a random network.

After M. F. Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020
(arXiv:2002.09797), section 4: where images are unlike those that a network was trained on, the
features of a randomly initialised one measure better. Theirs is a VGG-16; this one is small
enough for a CPU.
"""

import functools
import operator
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gan_jax.examples import IMAGE
from gan_jax.metrics.batching import in_batches
from gan_jax.metrics.frechet import Gaussian, frechet_distance

HEADLINE = ("frechet",)
BETTER = {"frechet": "lower"}
SIDE = 32  # pixels; other images are resized
KERNELS = ((5, 5, 3, 32), (3, 3, 32, 64), (3, 3, 64, 64))  # of strides 2: 32 pixels a side to 4
FEATURES = 64
SEED = 0

# On GPU and TPU float32 products default to fewer bits, and the measure would depend on the device.
EXACT = lax.Precision.HIGHEST


@functools.cache
def weights() -> tuple[np.ndarray, ...]:
    """The network's weights, float32: the three of `KERNELS` and a projection `[1024, 64]`.

    Uniform in +-sqrt(6 / inputs) (He et al., 2015, arXiv:1502.01852, equation 10: activations keep
    their size from layer to layer). Uniform, since its numbers are bits and one exact product: no
    machine's logarithm has a say in them.
    """
    rng = np.random.default_rng(SEED)

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        bound = np.sqrt(6 / np.prod(shape[:-1]))
        return (bound * (2 * rng.random(shape) - 1)).astype(np.float32)

    return tuple(draw(shape) for shape in (*KERNELS, (4 * 4 * KERNELS[-1][-1], FEATURES)))


def features(images: jax.Array, given: tuple[jax.Array, ...] | None = None) -> tuple[jax.Array]:
    """Features of images, as `embed`, but traceable and all of them at once.

    Args:
        images: `[N, H, W, C]` uint8.
        given: The network's weights; None: its own as constants.
    """
    hidden = images.astype(jnp.float32) / 127.5 - 1
    if images.shape[1:3] != (SIDE, SIDE):
        hidden = jax.image.resize(hidden, (len(images), SIDE, SIDE, images.shape[-1]), "linear")
    hidden = jnp.broadcast_to(hidden, (*hidden.shape[:3], 3))
    *kernels, projection = weights() if given is None else given
    for kernel in kernels:
        layout = ("NHWC", "HWIO", "NHWC")
        convolved = lax.conv_general_dilated(
            hidden, kernel, (2, 2), "SAME", dimension_numbers=layout, precision=EXACT
        )
        hidden = jax.nn.relu(convolved)
    return (jnp.dot(hidden.reshape(len(images), -1), projection, precision=EXACT),)


_embed_batch = jax.jit(features)  # compiled once a shape


def embed(images: np.ndarray) -> np.ndarray:
    """Features of images, whatever their number.

    Args:
        images: `[N, H, W, C]` uint8, C = 1 or 3; a grey image counts as the colour image that looks
            like it. A side other than 32 is resized, bilinear with antialiasing.

    Returns:
        Features `[N, 64]`, float32.

    Raises:
        ValueError: If the images have another type or shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"takes uint8 [N, H, W, C], C = 1 or 3, got {images.dtype} {list(images.shape)}"
        )
    (found,) = in_batches(functools.partial(_embed_batch, given=weights()), images)
    return found


class FeatureSums(NamedTuple):
    """Features in sums, whose size does not grow with their number.

    Attributes:
        num: How many images.
        total: `[64]`, the sum of their features.
        products: `[64, 64]`, the sum of the features' outer products with themselves.
    """

    num: int
    total: np.ndarray
    products: np.ndarray

    def __add__(self, other: "FeatureSums") -> "FeatureSums":
        """The sums of both."""
        return FeatureSums(*map(operator.add, self, other))


def statistics(found: np.ndarray) -> FeatureSums:
    """The sums of one batch of features `[N, 64]`."""
    found = np.asarray(found, np.float64)
    return FeatureSums(len(found), found.sum(axis=0), found.T @ found)


def gaussian(batches: Iterable[np.ndarray]) -> Gaussian:
    """Mean and covariance of the features of images in batches `[N, H, W, C]`, two at least."""
    return Gaussian.of_sums(*_sums(batches))


def _sums(batches: Iterable[np.ndarray]) -> FeatureSums:
    return functools.reduce(operator.add, (statistics(embed(batch)) for batch in batches))


def bounds(density) -> dict[str, tuple[float, float]]:
    """Least and largest possible values of these measures."""
    del density
    return {"frechet": (0, np.inf)}


def incompatibility(dataset) -> str:
    """Why these measurements can't be made on a data set, or an empty string."""
    if dataset.kind is IMAGE and dataset.shape[-1] in (1, 3):
        return ""
    return f"measures images of 1 or 3 channels, but {dataset.name} has {list(dataset.shape)}"


def reference(dataset) -> Gaussian:
    """The data's test images."""
    return gaussian([dataset.test])


def held_out(dataset) -> np.ndarray:
    """Real images that the reference doesn't contain: the training images."""
    return dataset.train


def measure(batches: Iterable[np.ndarray], reference: Gaussian) -> dict[str, float]:
    """How far generated images are from real ones.

    A random network sees brightness, colours, edges, noise and blur, where in the image they are
    and how they vary together. That shows a collapse and follows a run, but it is a measure of
    texture and place: the network has learned no objects. Of MNIST, against 2,500 digits, where as
    many others score 0.15: 100 digits again and again 2.0, digits of one class alone 5 to 11,
    deviations of 20 in 255 in each pixel 0.5, images shrunk to half the size and back 3.7; but all
    ones left out 0.28 and all fives 0.24, hardly above the floor, and the upper half of one digit
    over the lower of another 1.0, no more than digits moved by a single pixel. Where a classifier
    of the objects is at hand (`mnist_cnn_10k`) it sees dropped classes ten times as clearly.
    Compare runs on the same data alone: more colour or contrast in the data makes distances larger.

    Args:
        batches: Generated images, `[N, H, W, C]` uint8 each, C = 1 or 3.
        reference: The features of the real images to compare with.

    Returns:
        `frechet`: 0 is equal; its unit is the random network's, so read it beside the floor.
    """
    return numbers(_sums(batches), reference)


def numbers(statistics: FeatureSums, reference: Gaussian) -> dict[str, float]:
    """The numbers of `measure`."""
    generated = Gaussian.of_sums(*statistics)
    return {"frechet": frechet_distance(real=reference, generated=generated)}

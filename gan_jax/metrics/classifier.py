"""The digit classifier whose features and probabilities the image protocols measure with.

It ships with the package as `mnist_cnn.npz`, so that a distance measured on one machine means the
same on another. `experiments/train_classifier.py` wrote that file.
"""

import functools
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict

from gan_jax.metrics.batching import in_batches

WEIGHTS = Path(__file__).with_name("mnist_cnn.npz")
SIDE = 28  # pixels
CLASSES = 10
FEATURES = 64
PARAMS = "params/"  # what the names of parameters start with in the file

# (channels, kernel, stride). Strides, no pooling: on a CPU the gradient of max-pooling costs
# more than the convolutions around it.
LAYERS = ((32, 5, 2), (48, 3, 2), (64, 3, 1), (64, 3, 2))

# On GPU and TPU float32 products default to fewer bits, and the measure would depend on the device.
EXACT = jax.lax.Precision.HIGHEST


class MnistCNN(nn.Module):
    """Four convolutions and two dense layers, ReLU between them; about 146,000 parameters.

    Attributes:
        dropout: Share of the features dropped in training, in [0, 1).
    """

    dropout: float = 0.0

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool = False) -> tuple[jax.Array, jax.Array]:
        """Return the features and the logits of images.

        Args:
            images: `[B, 28, 28, 1]` float32 in [0, 1].
            train: Whether to drop features (needs a `dropout` key).

        Returns:
            Features `[B, 64]` (after the ReLU, none below zero) and logits `[B, 10]`.
        """
        hidden = images
        for channels, kernel, stride in LAYERS:
            hidden = nn.relu(
                nn.Conv(channels, (kernel, kernel), (stride, stride), precision=EXACT)(hidden)
            )
        hidden = hidden.reshape(hidden.shape[0], -1)
        features = nn.relu(nn.Dense(FEATURES, precision=EXACT)(hidden))
        dropped = nn.Dropout(self.dropout, deterministic=not train)(features)
        return features, nn.Dense(CLASSES, precision=EXACT)(dropped)


@functools.cache
def shipped_arrays() -> dict[str, np.ndarray]:
    """The arrays of the shipped file by name; read once a process.

    `params/...` are the parameters (float16), `reference/...` describes the 10,000 MNIST test
    images in the classifier's features (see `images.Reference`), `test_accuracy` is its share of
    right answers on them.
    """
    with np.load(WEIGHTS, allow_pickle=False) as file:
        return dict(file)


@functools.cache
def load_classifier() -> dict:
    """The shipped classifier's variables, for `MnistCNN().apply`; float32."""
    arrays = {name: one for name, one in shipped_arrays().items() if name.startswith(PARAMS)}
    with jax.ensure_compile_time_eval():  # not of the trace, if any, that asks first
        given = {name: jnp.asarray(array, jnp.float32) for name, array in arrays.items()}
    return unflatten_dict(given, sep="/")


def features(images: jax.Array, variables: dict | None = None) -> tuple[jax.Array, jax.Array]:
    """What the classifier makes of images, as `embed`, but traceable and all of them at once."""
    variables = load_classifier() if variables is None else variables
    scaled = images.astype(jnp.float32) / 255.0
    if images.shape[1:3] != (SIDE, SIDE):
        scaled = jax.image.resize(scaled, (len(images), SIDE, SIDE, 1), "linear")
    found, logits = MnistCNN().apply(variables, scaled)
    return found, nn.softmax(logits)


_embed_batch = jax.jit(features)  # compiled once a shape


def embed(images: np.ndarray, variables: dict | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What the classifier makes of images, whatever their number.

    Args:
        images: `[N, H, W, 1]` uint8; a side other than 28 is resized, bilinear with antialiasing.
        variables: Another classifier's variables; None is the shipped one.

    Returns:
        Features `[N, 64]` and class probabilities `[N, 10]`, both float32.

    Raises:
        ValueError: If the images have another type or shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 1:
        raise ValueError(
            f"the classifier takes uint8 [N, H, W, 1], got {images.dtype} {list(images.shape)}"
        )
    variables = load_classifier() if variables is None else variables
    return in_batches(functools.partial(_embed_batch, variables=variables), images)


def share_as_asked(images: np.ndarray, labels: np.ndarray) -> float:
    """The share in [0, 1] of images that the classifier takes for the digit asked for.

    Of real test digits it is 0.9955.

    Args:
        images: `[N, H, W, 1]` uint8.
        labels: int `[N]`, the digits.
    """
    _, probabilities = embed(images)
    return float(np.mean(np.argmax(probabilities, axis=1) == labels))

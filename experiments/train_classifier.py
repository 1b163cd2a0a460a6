"""Train the digit classifier that the image protocols measure with, and write its file.

    python -m experiments.train_classifier --raw_dir=<folder of the four MNIST *-ubyte.gz files>

A fixed budget on the 60,000 training images; the 10,000 test images are looked at once, at the end.
About 9 minutes on one CPU core. The shipped file came out at 99.55 %; below 99.2 % none is written.
Distances measured with another file don't compare: after a change, give the protocols new names.
"""

import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging
from flax.traverse_util import flatten_dict

from configs import base
from gan_jax import data
from gan_jax.metrics.classifier import WEIGHTS, MnistCNN, embed
from gan_jax.metrics.images import Reference

RAW_DIR = flags.DEFINE_string("raw_dir", None, "Folder of MNIST's four gz files.", required=True)
OUTPUT = flags.DEFINE_string("output", str(WEIGHTS), "The file to write.")
EPOCHS = flags.DEFINE_integer("epochs", 20, "Passes over the training images.")

SEED = 0
BATCH = 256  # images
DROPOUT = 0.3  # share of the features
PEAK_RATE = 3e-3  # learning rate after the warm-up, from where it falls to zero along a cosine
WEIGHT_DECAY = 1e-3  # decoupled, a step's share of the learning rate
AVERAGE = 0.998  # decay a step of the parameters' moving average, which is what ships
ROTATION, SCALE, SHEAR, SHIFT = 0.2, 0.1, 0.2, 2.0  # largest: radians, share, share, pixels
ACCURACY = 0.992  # the least that may ship, share of the test images

MODEL = MnistCNN(dropout=DROPOUT)


def distort(key: jax.Array, images: jax.Array) -> jax.Array:
    """Each image turned, scaled, sheared and shifted at random, bilinear, black outside.

    Args:
        key: Fixes the distortions.
        images: `[B, H, W, 1]` float.
    """
    amounts = jax.random.uniform(key, (len(images), 6), minval=-1.0, maxval=1.0)
    rows, columns = images.shape[1:3]
    centre = jnp.array([(rows - 1) / 2, (columns - 1) / 2])[:, None, None]
    grid = jnp.stack(jnp.meshgrid(jnp.arange(rows), jnp.arange(columns), indexing="ij")) - centre

    def one(image, amount):
        turn, grow, stretch, shear = amount[:4] * jnp.array([ROTATION, SCALE, SCALE, SHEAR])
        rotation = jnp.array([[jnp.cos(turn), -jnp.sin(turn)], [jnp.sin(turn), jnp.cos(turn)]])
        matrix = rotation @ jnp.array([[1 + grow, shear], [0.0, 1 + stretch]])
        shift = SHIFT * amount[4:, None, None]
        source = jnp.einsum("ij,jhw->ihw", matrix, grid) + centre + shift
        return jax.scipy.ndimage.map_coordinates(image, source, order=1)

    return jax.vmap(one)(images[..., 0], amounts)[..., None]


def optimizer(steps: int) -> optax.GradientTransformation:
    """Adam with decoupled weight decay, a short warm-up and a cosine to zero."""
    rate = optax.warmup_cosine_decay_schedule(0.0, PEAK_RATE, steps // 20, steps)
    return optax.adamw(rate, weight_decay=WEIGHT_DECAY)


@functools.partial(jax.jit, static_argnames="optimize")
def update(variables, average, state, key, images, labels, *, optimize):
    """One step on `[B, 28, 28, 1]` uint8 images; returns (variables, average, state, loss)."""
    distort_key, dropout_key = jax.random.split(key)
    inputs = distort(distort_key, images.astype(jnp.float32) / 255.0)

    def loss_of(variables):
        _, logits = MODEL.apply(variables, inputs, train=True, rngs={"dropout": dropout_key})
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    loss, gradient = jax.value_and_grad(loss_of)(variables)
    updates, state = optimize.update(gradient, state, variables)
    variables = optax.apply_updates(variables, updates)
    average = optax.incremental_update(variables, average, 1.0 - AVERAGE)
    return variables, average, state, loss


def train(images: np.ndarray, labels: np.ndarray, epochs: int) -> dict:
    """The averaged variables after `epochs` passes, rounded to the float16 that is stored."""
    root = jax.random.key(SEED)
    order = np.random.default_rng(SEED)
    variables = average = MODEL.init(root, jnp.zeros((1, *images.shape[1:])))
    steps_per_epoch = len(images) // BATCH
    optimize = optimizer(epochs * steps_per_epoch)
    state = optimize.init(variables)
    started = time.monotonic()
    for epoch in range(epochs):
        batches = order.permutation(len(images))[: steps_per_epoch * BATCH]
        for index, rows in enumerate(batches.reshape(-1, BATCH)):
            key = jax.random.fold_in(root, epoch * steps_per_epoch + index)
            variables, average, state, loss = update(
                variables, average, state, key, images[rows], labels[rows], optimize=optimize
            )
        seconds = time.monotonic() - started
        logging.info("epoch %d of %d: loss %.4f, %.0f s", epoch + 1, epochs, loss, seconds)
    return jax.tree.map(lambda array: np.asarray(array, np.float16), average)


def main(_):
    """Train, measure on the test images, write."""
    config = base.get_config().data
    config.source, config.raw_dir = "raw", RAW_DIR.value
    mnist = data.load(config)
    stored = train(mnist.train, mnist.train_conditions["label"], EPOCHS.value)
    variables = jax.tree.map(lambda array: array.astype(np.float32), stored)
    _, probabilities = embed(mnist.test, variables)
    accuracy = np.mean(probabilities.argmax(axis=1) == mnist.test_conditions["label"])
    logging.info("accuracy on %d test images: %.4f", len(mnist.test), accuracy)
    if accuracy < ACCURACY:
        raise SystemExit(f"accuracy {accuracy:.4f} is below {ACCURACY}: nothing written")
    reference = Reference.fit(mnist.test, variables)
    np.savez_compressed(
        OUTPUT.value,
        **flatten_dict(stored, sep="/"),
        **{
            "reference/mean": reference.gaussian.mean,
            "reference/covariance": reference.gaussian.covariance,
            "reference/counts": reference.counts,
            "test_accuracy": accuracy,
        },
    )


if __name__ == "__main__":
    app.run(main)

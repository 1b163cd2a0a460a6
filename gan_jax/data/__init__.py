"""What the GAN imitates: `load` gives any of `DATASETS`."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from absl import logging
from ml_collections import ConfigDict

from gan_jax.core.errors import choose
from gan_jax.data import images, mixtures, stacked
from gan_jax.data.dataset import Dataset, DataSpec
from gan_jax.data.mixtures import MIXTURES, Mixture
from gan_jax.data.raw_sets import RAW_SETS
from gan_jax.examples import IMAGE, POINT, ExampleKind

__all__ = ["DATASETS", "DataSource", "DataSpec", "Dataset", "load"]


class DataSource(NamedTuple):
    """A data set before it is read.

    Attributes:
        read: From `config.data` to the data set.
        kind: What an example is.
        shape: From `config.data` to the shape of one.
        density: The distribution itself where it is known, or None.
        classifier: The shipped classifier that knows the labels, or None.
    """

    read: Callable[[ConfigDict], Dataset]
    kind: ExampleKind
    shape: Callable[[ConfigDict], tuple[int, ...]]
    density: Mixture | None = None
    classifier: str | None = None


def _images(config: ConfigDict, name: str | None = None) -> Dataset:
    return images.load(
        name or config.name,
        config.source,
        data_dir=config.data_dir,
        raw_dir=config.raw_dir,
        image_size=config.image_size,
    )


def _stacked_mnist(config: ConfigDict) -> Dataset:
    return stacked.stack(_images(config, "mnist"))


def _mixture(config: ConfigDict) -> Dataset:
    return mixtures.load(config.name, config.source)


def _image_shape(config: ConfigDict) -> tuple[int, ...]:
    return (config.image_size, config.image_size, RAW_SETS[config.name].shape[-1])


def _stacked_shape(config: ConfigDict) -> tuple[int, ...]:
    return (config.image_size, config.image_size, stacked.DIGITS)


def _point_shape(config: ConfigDict) -> tuple[int, ...]:
    return (MIXTURES[config.name].centres.shape[1],)


DATASETS = {
    **{name: DataSource(_images, IMAGE, _image_shape) for name in RAW_SETS},
    "mnist": DataSource(_images, IMAGE, _image_shape, classifier="mnist_cnn"),
    stacked.NAME: DataSource(_stacked_mnist, IMAGE, _stacked_shape),
    **{
        name: DataSource(_mixture, POINT, _point_shape, density=of) for name, of in MIXTURES.items()
    },
}


def load(config: ConfigDict) -> Dataset:
    """Reads the data set a config names, and logs which source it came from.

    Args:
        config: `config.data` of `configs/base.py`.

    Raises:
        InputError: If a value can't be used, or the set can't be read.
    """
    source = choose("config.data.name", config.name, DATASETS)
    dataset = dataclasses.replace(source.read(config), classifier=source.classifier)
    logging.info("%s", dataset.summary)
    return dataset

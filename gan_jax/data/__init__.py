"""What the GAN imitates: `load` gives any of `DATASETS`."""

from absl import logging
from ml_collections import ConfigDict

from gan_jax.core.errors import choose
from gan_jax.data import images, mixtures
from gan_jax.data.dataset import Dataset
from gan_jax.data.mixtures import MIXTURES
from gan_jax.data.raw_sets import RAW_SETS

__all__ = ["DATASETS", "MIXTURES", "Dataset", "load"]


def _images(config: ConfigDict) -> Dataset:
    return images.load(
        config.name,
        config.source,
        data_dir=config.data_dir,
        raw_dir=config.raw_dir,
        image_size=config.image_size,
    )


def _mixture(config: ConfigDict) -> Dataset:
    return mixtures.load(config.name, config.source)


DATASETS = {**dict.fromkeys(RAW_SETS, _images), **dict.fromkeys(MIXTURES, _mixture)}


def load(config: ConfigDict) -> Dataset:
    """Reads the data set a config names, and logs which source it came from.

    Args:
        config: `config.data` of `configs/base.py`.

    Raises:
        InputError: If a value can't be used, or the set can't be read.
    """
    dataset = choose("config.data.name", config.name, DATASETS)(config)
    logging.info("%s", dataset.summary)
    return dataset

"""Image sets: which source to read, and at which size."""

import dataclasses

import numpy as np
from absl import logging
from PIL import Image

from gan_jax.core.errors import InputError, choose
from gan_jax.data import embedded, prepared, raw_sets
from gan_jax.data.dataset import Dataset

SMALLEST = 4  # pixels a side


def load(name: str, source: str, *, data_dir: str, raw_dir: str, image_size: int) -> Dataset:
    """Reads an image set.

    Args:
        name: One of `raw_sets.RAW_SETS`.
        source: One of `SOURCES`. All but "auto" use that one or fail.
        data_dir: TFDS's folder of prepared sets.
        raw_dir: Folder of the published files, or empty.
        image_size: Pixels a side.

    Raises:
        InputError: If a value can't be used, or the source doesn't hold the set.
    """
    read = choose("config.data.source", source, SOURCES)
    if image_size < SMALLEST:
        raise InputError("config.data.image_size", image_size, f"must be {SMALLEST} or more")
    dataset = read(name, data_dir, raw_dir)
    if dataset.shape[:2] == (image_size, image_size):
        return dataset
    return dataclasses.replace(
        dataset, train=resize(dataset.train, image_size), test=resize(dataset.test, image_size)
    )


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Resizes bilinearly, averaging over what an output pixel covers when it shrinks.

    Args:
        images: uint8 [N, height, width, C]; channels are resized one by one.
        size: Pixels a side.

    Returns:
        uint8 [N, size, size, C].
    """
    count, height, width, channels = images.shape
    planes = images.transpose(0, 3, 1, 2).reshape(count * channels, height, width)
    across = _resize_widths(planes, size)
    resized = _resize_widths(across.swapaxes(1, 2), size).swapaxes(1, 2)
    resized = resized.reshape(count, channels, size, size).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(resized)


def _resize_widths(images: np.ndarray, size: int) -> np.ndarray:
    """[N, height, width] to [N, height, size].

    The images go through Pillow stacked into one tall image, each row of which is resized by
    itself: equal to one call an image, in a fraction of the time.
    """
    count, height, width = images.shape
    tall = Image.fromarray(images.reshape(count * height, width))
    resized = tall.resize((size, count * height), Image.Resampling.BILINEAR)
    return np.asarray(resized).reshape(count, height, size)


def _auto(name: str, data_dir: str, raw_dir: str) -> Dataset:
    """The best there is: a prepared set, raw files, a download, and last an embedded set."""
    if prepared.find(name, data_dir):
        if raw_dir:
            logging.warning("data: config.data.raw_dir=%s not read, %s is prepared", raw_dir, name)
        return prepared.load(name, data_dir)
    if raw_dir:  # and if it's no good, the user must know: no other source stands in for it
        return raw_sets.load(name, raw_dir)
    try:
        prepared.prepare(name, data_dir)
        return prepared.load(name, data_dir)
    except InputError as error:
        if name not in embedded.EMBEDDED:
            raise
        logging.warning("data: NOT the full %s but the embedded set: %s", name, error)
    return embedded.load(name)


SOURCES = {  # each takes (name, data_dir, raw_dir)
    "auto": _auto,
    "tfds": lambda name, data_dir, raw_dir: prepared.load(name, data_dir),
    "raw": lambda name, data_dir, raw_dir: raw_sets.load(name, raw_dir),
    "embedded": lambda name, data_dir, raw_dir: embedded.load(name),
}

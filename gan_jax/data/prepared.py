"""Prepared sets: files TFDS has written once (array_record), read without TensorFlow."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
from absl import logging
from PIL import Image

from gan_jax.core.errors import InputError
from gan_jax.data import reach
from gan_jax.data.dataset import Conditions, Dataset
from gan_jax.data.raw_sets import RAW_SETS
from gan_jax.examples import IMAGE

KEY = "config.data.data_dir"
VERSION = re.compile(r"\d+\.\d+\.\d+")


def find(name: str, data_dir: str) -> Path | None:
    """Returns the folder of the newest version that can be read, None if there is none.

    Args:
        name: The set's name on disk.
        data_dir: TFDS's folder; `~` is expanded.
    """
    shards = Path(data_dir).expanduser().glob(f"{name}/*/{name}-train.array_record-*")
    # What TFDS was writing when it was stopped goes by other names: incomplete.ABC_3.0.1.
    folders = {shard.parent for shard in shards if VERSION.fullmatch(shard.parent.name)}
    return max(folders, key=lambda folder: [int(n) for n in folder.name.split(".")], default=None)


def load(name: str, data_dir: str) -> Dataset:
    """Reads a prepared set, whatever its version and whoever prepared it.

    Args:
        name: The set's name on disk.
        data_dir: TFDS's folder; `~` is expanded.

    Raises:
        InputError: If there is none, or it can't be read.
    """
    folder = find(name, data_dir)
    if folder is None:
        command = f"python -m gan_jax.data.prepare --name={name} --data_dir={data_dir}"
        raise InputError(KEY, data_dir, f"holds no {name} prepared as array_record, run: {command}")
    try:
        train, train_conditions = _read_split(folder, "train")
        test, test_conditions = _read_split(folder, "test")
    except Exception as error:  # TFDS, array_record and Pillow raise a dozen kinds
        why = f"{folder} can't be read ({type(error).__name__}), delete it and prepare it again"
        raise InputError(KEY, data_dir, why) from error
    origin = f"the prepared set in {folder}"
    return Dataset(name, "tfds", IMAGE, train, test, train_conditions, test_conditions, origin)


def _read_split(folder: Path, split: str) -> tuple[np.ndarray, Conditions]:
    import tensorflow_datasets as tfds

    name, version = folder.parts[-2:]
    source = tfds.data_source(
        f"{name}:{version}",
        split=split,
        data_dir=folder.parents[1],
        download=False,
        # TFDS would warn that Pillow, which it would use, is not OpenCV.
        decoders={"image": tfds.decode.SkipDecoding()},
    )
    # All at once: record by record takes three times as long.
    examples = source.__getitems__(range(len(source)))
    images = np.stack([np.asarray(Image.open(io.BytesIO(one["image"]))) for one in examples])
    labels = np.array([one["label"] for one in examples], np.int32)
    # A grey PNG has no axis of channels.
    return images.reshape(*images.shape[:3], -1), {"label": labels}


def prepare(name: str, data_dir: str, raw_dir: str = "") -> Path:
    """Writes a set to TFDS's folder, unless it is there already.

    Args:
        name: One of `RAW_SETS`.
        data_dir: TFDS's folder; `~` is expanded.
        raw_dir: Folder of the published files. Empty: download them.

    Returns:
        The folder of the set, such as `data_dir/mnist/3.0.1`.

    Raises:
        InputError: If the files can't be had, or the set can't be written.
    """
    if folder := find(name, data_dir):
        return folder
    if not raw_dir:
        _check_network(name)
    import tensorflow_datasets as tfds

    from gan_jax.data.builder import RawBuilder

    builder = RawBuilder(name, data_dir=Path(data_dir).expanduser(), raw_dir=raw_dir)
    if builder.data_path.exists():
        why = f"{builder.data_path} is in a format that needs TensorFlow, choose another folder"
        raise InputError(KEY, data_dir, why)
    logging.info("data: preparing %s in %s, once", name, builder.data_path)
    settings = tfds.download.DownloadConfig(
        register_checksums=False, force_checksums_validation=True, try_download_gcs=False
    )
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints a banner
            builder.download_and_prepare(file_format="array_record", download_config=settings)
    except InputError:
        raise
    except Exception as error:  # the network, the disk: TFDS raises a dozen kinds
        if folder := find(name, data_dir):  # another process, a trial of the sweep, was first
            return folder
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(KEY, data_dir, f"can't prepare {name} there: {reason}") from error
    return builder.data_path


def _check_network(name: str) -> None:
    wanted = RAW_SETS[name]
    try:
        reach.probe(next(iter(wanted.urls.values())))
    except ConnectionError as error:
        place = f"set it to the folder of {wanted.needed}"
        why = f"empty, but {name} can't be downloaded ({error}): {place}"
        raise InputError("config.data.raw_dir", "", why) from error

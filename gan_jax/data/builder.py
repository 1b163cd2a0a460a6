"""A TFDS builder for the raw sets that needs no TensorFlow, neither to prepare nor to read.

TFDS's own builders import it to encode images and to open files. What this one writes is laid out
as theirs is (`mnist/3.0.1`), so that each side reads the other's array_record files.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from gan_jax.data.raw_sets import RAW_SETS


# Unregistered, because TFDS has builders of the same names and refuses a second one.
class RawBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Writes one of `RAW_SETS`, from a folder of its files or through TFDS's download manager."""

    def __init__(self, name: str, *, data_dir: Path, raw_dir: str = ""):
        """Describes the set; nothing is read or written yet.

        Args:
            name: One of `RAW_SETS`, and the folder's name on disk.
            data_dir: TFDS's folder, to write to.
            raw_dir: Folder of the published files. Empty: download them.
        """
        self.name = name
        self._set = RAW_SETS[name]
        self.VERSION = tfds.core.Version(self._set.version)
        self._raw_dir = raw_dir
        super().__init__(data_dir=data_dir)

    @property
    def url_infos(self) -> dict[str, tfds.download.checksums.UrlInfo]:
        """Size and checksum of each file by address: the download manager accepts no other."""
        return {
            self._set.urls[key]: tfds.download.checksums.UrlInfo(
                tfds.core.utils.Size(file.size), file.sha256, self._set.names[key]
            )
            for key, file in self._set.files.items()
        }

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=self._set.shape),
            "label": tfds.features.ClassLabel(names=self._set.classes),
        }
        if self._set.numbered:
            features["id"] = tfds.features.Text()
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"{self.name}, from its published files.",
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "label"),
            homepage=self._set.url,
            disable_shuffling=True,  # the files' order, so that both sources give one fingerprint
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
        if self._raw_dir:
            parts = self._set.read_folder(self._raw_dir)
        else:
            parts = self._set.read(dl_manager.download(self._set.urls))
        return {
            split: self._generate_examples(split, parts[split], parts[f"{split}_labels"])
            for split in ("train", "test")
        }

    def _generate_examples(
        self, split: str, images: np.ndarray, labels: np.ndarray
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        grey = images.shape[-1] == 1
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            # The feature passes a file object's bytes on as they are; an array it would hand to
            # TensorFlow to encode.
            png = io.BytesIO()
            Image.fromarray(image.squeeze(axis=-1) if grey else image).save(png, "png")
            png.seek(0)
            name = {"id": f"{split}_{index:05d}"} if self._set.numbered else {}
            yield index, {"image": png, "label": int(label), **name}

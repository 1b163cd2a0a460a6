"""CIFAR-10's binary version (A. Krizhevsky, Learning multiple layers of features from tiny images,
2009): six files of records under tar and gzip, a record being a label and the image's bytes."""

import dataclasses
import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from gan_jax.data import gz
from gan_jax.data.raw_set import File, RawSet

SHAPE = (32, 32, 3)
RECORD = 1 + 32 * 32 * 3  # bytes
FOLDER = "cifar-10-batches-bin"  # in the archive
MEMBERS = {  # the files in it, by split
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}


@dataclasses.dataclass(frozen=True)
class CifarSet(RawSet):
    """CIFAR-10 in one archive, or in the folder that it unpacks to.

    The archive is known by its checksum. For the unpacked files none is published: their lengths
    and labels are all that is checked of them.

    Attributes:
        records: Examples in each of the six files.
    """

    records: int = 10_000

    names: ClassVar[Mapping[str, str]] = {"archive": "cifar-10-binary.tar.gz"}
    needed = "cifar-10-binary.tar.gz, or of the six *.bin files in it"
    shape = SHAPE
    version = "3.0.2"
    numbered = True

    def find(self, folder: Path) -> dict[str, Path]:
        """The archive's path, or that of the folder with the files it unpacks to."""
        archive = folder / self.names["archive"]
        if archive.exists():
            return {"archive": archive}
        for unpacked in (folder / FOLDER, folder):
            if any(unpacked.glob("*.bin")):
                return {"archive": unpacked}
        return {"archive": archive}

    def decode(self, key: str, path: Path) -> dict[str, np.ndarray]:
        """Reads the archive or the unpacked files; see `RawSet.decode`."""
        if path.is_dir():
            return self._parts(lambda name: (path / name).read_bytes())
        return gz.read(path, self._unpack, sha256=self.files[key].sha256)

    def _unpack(self, data: bytes) -> dict[str, np.ndarray]:
        try:
            with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
                return self._parts(lambda name: _member(archive, f"{FOLDER}/{name}"))
        except tarfile.TarError as error:
            raise ValueError(f"is not a tar file, or a damaged one ({error})") from None

    def _parts(self, content: Callable[[str], bytes]) -> dict[str, np.ndarray]:
        """The set's four parts, from a function of a file's name to its bytes."""
        parts = {}
        for split, names in MEMBERS.items():
            found = [self._records(name, content) for name in names]
            parts[split], parts[f"{split}_labels"] = map(np.concatenate, zip(*found, strict=True))
        return parts

    def _records(self, name: str, content: Callable[[str], bytes]) -> tuple[np.ndarray, np.ndarray]:
        try:
            return parse(content(name), self.records, len(self.classes))
        except (FileNotFoundError, KeyError):
            raise ValueError(f"holds no {name}") from None
        except ValueError as error:
            raise ValueError(f"holds a {name} that {error}") from None


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    with archive.extractfile(name) as file:
        return file.read()


def parse(data: bytes, records: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Decodes one file; see https://www.cs.toronto.edu/~kriz/cifar.html for the format.

    Args:
        data: Records of a label's byte and 3072 of the image: all of its red, then green, then
            blue, each row by row from the top.
        records: How many there must be.
        classes: Labels must be less.

    Returns:
        uint8 images [records, 32, 32, 3] and int32 labels [records].

    Raises:
        ValueError: If there are more or fewer bytes, or a label is none.
    """
    surplus = len(data) - records * RECORD
    if surplus < 0:
        raise ValueError(f"is truncated at {len(data)} bytes of {records * RECORD}")
    if surplus > 0:
        raise ValueError(f"is {surplus} bytes too long for {records} records")
    table = np.frombuffer(data, np.uint8).reshape(records, RECORD)
    labels = table[:, 0].astype(np.int32)
    if labels.max() >= classes:
        wrong = int(np.argmax(labels >= classes))
        why = f"has label {labels[wrong]} in record {wrong}, not one of 0 to {classes - 1}"
        raise ValueError(why)
    height, width, channels = SHAPE
    images = table[:, 1:].reshape(records, channels, height, width).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


CIFAR_SETS = {
    "cifar10": CifarSet(
        url="https://www.cs.toronto.edu/~kriz/",
        # Published with MD5 c32a1d4ab5d03f1284b67883e8d87530; size and SHA-256 are TFDS's.
        files={
            "archive": File(
                170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
            )
        },
        classes=(
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ),
    )
}

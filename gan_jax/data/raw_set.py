"""What the image sets have in common that come as published files."""

import abc
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from gan_jax.core.errors import InputError


class File(NamedTuple):
    """What a published file must be: its size in bytes and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class RawSet(abc.ABC):
    """One set of published files. A format is a subclass.

    Attributes:
        url: Folder that holds the files, ending in a slash.
        files: Each file's size and checksum, by key.
        classes: Names of the labels 0, 1, ...
        names: Each file's name, by key; the same in every set of a format.
        needed: The files in words, as a user has to be told.
        shape: (height, width, channels) of an image.
        version: Of TFDS's builder of these sets, as whose its prepared ones are laid out.
        numbered: Whether that builder gives each example an id.
    """

    url: str
    files: Mapping[str, File]
    classes: tuple[str, ...]

    names: ClassVar[Mapping[str, str]]
    needed: ClassVar[str]
    shape: ClassVar[tuple[int, int, int]]
    version: ClassVar[str]
    numbered: ClassVar[bool] = False

    @abc.abstractmethod
    def decode(self, key: str, path: Path) -> dict[str, np.ndarray]:
        """Reads and checks one file.

        Args:
            key: Which one, of `names`.
            path: The file, or a folder where `find` gives one.

        Returns:
            What it has of "train", "test": uint8 images [N, *shape] in [0, 255], and of
            "train_labels", "test_labels": int32 [N].

        Raises:
            ValueError: If it isn't what it should be; the message reads on from the file's name.
            OSError: If it can't be read at all.
        """

    @property
    def urls(self) -> dict[str, str]:
        """Address of each file, by key."""
        return {key: self.url + name for key, name in self.names.items()}

    def find(self, folder: Path) -> dict[str, Path]:
        """Path of each file in a user's folder, by key; whether it exists or not."""
        return {key: folder / name for key, name in self.names.items()}

    def read(self, paths: Mapping[str, Path]) -> dict[str, np.ndarray]:
        """Reads and checks all files.

        Args:
            paths: Path of each file, by key. A downloaded file may go by another name.

        Returns:
            As `decode`, all four parts.

        Raises:
            ValueError: If a file isn't what it should be; the message is one line.
        """
        parts = {}
        for key, path in paths.items():
            name = f"the unpacked {self.names[key]}" if path.is_dir() else self.names[key]
            try:
                parts |= self.decode(key, path)
            except FileNotFoundError:
                raise ValueError(f"{name} is missing; get it from {self.urls[key]}") from None
            except OSError as error:
                raise ValueError(f"{name} can't be read: {error.strerror}") from None
            except ValueError as error:
                raise ValueError(f"{name} {error}; get it from {self.urls[key]}") from None
        return parts

    def read_folder(self, raw_dir: str) -> dict[str, np.ndarray]:
        """Reads the files from a user's folder.

        Args:
            raw_dir: The folder; `~` is expanded.

        Returns:
            As `read`.

        Raises:
            InputError: If the folder or a file in it can't be used.
        """
        key = "config.data.raw_dir"
        if not raw_dir:
            raise InputError(key, raw_dir, f"empty, set it to the folder of {self.needed}")
        folder = Path(raw_dir).expanduser()
        if not folder.is_dir():
            raise InputError(key, raw_dir, f"no such folder, set it to that of {self.needed}")
        try:
            return self.read(self.find(folder))
        except ValueError as error:
            raise InputError(key, raw_dir, str(error)) from error

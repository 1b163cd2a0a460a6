"""What every source gives: examples to imitate, examples held out, and where they came from."""

import dataclasses
import functools
import hashlib

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in memory: images, or points of a known density.

    Attributes:
        name: As in `config.data.name`: "mnist".
        source: What was really read: "tfds", "raw", "embedded" or "exact".
        train: uint8 images [N, height, width, channels] in [0, 255], or float32 points [N, 2].
        test: Held-out examples of the same shape, [M, ...]; no training example is among them.
        train_labels: int32 [N]: a class, or the mode a point was drawn from. None: unknown.
        test_labels: int32 [M], as `train_labels`.
        origin: The source in words: "the raw files in /data/mnist".
    """

    name: str
    source: str
    train: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    origin: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.train.shape[1:]

    @property
    def is_image(self) -> bool:
        """Whether examples are uint8 images, not points."""
        return self.train.dtype == np.uint8

    @functools.cached_property
    def fingerprint(self) -> str:
        """16 hex digits of SHA-256 over both splits: equal if and only if the examples are.

        The order counts. Labels do not: they come with the examples, from the same files.
        """
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            digest.update(f"{split.dtype.str}{split.shape}".encode())
            digest.update(np.ascontiguousarray(split))
        return digest.hexdigest()[:16]

    @property
    def summary(self) -> str:
        """One line that says what was read from where, to be logged and printed."""
        sizes = f"{len(self.train)} train, {len(self.test)} held out"
        return f"data: {self.name} from {self.origin or self.source}, {sizes}"

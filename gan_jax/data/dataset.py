"""What every source gives: examples to imitate, examples held out, and where they came from."""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gan_jax.examples import ExampleKind

Conditions = Mapping[str, np.ndarray]


class Feature(NamedTuple):
    """Shape and type of one entry of an example's condition."""

    shape: tuple[int, ...]
    dtype: str


class DataSpec(NamedTuple):
    """What a GAN is built for, of its data: all that is known of them once they are gone.

    Attributes:
        name: As in `config.data.name`.
        kind: What an example is.
        shape: Of one example.
        num: Training examples.
        conditions: What is known of every example, by name.
        classes: Classes of the condition "label", 0 where there is none.
    """

    name: str
    kind: ExampleKind
    shape: tuple[int, ...]
    num: int
    conditions: Mapping[str, Feature] = MappingProxyType({})
    classes: int = 0

    def batches_per_epoch(self, batch_size: int) -> int:
        """Whole batches in a pass through the training set."""
        return self.num // batch_size


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in memory.

    Attributes:
        name: As in `config.data.name`: "mnist".
        source: What was really read: "tfds", "raw", "embedded" or "exact".
        kind: What an example is.
        train: Examples [N, ...], of the kind's dtype.
        test: Held-out examples of the same shape, [M, ...]; no training example is among them.
        train_conditions: What is known of the training examples: arrays [N, ...] by name. "label",
            int32 [N], is a class, or the mode that a point was drawn from.
        test_conditions: Arrays [M, ...] of the same names.
        origin: The source in words: "the raw files in /data/mnist".
        density: The distribution itself where it is known, a `mixtures.Mixture`, or None.
        classifier: The shipped classifier that knows the labels, or None.
    """

    name: str
    source: str
    kind: ExampleKind
    train: np.ndarray
    test: np.ndarray
    train_conditions: Conditions = dataclasses.field(default_factory=dict)
    test_conditions: Conditions = dataclasses.field(default_factory=dict)
    origin: str = ""
    density: Any = None
    classifier: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.train.shape[1:]

    @property
    def spec(self) -> DataSpec:
        """What a GAN of these data is built for."""
        features = {
            name: Feature(values.shape[1:], values.dtype.name)
            for name, values in self.train_conditions.items()
        }
        labels = self.train_conditions.get("label")
        classes = 0 if labels is None else int(labels.max()) + 1
        return DataSpec(self.name, self.kind, self.shape, len(self.train), features, classes)

    @functools.cached_property
    def fingerprint(self) -> str:
        """16 hex digits of SHA-256 over both splits: equal if and only if the examples are.

        The order counts. Conditions do not: they come with the examples, from the same files.
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

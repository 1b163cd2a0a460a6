"""Named protocols: what is measured, on how many samples, against what.

A number means nothing without the way it was measured, so the name says it and a run records the
name. A protocol for other data is a module with what `ProtocolKind` lists and a line in
`PROTOCOLS`; another number is a function and a line in a module's `measure`.
"""

import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import jax
import numpy as np

from gan_jax.core.errors import InputError
from gan_jax.metrics import images, manifold, modes, none, random_cnn, stacked


class ProtocolKind(typing.Protocol):
    """What a module of measurements has: `images`, `manifold`, `modes`, `random_cnn`, ..."""

    HEADLINE: tuple[str, ...]  # the numbers of `measure` that matter most, the first above all
    BETTER: typing.Mapping[str, str]  # of each: "higher", "lower", or "one": the nearer to 1

    def bounds(self, density: typing.Any) -> dict[str, tuple[float, float]]:
        """Least and largest possible value of each, for data of a density that may be known."""

    def incompatibility(self, dataset) -> str:
        """Why these measurements can't be made on a data set, or an empty string."""

    def reference(self, dataset) -> typing.Any:
        """What generated samples of this data set are compared with."""

    def held_out(self, dataset) -> np.ndarray:
        """Real samples `[N, ...]` that the reference doesn't contain."""

    def measure(self, batches: Iterable[np.ndarray], reference: typing.Any) -> dict[str, float]:
        """Numbers by name, each finite, for generated samples in batches `[N, ...]`."""

    # The same in parts, for who samples many generators at once:
    def features(self, examples: jax.Array) -> tuple[jax.Array, ...]:
        """What is measured of each of N samples, `[N, ...]` each; traceable."""

    def statistics(self, *features: np.ndarray) -> typing.Any:
        """What is kept of a batch's features; `+` puts those of two batches together."""

    def numbers(self, statistics: typing.Any, reference: typing.Any) -> dict[str, float]:
        """What `measure` gives for all samples, from their statistics."""


@dataclass(frozen=True)
class Protocol:
    """A way to measure, used as `measure(batches, reference(dataset))`.

    Attributes:
        name: What records and configs call it.
        num: How many generated samples it takes. Distances depend on it: compare at equal numbers.
        kind: The module that measures.
    """

    name: str
    num: int
    kind: ProtocolKind

    def reference(self, dataset) -> typing.Any:
        """What to compare samples with; take it once, before training.

        Args:
            dataset: A `gan_jax.data.Dataset`.

        Raises:
            InputError: If this protocol can't measure that data.
        """
        if why := self.kind.incompatibility(dataset):
            raise InputError("config.eval.protocol", self.name, why)
        return self.kind.reference(dataset)

    def measure(self, batches: Iterable[np.ndarray], reference: typing.Any) -> dict[str, float]:
        """The protocol's numbers for exactly `num` generated samples, in batches `[N, ...]`.

        Raises:
            ValueError: If there are more or fewer samples.
        """
        num = 0

        def counted() -> Iterator[np.ndarray]:
            nonlocal num
            for batch in batches:
                num += len(batch)
                yield batch

        numbers = self.kind.measure(counted(), reference)
        if num != self.num:
            raise ValueError(f"{self.name} measures {self.num} samples, got {num}")
        return numbers

    def noise_floor(self, dataset, reference: typing.Any) -> dict[str, float]:
        """What real data score: the best that a generator can hope for.

        Returns:
            The numbers of `measure` for real samples outside the reference, and their `num`: fewer
            than the protocol's where the data has no more, which raises the floor of a distance.
        """
        real = self.kind.held_out(dataset)
        # Some sets are stored sorted by class, so the first `num` would be a few digits.
        rows = np.random.default_rng(0).permutation(len(real))[: self.num]
        return {**self.kind.measure([real[rows]], reference), "num": float(len(rows))}


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("mnist_cnn_10k", num=10_000, kind=images),
        Protocol("mnist_cnn_1k", num=1_000, kind=images),
        Protocol("mnist_cnn_manifold", num=2_500, kind=manifold),
        Protocol("random_cnn_10k", num=10_000, kind=random_cnn),
        Protocol("mixture_2500", num=2_500, kind=modes),
        Protocol("stacked_mnist_25600", num=25_600, kind=stacked),
        Protocol("none", num=2_000, kind=none),
    )
}

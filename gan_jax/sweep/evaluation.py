"""What is measured of trials side by side: of each what a run of its own would measure."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from gan_jax.config.setup import Setup
from gan_jax.core.devices import TrialDevices, bytes_of_program
from gan_jax.data import Dataset
from gan_jax.data.batches import Examples
from gan_jax.examples.condition import LABEL
from gan_jax.game.losses import LOSSES
from gan_jax.metrics.classifier import share_as_asked
from gan_jax.run.evaluation import NUM_CLASSIFIED
from gan_jax.run.sampling import BATCH
from gan_jax.sweep.trial_program import EvaluationIndices, Program, SharedData, TrialState

Row = dict[str, float]


class TrialEvaluator:
    """Measures trials side by side.

    Samples are made batch by batch, of all trials at once, and reduced to their protocol's
    statistics, so memory does not grow with their number. Each trial's are those that a run of its
    own would make. Of small examples the accuracy on held-out ones is that of the diagnostics.

    Args:
        program: What the trials have in common.
        devices: Where they are.
        dataset: Their data.
        shared: The same on those devices.
    """

    def __init__(
        self, program: Program, devices: TrialDevices, dataset: Dataset, shared: SharedData
    ):
        setup = program.template
        self._devices, self._shared = devices, shared
        self._protocol = setup.protocol
        self._reference = setup.protocol.reference(dataset)
        self._asked = NUM_CLASSIFIED if setup.game.prior.classes and dataset.classifier else 0
        self._sample = devices.compile(program.sample)
        diagnosed = setup.config.eval.diagnostics or dataset.kind.small
        self._diagnose = devices.compile(program.diagnose if diagnosed else program.count)
        self._classify = devices.compile(program.takes_for_real)
        self._pack = setup.game.preprocessing.pack
        self._held_out = () if dataset.kind.small else _held_out(setup, dataset)
        self._num_held_out = len(dataset.test)

    def __call__(
        self, trials: TrialState, indices: EvaluationIndices, wanted: Sequence[int]
    ) -> Iterator[tuple[int, Row]]:
        """The trials that are wanted, each with what is measured of it.

        Args:
            trials: All of them.
            indices: What each trial's evaluation takes [trials, ...].
            wanted: Their places.
        """
        found = self._diagnose(trials, self._devices.shard(indices), self._shared)
        measured = self._devices.gather(found) | self._accuracy(trials)
        scores, early = self._scores(trials, wanted)
        for trial in wanted:
            row = {name: values[trial].item() for name, values in measured.items()}
            named = {f"{self._protocol.name}/{name}": x for name, x in scores[trial].items()}
            if self._asked:
                x, labels = early[0][trial], early[1][trial]
                named["generator/as_asked"] = share_as_asked(x, labels)
            yield trial, row | named

    def samples(self, trials: TrialState, num: int) -> np.ndarray:
        """The first samples of all trials [trials, num, ...], as data sets hold them."""
        found = [self._devices.gather(each.x) for _, (_, each) in self._batches(trials, num)]
        return _cut(found, num)

    def bytes_needed(self, trials: TrialState, indices: EvaluationIndices) -> int:
        """Bytes that the largest of its programs needs on one device; arguments may be shapes."""
        first = np.int32(0), self._shared.conditions
        classified = [(self._classify, trials, None, one) for one in self._held_out[:1]]
        programs = (
            (self._diagnose, trials, indices, self._shared),
            (self._sample, trials, None, first),
            *classified,
        )
        return max(bytes_of_program(*each) for each in programs)

    def _batches(
        self, trials: TrialState, num: int
    ) -> Iterator[tuple[int, tuple[tuple[jax.Array, ...], Examples]]]:
        """The number of a batch's first sample, what is measured of the samples, and they
        themselves, of all trials [trials, BATCH, ...]."""
        for first in range(0, num, BATCH):
            given = np.int32(first), self._shared.conditions
            yield first, self._sample(trials, None, given)

    def _scores(
        self, trials: TrialState, wanted: Sequence[int]
    ) -> tuple[dict[int, Row], tuple[np.ndarray, np.ndarray] | None]:
        """The protocol's numbers of each trial, and the samples whose class is compared with the
        one asked for, with these classes [trials, N, ...]."""
        kind, num = self._protocol.kind, self._protocol.num
        statistics, early = {}, []
        for first, (features, examples) in self._batches(trials, num):
            host = self._devices.gather(features)
            for trial in wanted:
                own = kind.statistics(*(leaf[trial][: num - first] for leaf in host))
                statistics[trial] = statistics[trial] + own if first else own
            if first < self._asked:
                early.append(self._devices.gather((examples.x, examples.condition[LABEL])))
        scores = {trial: kind.numbers(statistics[trial], self._reference) for trial in wanted}
        return scores, _cut(early, min(num, self._asked)) if early else None

    def _accuracy(self, trials: TrialState) -> dict[str, np.ndarray]:
        """Of all held-out examples, as `run.sampling.make_accuracy` has it; {} where it isn't
        known."""
        if not self._held_out:
            return {}
        answers = [
            self._devices.gather(self._classify(trials, None, part)) for part in self._held_out
        ]
        packs = -(-self._num_held_out // self._pack)
        found = np.concatenate(answers, axis=-1)[..., :packs]
        mean = found.reshape(len(found), -1).mean(axis=1)
        return {"discriminator/accuracy_held_out": mean}


def _cut(batches: Sequence[Any], num: int) -> Any:
    """Batches of trees of arrays [trials, B, ...] as one, of the first `num`."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1)[:, :num], *batches)


def _held_out(setup: Setup, dataset: Dataset) -> Sequence[Examples]:
    """All held-out examples, in batches of one size; none where a logit's meaning is unknown."""
    if setup.config.loss not in LOSSES:
        return ()
    held_out, num = setup.held_out(dataset), len(dataset.test)
    size = BATCH - BATCH % setup.game.preprocessing.pack
    rows = np.arange(num + -num % size) % num
    return [
        jax.tree.map(lambda leaf, part=part: leaf[part], held_out)
        for part in np.split(rows, len(rows) // size)
    ]

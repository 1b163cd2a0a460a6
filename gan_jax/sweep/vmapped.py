"""Trials that differ in numbers only, as one compiled program, mapped over the trials."""

import copy
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax.config.hyperparameters import COUNTS, numbers
from gan_jax.config.setup import Setup, build
from gan_jax.core.devices import TrialDevices
from gan_jax.core.errors import InputError
from gan_jax.data import Dataset
from gan_jax.data.batches import take
from gan_jax.game.schemes import updates_per_round
from gan_jax.run.diagnosis import diagnosed_rows, held_out_rows
from gan_jax.run.rounds import is_single_program
from gan_jax.sweep.trial_program import (
    EvaluationIndices,
    Numbers,
    Program,
    SharedData,
    TrialState,
)
from gan_jax.sweep.trial_schedule import TrialSchedule, steps_per_dispatch

Row = dict[str, float]
Steps = int | np.ndarray
"""How many steps trials have taken: all as many, or int [trials], each its own."""
# Examples of a batch times parameters of both players. On two cores 16 trials in turn took, of
# their time at once, 1.5 (600,000), 0.97 (5 million), 0.84 (18 million) and 0.74 (88 million).
LARGE = 4_000_000
_TYPES = {"seed": np.uint32, **dict.fromkeys(COUNTS, np.int32)}


class VmappedTrials:
    """Trials in training, side by side.

    Args:
        configs: One a trial, all of one `hyperparameters.structure`.
        dataset: Their data.
        later: Configs of trials that may take their places, where those take turns that the first
            ones don't.

    Attributes:
        steps: How many steps the longest trial takes.
        devices: How many devices they are on.

    Raises:
        InputError: If a config can't be used, or not so.
    """

    def __init__(
        self, configs: Sequence[ConfigDict], dataset: Dataset, later: Sequence[ConfigDict] = ()
    ):
        setups = [build(config, dataset) for config in (*configs, *later)]
        template = setups[0]
        self._protocol = template.protocol
        self._reference = self._protocol.reference(dataset)
        self._spec = dataset.spec
        self._by_turns, schedules = _schedules(setups)
        self._steps_per_dispatch = steps_per_dispatch(schedules)
        self._take(setups[: len(configs)])
        program = Program(template, self._by_turns)
        self._devices = TrialDevices(len(configs))
        self.devices = self._devices.count
        self._shared = self._devices.share(_shared(template, dataset))
        self._start = self._devices.compile(program.start)
        self._step = self._devices.compile(program.step, donates=True, in_turn=_is_large(template))
        self._evaluate = self._devices.compile(program.evaluate)

    def with_configs(self, configs: Sequence[ConfigDict]) -> "VmappedTrials":
        """As many trials, each in the place of one of these, by the same compiled programs.

        Args:
            configs: One a trial, all of the same structure as these.
        """
        other = copy.copy(self)
        other._take([build(config, self._spec) for config in configs])
        return other

    def _take(self, setups: Sequence[Setup]) -> None:
        self._numbers = [numbers(setup.config) for setup in setups]
        self._schedules = [_schedule(setup, by_turns=self._by_turns) for setup in setups]
        self.steps = max(schedule.steps for schedule in self._schedules)

    def numbers(self) -> Numbers:
        """The hyperparameters that the program takes, [trials] by flattened name."""
        return {
            name: np.array([table[name] for table in self._numbers], _TYPES.get(name, np.float32))
            for name in self._numbers[0]
        }

    def start(self) -> TrialState:
        """All trials before their first step."""
        return self._start(self._devices.shard(self.numbers()), None, None)

    def step(self, trials: TrialState, first: Steps) -> tuple[TrialState, Steps]:
        """The trials some steps on from step number `first`, and the number of the next."""
        dispatched = range(self._steps_per_dispatch)
        indices = [
            [schedule.indices(one + step) for step in dispatched]
            for schedule, one in self._with(first)
        ]
        trials = self._step(trials, self._devices.shard(np.array(indices)), self._shared)
        return trials, first + len(dispatched)

    def due(self, steps: Steps) -> list[int]:
        """Which trials are to be evaluated after so many steps."""
        return [n for n, (one, own) in enumerate(self._with(steps)) if one.is_due(own)]

    def dues(self, steps: int) -> list[tuple[int, int]]:
        """Which trials have been evaluated by then, and after how many steps each."""
        return [
            (trial, at)
            for trial, schedule in enumerate(self._schedules)
            for at in schedule.evaluation_steps()
            if at <= steps
        ]

    def evaluate(self, trials: TrialState, steps: Steps) -> Iterator[tuple[int, Row]]:
        """Each trial that is due after so many steps, with what is measured of it."""
        each = self._with(steps)
        indices = EvaluationIndices(
            shown=np.array([diagnosed_rows(schedule.batches) for schedule, _ in each]),
            ahead=np.array([schedule.indices(own) for schedule, own in each]),
        )
        found = self._evaluate(trials, self._devices.shard(indices), self._shared)
        measured, samples = self._devices.gather(found)
        for trial in self.due(steps):
            row = {name: values[trial].item() for name, values in measured.items()}
            scores = self._protocol.measure([samples[trial]], self._reference)
            named = {f"{self._protocol.name}/{name}": value for name, value in scores.items()}
            schedule, own = each[trial]
            yield trial, {"step": own // schedule.steps_per_round, **row, **named}

    def to_host(self, trials: TrialState) -> TrialState:
        """The trials as numpy arrays [trials, ...], and `from_host` back."""
        return self._devices.gather(trials)

    def from_host(self, trials: TrialState) -> TrialState:
        """The inverse of `to_host`."""
        return self._devices.shard(trials)

    def _with(self, steps: Steps) -> list[tuple[TrialSchedule, int]]:
        """Each trial's schedule with the steps that it has taken."""
        each = np.broadcast_to(steps, len(self._schedules)).tolist()
        return list(zip(self._schedules, each, strict=True))


def _shared(setup: Setup, dataset: Dataset) -> SharedData:
    held_out, prior = setup.held_out(dataset), setup.game.prior
    rows = held_out_rows(setup.batches, len(held_out.x), setup.game.preprocessing.pack)
    return SharedData(
        training=setup.training(dataset),
        held_out=take(held_out, rows, dataset.kind),
        conditions={name: held_out.condition[name] for name in prior.given},
    )


def _is_large(setup: Setup) -> bool:
    """Whether a trial keeps a device busy by itself.

    Small products of many trials are quicker at once, since each operation of a program has its
    price; large ones one trial after the other, whose parameters then stay in the cache.
    """
    state = jax.eval_shape(setup.initial)
    leaves = jax.tree.leaves([state.generator.params, state.discriminator.params])
    return setup.game.batch_size * sum(leaf.size for leaf in leaves) >= LARGE


def _schedules(setups: Sequence[Setup]) -> tuple[bool, list[TrialSchedule]]:
    """Whether the trials step by turns, and the schedule of each."""
    template = setups[0]
    phases = template.make_round(template.updates)
    by_turns = len({_ratio(setup) for setup in setups}) > 1 or not is_single_program(phases)
    warmup = template.config.schedule.warmup_rounds
    if by_turns and warmup:
        why = "rounds that change can't be trained side by side"
        raise InputError("config.schedule.warmup_rounds", warmup, why)
    return by_turns, [_schedule(setup, by_turns=by_turns) for setup in setups]


def _ratio(setup: Setup) -> tuple[int, int]:
    return updates_per_round(setup.config.schedule, setup.batches.per_epoch)


def _schedule(setup: Setup, *, by_turns: bool) -> TrialSchedule:
    if by_turns:
        k, m = _ratio(setup)
        division = (k + m, k + m * setup.game.generator_takes_reals, 1)
    else:
        division = (1, 1, setup.make_round(setup.updates)[0].batches)
    config = setup.config
    return TrialSchedule(setup.batches, *division, config.eval.every, config.train.steps)

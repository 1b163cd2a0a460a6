"""Trials that differ in numbers only, as one compiled program, mapped over the trials."""

import copy
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax.config.hyperparameters import COUNTS, numbers
from gan_jax.config.setup import Setup, build
from gan_jax.core.devices import TrialDevices, bytes_of_program
from gan_jax.data import Dataset
from gan_jax.data.batches import take
from gan_jax.run.diagnosis import diagnosed_rows, held_out_rows
from gan_jax.sweep.evaluation import Row, TrialEvaluator
from gan_jax.sweep.on_cpu import in_turn, loops_slowly
from gan_jax.sweep.trial_program import (
    EvaluationIndices,
    Numbers,
    Program,
    SharedData,
    TrialState,
)
from gan_jax.sweep.trial_schedule import (
    TrialSchedule,
    schedule_of,
    schedules,
    steps_per_dispatch,
)

Steps = int | np.ndarray
"""How many steps trials have taken: all as many, or int [trials], each its own."""
_TYPES = {"seed": np.uint32, **dict.fromkeys(COUNTS, np.int32)}


class VmappedTrials:
    """Trials in training, side by side.

    Args:
        configs: One a trial, all of one `hyperparameters.structure`.
        dataset: Their data.
        later: Configs of trials that may take their places, where those take turns that the first
            ones don't.
        most_devices: How many devices they are on at most; None: all.

    Attributes:
        steps: How many steps the longest trial takes.
        devices: How many devices they are on.

    Raises:
        InputError: If a config can't be used, or not so.
    """

    def __init__(
        self,
        configs: Sequence[ConfigDict],
        dataset: Dataset,
        later: Sequence[ConfigDict] = (),
        *,
        most_devices: int | None = None,
    ):
        setups = [build(config, dataset) for config in (*configs, *later)]
        template = setups[0]
        self._spec = dataset.spec
        self._by_turns, all_schedules = schedules(setups)
        self._steps_per_dispatch = (
            1 if loops_slowly(template) else steps_per_dispatch(all_schedules)
        )
        self._take(setups[: len(configs)])
        program = Program(template, self._by_turns)
        self._devices = TrialDevices(len(configs), most_devices)
        self.devices = self._devices.count
        self._shared = self._devices.share(_shared(template, dataset))
        self._start = self._devices.compile(program.start)
        self._step = self._devices.compile(program.step, donates=True, in_turn=in_turn(template))
        self._evaluator = TrialEvaluator(program, self._devices, dataset, self._shared)

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
        self._schedules = [schedule_of(setup, by_turns=self._by_turns) for setup in setups]
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
        indices = self._devices.shard(self._step_indices(first))
        return self._step(trials, indices, self._shared), first + self._steps_per_dispatch

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
        each, indices = self._with(steps), self._evaluation_indices(steps)
        for trial, row in self._evaluator(trials, indices, self.due(steps)):
            schedule, own = each[trial]
            yield trial, {"step": own // schedule.steps_per_round, **row}

    def samples(self, trials: TrialState, num: int) -> np.ndarray:
        """The first samples of all trials [trials, num, ...], as data sets hold them."""
        return self._evaluator.samples(trials, num)

    def bytes_needed(self) -> int:
        """Bytes that the largest of the programs needs on a device, all trials' data included.

        They are to be on one device. Nothing is run.
        """
        trials = jax.eval_shape(self._start, self.numbers(), None, None)
        step = bytes_of_program(self._step, trials, self._step_indices(0), self._shared)
        evaluation = self._evaluator.bytes_needed(trials, self._evaluation_indices(0))
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self._shared)) + max(step, evaluation)

    def to_host(self, trials: TrialState) -> TrialState:
        """The trials as numpy arrays [trials, ...], and `from_host` back."""
        return self._devices.gather(trials)

    def from_host(self, trials: TrialState) -> TrialState:
        """The inverse of `to_host`."""
        return self._devices.shard(trials)

    def _step_indices(self, first: Steps) -> np.ndarray:
        steps = range(self._steps_per_dispatch)
        return np.array(
            [
                [schedule.indices(one + step) for step in steps]
                for schedule, one in self._with(first)
            ]
        )

    def _evaluation_indices(self, steps: Steps) -> EvaluationIndices:
        each = self._with(steps)
        return EvaluationIndices(
            shown=np.array([diagnosed_rows(schedule.batches) for schedule, _ in each]),
            ahead=np.array([schedule.indices(own) for schedule, own in each]),
        )

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

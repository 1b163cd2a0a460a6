"""Trials that differ in numbers only, as one compiled program, mapped over the trials."""

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
from gan_jax.sweep.trial_program import EvaluationIndices, Program, SharedData, TrialState
from gan_jax.sweep.trial_schedule import TrialSchedule, steps_per_dispatch

Row = dict[str, float]
# Examples of a batch times parameters of both players. On two cores 16 trials in turn took, of
# their time at once, 1.5 (600,000), 0.97 (5 million), 0.84 (18 million) and 0.74 (88 million).
LARGE = 4_000_000
_TYPES = {"seed": np.uint32, **dict.fromkeys(COUNTS, np.int32)}


class VmappedTrials:
    """Trials in training, side by side.

    Args:
        configs: One a trial, all of one `hyperparameters.structure`.
        dataset: Their data.

    Attributes:
        steps: How many steps the longest trial takes.
        devices: How many devices they are on.
        samples: What each trial generated when it was last evaluated, by place: as many examples as
            a picture shows.

    Raises:
        InputError: If a config can't be used, or not so.
    """

    def __init__(self, configs: Sequence[ConfigDict], dataset: Dataset):
        self._setups = [build(config, dataset) for config in configs]
        template = self._setups[0]
        self.samples: dict[int, np.ndarray] = {}
        self._protocol, self._num_shown = template.protocol, dataset.kind.num_shown
        self._reference = self._protocol.reference(dataset)
        by_turns, self._schedules = _schedules(self._setups)
        self.steps = max(schedule.steps for schedule in self._schedules)
        self._steps_per_dispatch = steps_per_dispatch(self._schedules)
        program = Program(template, by_turns)
        self._devices = TrialDevices(len(configs))
        self.devices = self._devices.count
        self._shared = self._devices.share(_shared(template, dataset))
        self._start = self._devices.compile(program.start)
        self._step = self._devices.compile(program.step, donates=True, in_turn=_is_large(template))
        self._evaluate = self._devices.compile(program.evaluate)

    def start(self) -> TrialState:
        """All trials before their first step."""
        tables = [numbers(setup.config) for setup in self._setups]
        columns = {
            name: np.array([table[name] for table in tables], _TYPES.get(name, np.float32))
            for name in tables[0]
        }
        return self._start(self._devices.shard(columns), None, None)

    def step(self, trials: TrialState, first: int) -> tuple[TrialState, int]:
        """The trials some steps on from step number `first`, and the number of the next."""
        end = first + self._steps_per_dispatch
        indices = [
            [schedule.indices(step) for step in range(first, end)] for schedule in self._schedules
        ]
        return self._step(trials, self._devices.shard(np.array(indices)), self._shared), end

    def due(self, steps: int) -> list[int]:
        """Which trials are to be evaluated after so many steps."""
        return [n for n, schedule in enumerate(self._schedules) if schedule.is_due(steps)]

    def dues(self, steps: int) -> list[tuple[int, int]]:
        """Which trials have been evaluated by then, and after how many steps each."""
        return [
            (trial, at)
            for trial, schedule in enumerate(self._schedules)
            for at in schedule.evaluation_steps()
            if at <= steps
        ]

    def evaluate(self, trials: TrialState, steps: int) -> Iterator[tuple[int, Row]]:
        """Each trial that is due after so many steps, with what is measured of it."""
        indices = EvaluationIndices(
            shown=np.array([diagnosed_rows(schedule.batches) for schedule in self._schedules]),
            ahead=np.array([schedule.indices(steps) for schedule in self._schedules]),
        )
        found = self._evaluate(trials, self._devices.shard(indices), self._shared)
        measured, samples = self._devices.gather(found)
        for trial in self.due(steps):
            row = {name: values[trial].item() for name, values in measured.items()}
            self.samples[trial] = samples[trial][: self._num_shown]
            scores = self._protocol.measure([samples[trial]], self._reference)
            named = {f"{self._protocol.name}/{name}": value for name, value in scores.items()}
            step = steps // self._schedules[trial].steps_per_round
            yield trial, {"step": step, **row, **named}

    def to_host(self, trials: TrialState) -> TrialState:
        """The trials as numpy arrays [trials, ...], and `from_host` back."""
        return self._devices.gather(trials)

    def from_host(self, trials: TrialState) -> TrialState:
        """The inverse of `to_host`."""
        return self._devices.shard(trials)


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
    ratios = [updates_per_round(setup.config.schedule, setup.batches.per_epoch) for setup in setups]
    by_turns = len(set(ratios)) > 1 or not is_single_program(phases)
    warmup = template.config.schedule.warmup_rounds
    if by_turns and warmup:
        why = "rounds that change can't be trained side by side"
        raise InputError("config.schedule.warmup_rounds", warmup, why)
    takes_reals = template.game.generator_takes_reals
    schedules = []
    for setup, (k, m) in zip(setups, ratios, strict=True):
        division = (k + m, k + m * takes_reals, 1) if by_turns else (1, 1, phases[0].batches)
        config = setup.config
        schedules.append(
            TrialSchedule(setup.batches, *division, config.eval.every, config.train.steps)
        )
    return by_turns, schedules

"""Trials that differ in numbers only, as one compiled program: they play side by side."""

from collections.abc import Iterator, Sequence
from functools import partial

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax.config import build
from gan_jax.config.hyperparameters import COUNTS, numbers
from gan_jax.config.rules import loss
from gan_jax.core.devices import TrialDevices, one_device
from gan_jax.core.errors import InputError, choose
from gan_jax.data import Dataset
from gan_jax.data.batches import take
from gan_jax.game.schemes import updates_per_round
from gan_jax.metrics import PROTOCOLS
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
    """Trials in play.

    Args:
        configs: One a trial, all of one `hyperparameters.structure`.
        dataset: Their data.

    Attributes:
        plays: How many plays the longest trial takes.
        devices: How many devices play.

    Raises:
        InputError: If a config can't be used, or not so.
    """

    def __init__(self, configs: Sequence[ConfigDict], dataset: Dataset):
        template, self._configs = configs[0], configs
        self._protocol = choose("config.eval.protocol", template.eval.protocol, PROTOCOLS)
        self._reference = self._protocol.reference(dataset)
        by_turns, self._schedules = _schedules(configs, dataset)
        self.steps = max(schedule.steps * schedule.rounds for schedule in self._schedules)
        self._steps_per_dispatch = steps_per_dispatch(self._schedules)
        held_out, source = build.held_out(template.model, dataset), self._schedules[0].source
        rows = held_out_rows(source, len(held_out.x), template.model.discriminator.pack)
        shared = SharedData(build.training(template.model, dataset), take(held_out, rows))
        per_epoch = source.per_epoch
        program = Program(template, dataset.shape, per_epoch, by_turns, self._protocol.num)
        self._devices = TrialDevices(len(configs))
        self.devices = self._devices.count
        self._shared = self._devices.share(shared)
        self._start = self._devices.compile(program.start)
        self._play = self._devices.compile(
            program.step, donates=True, in_turn=_is_large(template, program)
        )
        self._evaluate = self._devices.compile(program.evaluate)

    def start(self) -> TrialState:
        """All trials before their first play."""
        tables = [numbers(config) for config in self._configs]
        columns = {
            name: np.array([table[name] for table in tables], _TYPES.get(name, np.float32))
            for name in tables[0]
        }
        return self._start(self._devices.shard(columns), None, None)

    def step(self, trials: TrialState, first: int) -> tuple[TrialState, int]:
        """The trials some plays on from play number `first`, and the number of the next."""
        end = first + self._steps_per_dispatch
        indices = [
            [schedule.indices(step) for step in range(first, end)] for schedule in self._schedules
        ]
        return self._play(trials, self._devices.shard(np.array(indices)), self._shared), end

    def due(self, steps: int) -> list[int]:
        """Which trials are to be evaluated after so many plays."""
        return [trial for trial, schedule in enumerate(self._schedules) if schedule.is_due(steps)]

    def dues(self, steps: int) -> list[tuple[int, int]]:
        """Which trials have been evaluated by then, and after how many plays each."""
        return [
            (trial, at)
            for trial, schedule in enumerate(self._schedules)
            for at in schedule.dues()
            if at <= steps
        ]

    def evaluate(self, trials: TrialState, steps: int) -> Iterator[tuple[int, Row]]:
        """Each trial that is due after so many plays, with what is measured of it."""
        indices = EvaluationIndices(
            shown=np.array([diagnosed_rows(schedule.source) for schedule in self._schedules]),
            ahead=np.array([schedule.indices(steps) for schedule in self._schedules]),
        )
        found = self._evaluate(trials, self._devices.shard(indices), self._shared)
        measured, samples = self._devices.gather(found)
        for trial in self.due(steps):
            row = {name: values[trial].item() for name, values in measured.items()}
            scores = self._protocol.measure([samples[trial]], self._reference)
            named = {f"{self._protocol.name}/{name}": value for name, value in scores.items()}
            yield trial, {"step": steps // self._schedules[trial].steps, **row, **named}

    def to_host(self, trials: TrialState) -> TrialState:
        """The trials as numpy arrays [trials, ...], and `from_host` back."""
        return self._devices.gather(trials)

    def from_host(self, trials: TrialState) -> TrialState:
        """The inverse of `to_host`."""
        return self._devices.shard(trials)


def _is_large(config: ConfigDict, program: Program) -> bool:
    """Whether a trial keeps a device busy by itself.

    Small products of many trials are quicker at once, since each operation of a program has its
    price; large ones one trial after the other, whose parameters then stay in the cache.
    """
    players = build.players(config, program.shape, program.per_epoch)
    state = jax.eval_shape(partial(build.initial, config, players, program.shape))
    leaves = jax.tree.leaves([state.generator.params, state.discriminator.params])
    return config.train.batch_size * sum(leaf.size for leaf in leaves) >= LARGE


def _schedules(configs: Sequence[ConfigDict], dataset: Dataset) -> tuple[bool, list[TrialSchedule]]:
    """Whether the trials play by turns, and the pace of each."""
    template = configs[0]
    sources = [build.batches(config, len(dataset.train)) for config in configs]
    per_epoch = sources[0].per_epoch
    players = build.players(template, dataset.shape, per_epoch)
    phases = build.phases(template, players, per_epoch, one_device())
    ratios = [updates_per_round(config.schedule, per_epoch) for config in configs]
    by_turns = len(set(ratios)) > 1 or not is_single_program(phases)
    if by_turns and template.schedule.warmup_rounds:
        why = "rounds that change can't be played side by side"
        raise InputError("config.schedule.warmup_rounds", template.schedule.warmup_rounds, why)
    generator_looks = loss(template, None).relativistic
    schedules = []
    for config, source, (k, m) in zip(configs, sources, ratios, strict=True):
        division = (k + m, k + m * generator_looks, 1) if by_turns else (1, 1, phases[0].batches)
        schedules.append(
            TrialSchedule(source, *division, every=config.eval.every, rounds=config.train.steps)
        )
    return by_turns, schedules

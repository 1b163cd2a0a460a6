"""How a trial's rounds are divided into steps, and which batches each step takes.

A step is what one call of a trial's program does: a round, or where trials differ in how often the
players update, one update.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.config.setup import Setup
from gan_jax.core.errors import InputError
from gan_jax.data.batches import Batches
from gan_jax.game.schemes import updates_per_round
from gan_jax.run.intervals import is_time, next_time
from gan_jax.run.rounds import is_single_program
from gan_jax.sweep.on_cpu import loops_slowly

MOST_STEPS_PER_DISPATCH = 50


class TrialSchedule(NamedTuple):
    """The steps of one trial.

    Attributes:
        batches: Its batches.
        steps_per_round: Steps of a round.
        steps_with_batches: The first steps of a round, each of which takes new batches; those after
            them make nothing of theirs.
        batches_per_step: Batches that a step takes.
        evaluate_every: Rounds from evaluation to evaluation.
        rounds: Rounds of the whole trial.
    """

    batches: Batches
    steps_per_round: int
    steps_with_batches: int
    batches_per_step: int
    evaluate_every: int
    rounds: int

    @property
    def steps(self) -> int:
        """Steps of the whole trial."""
        return self.rounds * self.steps_per_round

    def indices(self, step: int) -> np.ndarray:
        """Indices int32 [batches, B] of the examples that a step takes."""
        rounds, place = divmod(step, self.steps_per_round)
        number = rounds * self.steps_with_batches + min(place, self.steps_with_batches - 1)
        return self.batches.indices(number * self.batches_per_step, self.batches_per_step)

    def is_due(self, steps: int) -> bool:
        """Whether the trial is to be evaluated after so many steps."""
        rounds, rest = divmod(steps, self.steps_per_round)
        in_time = is_time(rounds, self.evaluate_every, self.rounds)
        return rest == 0 and rounds <= self.rounds and in_time

    def evaluation_steps(self) -> Iterator[int]:
        """After how many steps the trial is to be evaluated, in order."""
        rounds = 0
        while rounds < self.rounds:
            rounds = next_time(rounds, [self.evaluate_every], self.rounds)
            yield rounds * self.steps_per_round


def steps_per_dispatch(schedules: Sequence[TrialSchedule]) -> int:
    """The most steps that can be one dispatch, so that none ends beyond an evaluation."""
    common = math.gcd(*(steps for schedule in schedules for steps in schedule.evaluation_steps()))
    return max(n for n in range(1, MOST_STEPS_PER_DISPATCH + 1) if common % n == 0)


def schedules(setups: Sequence[Setup]) -> tuple[bool, list[TrialSchedule]]:
    """Whether trials side by side step by turns, and the schedule of each.

    Args:
        setups: What each is made of, all of one structure.

    Raises:
        InputError: If their rounds can't be trained side by side.
    """
    template = setups[0]
    phases = template.make_round(template.updates)
    changes = any(phase.end is not None for phase in phases)
    apart = loops_slowly(template) and not is_single_program(phases)
    by_turns = len({_ratio(setup) for setup in setups}) > 1 or changes or apart
    warmup = template.config.schedule.warmup_rounds
    if by_turns and warmup:
        why = "rounds that change can't be trained side by side"
        raise InputError("config.schedule.warmup_rounds", warmup, why)
    return by_turns, [schedule_of(setup, by_turns=by_turns) for setup in setups]


def _ratio(setup: Setup) -> tuple[int, int]:
    return updates_per_round(setup.config.schedule, setup.batches.per_epoch)


def schedule_of(setup: Setup, *, by_turns: bool) -> TrialSchedule:
    """A trial's schedule, whose steps are rounds, or updates where it steps by turns."""
    if by_turns:
        k, m = _ratio(setup)
        division = (k + m, k + m * setup.game.generator_takes_reals, 1)
    else:
        phases = setup.make_round(setup.updates)
        division = (1, 1, sum(phase.repeats * phase.batches for phase in phases))
    config = setup.config
    return TrialSchedule(setup.batches, *division, config.eval.every, config.train.steps)

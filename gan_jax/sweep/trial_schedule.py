"""How a trial's rounds are divided into steps, and which batches each step takes.

A step is what one call of a trial's program does: a round, or where trials differ in how often the
players update, one update.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.data.batches import Batches
from gan_jax.run.intervals import is_time, next_time

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

"""When a trial does what: how its rounds are cut into plays, and which batches each takes."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.data.batches import Batches
from gan_jax.run.intervals import is_time, next_time

MOST_PLAYS_A_DISPATCH = 50


class TrialSchedule(NamedTuple):
    """How one trial goes on.

    Attributes:
        source: Its batches.
        plays: Plays of a round.
        batched_plays: The first plays of a round, each of which takes new batches; those after them make
            nothing of theirs.
        batches: Batches that a play takes.
        every: Rounds from evaluation to evaluation.
        rounds: Rounds of the whole trial.
    """

    source: Batches
    steps: int
    batched_steps: int
    batches: int
    every: int
    rounds: int

    def indices(self, step: int) -> np.ndarray:
        """Indices int32 [batches, B] of the examples that a play takes."""
        done, place = divmod(step, self.steps)
        number = done * self.batched_steps + min(place, self.batched_steps - 1)
        return self.source.indices(number * self.batches, self.batches)

    def is_due(self, steps: int) -> bool:
        """Whether the trial is to be evaluated after so many plays."""
        rounds, rest = divmod(steps, self.steps)
        return rest == 0 and rounds <= self.rounds and is_time(rounds, self.every, self.rounds)

    def dues(self) -> Iterator[int]:
        """After how many plays the trial is to be evaluated, in order."""
        rounds = 0
        while rounds < self.rounds:
            rounds = next_time(rounds, [self.every], self.rounds)
            yield rounds * self.steps


def steps_per_dispatch(schedules: Sequence[TrialSchedule]) -> int:
    """The most plays that can be one dispatch, so that none ends beyond an evaluation."""
    common = math.gcd(*(steps for schedule in schedules for steps in schedule.dues()))
    return max(n for n in range(1, MOST_PLAYS_A_DISPATCH + 1) if common % n == 0)

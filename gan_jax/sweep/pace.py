"""When a trial does what: how its rounds are cut into plays, and which batches each takes."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.data.batches import Batches
from gan_jax.rhythm import is_time, next_time

MOST_PLAYS_A_DISPATCH = 50


class Pace(NamedTuple):
    """How one trial goes on.

    Attributes:
        source: Its batches.
        plays: Plays of a round.
        looks: The first plays of a round, each of which takes new batches; those after them make
            nothing of theirs.
        batches: Batches that a play takes.
        every: Rounds from evaluation to evaluation.
        steps: Rounds of the whole trial.
    """

    source: Batches
    plays: int
    looks: int
    batches: int
    every: int
    steps: int

    def indices(self, play: int) -> np.ndarray:
        """Indices int32 [batches, B] of the examples that a play takes."""
        done, place = divmod(play, self.plays)
        look = done * self.looks + min(place, self.looks - 1)
        return self.source.indices(look * self.batches, self.batches)

    def is_due(self, plays: int) -> bool:
        """Whether the trial is to be evaluated after so many plays."""
        rounds, rest = divmod(plays, self.plays)
        return rest == 0 and rounds <= self.steps and is_time(rounds, self.every, self.steps)

    def dues(self) -> Iterator[int]:
        """After how many plays the trial is to be evaluated, in order."""
        rounds = 0
        while rounds < self.steps:
            rounds = next_time(rounds, [self.every], self.steps)
            yield rounds * self.plays


def plays_a_dispatch(paces: Sequence[Pace]) -> int:
    """The most plays that can be one dispatch, so that none ends beyond an evaluation."""
    common = math.gcd(*(plays for pace in paces for plays in pace.dues()))
    return max(n for n in range(1, MOST_PLAYS_A_DISPATCH + 1) if common % n == 0)

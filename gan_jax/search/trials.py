"""The trials of a search: drawn by Optuna, and noted in its database.

Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", 2019,
arXiv:1907.10902.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from gan_jax.search.database import Database
from gan_jax.search.draw import SAMPLERS, draw
from gan_jax.search.ranges import Choices, Values
from gan_jax.search.space import Point, Space

# What is noted of a trial beside its values.
PARENT, ROUND = "parent", "from_round"  # it went on from the state of another, and when
BY_SEED = "by_seed"  # the value of each seed by round, None where it diverged
DIVERGED = "diverged_at"
MEASURES = "measures"  # means over the seeds at its last evaluation


class Trials:
    """The trials of a search.

    Args:
        database: Where they are noted, and may have been before.
        name: By which they are known there.
        space: What they are drawn from.
        sampler: One of `draw.SAMPLERS`.
        seed: What is drawn follows from it and from the trials before.
        first: The points that are tried before any is drawn.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        space: Space,
        sampler: str,
        seed: int,
        first: Sequence[Point],
    ):
        self._sampler, self._seed = SAMPLERS[sampler], seed
        self._distributions = {key: _distribution(one) for key, one in space.values.items()}
        self._study = optuna.create_study(
            storage=database.storage,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            sampler=RandomSampler(0),  # draws nothing: what is tried is put into the queue
        )
        if not self._study.get_trials(deepcopy=False):
            for point in first:
                self._study.enqueue_trial(dict(point))

    @property
    def all(self) -> list[FrozenTrial]:
        """All trials that have begun, by number."""
        known = self._study.get_trials(deepcopy=False)
        return [trial for trial in known if trial.state != TrialState.WAITING]

    def drawn(self, program: Point) -> int:
        """How many of a program have begun anew, not from the state of another."""
        begun = [trial.params.items() for trial in self.all if PARENT not in trial.user_attrs]
        return sum(program.items() <= point for point in begun)

    @property
    def complete(self) -> list[FrozenTrial]:
        """Those that were trained to the end."""
        return [trial for trial in self.all if trial.state == TrialState.COMPLETE]

    @property
    def best(self) -> FrozenTrial | None:
        """That of the highest value among those that were trained to the end; the first of such."""
        finite = [trial for trial in self.complete if math.isfinite(trial.value)]
        return max(finite, key=lambda trial: trial.value, default=None)

    def at(self, round_: int) -> dict[int, float]:
        """The values of all trials that were evaluated after a round, by number."""
        return {
            trial.number: trial.intermediate_values[round_]
            for trial in self.all
            if round_ in trial.intermediate_values
        }

    def ask(self, program: Point) -> tuple[int, Point]:
        """A new trial of a program: its number and values."""
        if not self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            known = self.all
            seed = np.random.SeedSequence((self._seed, len(known))).generate_state(1)[0]
            sampler = self._sampler(int(seed), len(known))
            point = draw(sampler, known, self._distributions, program)
            self._study.enqueue_trial(point)
        trial = self._study.ask(self._distributions)
        return trial.number, trial.params

    def ask_child(self, point: Point, parent: int, round_: int) -> int:
        """The number of a trial with these values that goes on from another's state."""
        self._study.enqueue_trial(dict(point), user_attrs={PARENT: parent, ROUND: round_})
        return self._study.ask(self._distributions).number

    def report(self, number: int, round_: int, by_seed: Sequence[float]) -> None:
        """Note the values of a trial's seeds after a round; the trial's is their mean."""
        trial = self._trial(number)
        trial.report(float(np.mean(by_seed)), round_)
        finite = [value if math.isfinite(value) else None for value in by_seed]
        known = trial.user_attrs.get(BY_SEED, {})
        trial.set_user_attr(BY_SEED, known | {str(round_): finite})

    def end(self, number: int, *, complete: bool, **noted: Any) -> None:
        """Note that a trial was trained to its end, or was stopped; its value is the last one."""
        trial = self._trial(number)
        for name, value in noted.items():
            trial.set_user_attr(name, value)
        if complete:
            values = self.all[number].intermediate_values
            self._study.tell(number, values[max(values)])
        else:
            self._study.tell(number, state=TrialState.PRUNED)

    def _trial(self, number: int) -> Trial:
        return Trial(self._study, self._study.get_trials(deepcopy=False)[number]._trial_id)


def _distribution(values: Values) -> BaseDistribution:
    if isinstance(values, Choices):
        return CategoricalDistribution(values.values)
    if values.whole:
        return IntDistribution(int(values.low), int(values.high))
    return FloatDistribution(values.low, values.high, log=values.log)

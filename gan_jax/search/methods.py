"""Which trials don't go on after an evaluation, and what becomes of their places."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

REDUCTION = 3  # of so many trials one goes on
QUARTER = 4


class Evaluated(NamedTuple):
    """Trials of a program that have been evaluated after the same round, and go on if they may.

    Attributes:
        count: How many evaluations they have had, from 1.
        values: Their values by number, the larger the better; minus infinity if one diverged.
        others: Those of all trials of the search that have had so many, these included.
        seed: Of what is drawn.
    """

    count: int
    values: Mapping[int, float]
    others: Mapping[int, float]
    seed: int


Leaving = dict[int, int | None]
"""The trials that don't go on: the trial whose state their places go on with, or None: any new."""
Method = Callable[[Evaluated], Leaving]


def none(evaluated: Evaluated) -> Leaving:
    """All go on but those that diverged."""
    return dict.fromkeys(_diverged(evaluated))


def halving(evaluated: Evaluated) -> Leaving:
    """At the 1st, 3rd, 9th, … evaluation the best third of all trials that came so far goes on; of
    equal ones the first.

    Asynchronous successive halving (Li et al., "A System for Massively Parallel Hyperparameter
    Tuning", 2020, arXiv:1810.05934, algorithm 2), without its promotion of trials that were
    stopped before. Optuna's pruner judges one trial at a time by those before it, and so spares
    the first of many that are evaluated at once.
    """
    leaving = none(evaluated)
    if not _is_rung(evaluated.count):
        return leaving
    kept = _ranked(evaluated.others)[: max(1, len(evaluated.others) // REDUCTION)]
    return leaving | {number: None for number in evaluated.values if number not in kept}


def population(evaluated: Evaluated) -> Leaving:
    """The worst quarter, and what diverged, goes on from the state of a trial of the best quarter.

    Population based training with truncation (Jaderberg et al., 2017, arXiv:1711.09846, section
    4.1.1, where it is a fifth).
    """
    ranked, diverged = _ranked(evaluated.values), _diverged(evaluated)
    count = len(ranked) // QUARTER
    best = [number for number in ranked[: max(count, 1)] if number not in diverged]
    if not best:
        return dict.fromkeys(diverged)
    losing = [
        number
        for number in ranked
        if number in diverged or number in ranked[len(ranked) - count :]
        if evaluated.values[number] < evaluated.values[best[-1]]
    ]
    return {number: int(_rng(evaluated, number).choice(best)) for number in losing}


METHODS: Mapping[str, Method] = {"halving": halving, "population": population, "none": none}


def _diverged(evaluated: Evaluated) -> list[int]:
    return [number for number, value in evaluated.values.items() if value == -np.inf]


def _ranked(values: Mapping[int, float]) -> list[int]:
    """The trials from the best to the worst."""
    return sorted(values, key=lambda number: (-values[number], number))


def _is_rung(count: int) -> bool:
    while count % REDUCTION == 0:
        count //= REDUCTION
    return count == 1


def _rng(evaluated: Evaluated, number: int) -> np.random.Generator:
    return np.random.default_rng((evaluated.seed, evaluated.count, number))

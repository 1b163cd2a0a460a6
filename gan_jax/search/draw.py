"""Which values a new trial has: Optuna's samplers, told what each trial was last worth."""

from collections.abc import Callable, Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from gan_jax.search.space import Point

_EXPLORE = 3


def _tpe(seed: int, number: int) -> BaseSampler:
    """TPE, but every third trial is drawn at random, as by Falkner et al., "BOHB: Robust and
    Efficient Hyperparameter Optimization at Scale", 2018, arXiv:1807.01774, section 3.1: what looks
    good early need not be, and TPE alone does not leave it.
    """
    return TPESampler(seed=seed) if number % _EXPLORE else _random(seed, number)


def _random(seed: int, number: int) -> BaseSampler:
    return RandomSampler(seed=seed)


SAMPLERS: Mapping[str, Callable[[int, int], BaseSampler]] = {"tpe": _tpe, "random": _random}
"""From a seed and a trial's number to what draws it: by what is known of others (tpe), or not."""


def draw(
    sampler: BaseSampler,
    trials: Sequence[FrozenTrial],
    distributions: Mapping[str, BaseDistribution],
    program: Point,
) -> Point:
    """The values of a new trial of a program.

    A trial that was stopped counts as worth what it was at its last evaluation. Optuna ranks it
    below all that were trained to the end, however little these came to: where few are, and were
    promising early only, TPE went on near those, and found worse recipes for the ring than random
    draws with the same halving did.

    Args:
        sampler: A new one.
        trials: All trials, of which those of the program count.
        distributions: Of each name.
        program: The values that make the program.
    """
    free = {name: one for name, one in distributions.items() if name not in program}
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials(
        [_seen(trial, free) for trial in trials if program.items() <= trial.params.items()]
    )
    return {**program, **study.ask(free).params}


def _seen(trial: FrozenTrial, free: Mapping[str, BaseDistribution]) -> FrozenTrial:
    known = trial.intermediate_values
    return create_trial(
        state=TrialState.COMPLETE if known else TrialState.RUNNING,
        value=known[max(known)] if known else None,
        params={name: trial.params[name] for name in free},
        distributions=dict(free),
    )

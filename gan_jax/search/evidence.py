"""What the trials of a search show, as tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState, create_trial

from gan_jax.search.space import Space
from gan_jax.search.trials import BY_SEED, DIVERGED, PARENT, ROUND
from gan_jax.study.statistics import Interval, interval

COMPLETE, STOPPED, DIVERGED_STATE = "complete", "stopped", "diverged"


def table(trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """A row a trial.

    Returns:
        `trial`, `value` (that of its last evaluation), `state`, `round` (at which it ended),
        `parent` (the trial from whose state it went on, or ""), `from_round`, and its values.
    """
    rows = []
    for trial in trials:
        diverged = trial.user_attrs.get(DIVERGED)
        rows.append(
            {
                "trial": trial.number,
                "value": trial.value,
                "state": DIVERGED_STATE
                if diverged
                else COMPLETE
                if is_complete(trial)
                else STOPPED,
                "round": diverged or max(trial.intermediate_values),
                "parent": str(trial.user_attrs.get(PARENT, "")),
                "from_round": trial.user_attrs.get(ROUND, 0),
                **trial.params,
            }
        )
    return pd.DataFrame(rows)


def rounds_trained(trials: Sequence[FrozenTrial], seeds: int) -> int:
    """Rounds that all seeds of all trials were trained, together."""
    lengths = [max(trial.intermediate_values) - trial.user_attrs.get(ROUND, 0) for trial in trials]
    return seeds * sum(lengths)


def curves(trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """The values of trials by round: a row a trial and round, with the mean over its seeds as
    `estimate`, and the least and the largest as `low` and `high`."""
    return pd.DataFrame(
        [
            {
                "trial": trial.number,
                "round": int(round_),
                "estimate": np.mean(values),
                "low": min(values),
                "high": max(values),
            }
            for trial in trials
            for round_, values in trial.user_attrs[BY_SEED].items()
        ]
    )


def mean_value(trial: FrozenTrial) -> Interval:
    """The value of a trial with its interval over the seeds."""
    return interval(seed_values(trial))


def seed_values(trial: FrozenTrial) -> list[float]:
    """The values of a trial's seeds at its last evaluation; None for one that diverged."""
    known = trial.user_attrs[BY_SEED]
    return known[max(known, key=int)]


def importances(
    trials: Sequence[FrozenTrial], space: Space, every: int
) -> tuple[int, Mapping[str, float]]:
    """How much each field decides the value, after the last round that none was stopped before.

    By PED-ANOVA (Watanabe et al., 2023, arXiv:2304.10255): how differently the field's values are
    spread among the best tenth and among all. What diverged counts as the worst value of all.

    Args:
        trials: The trials.
        space: What they are from.
        every: Rounds from evaluation to evaluation.

    Returns:
        The round, and the shares by name, the largest first; empty where nothing can be told.
    """
    begun = [trial for trial in trials if PARENT not in trial.user_attrs]
    stopped = [max(one.intermediate_values) for one in begun if DIVERGED not in one.user_attrs]
    round_ = min(stopped, default=every)
    values = [_value_at(trial, round_) for trial in begun]
    worst = min((value for value in values if value > -math.inf), default=math.nan)
    if len(begun) < 2 or math.isnan(worst) or max(values) == worst:
        return round_, {}
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            create_trial(
                params=trial.params, distributions=trial.distributions, value=max(value, worst)
            )
            for trial, value in zip(begun, values, strict=True)
        ]
    )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found = optuna.importance.get_param_importances(
        study, evaluator=evaluator, params=list(space.values)
    )
    return round_, found


def lineage(trials: Sequence[FrozenTrial], number: int) -> list[FrozenTrial]:
    """A trial and those from whose states it goes back to, the first of them first."""
    line = [trials[number]]
    while PARENT in line[0].user_attrs:
        line.insert(0, trials[line[0].user_attrs[PARENT]])
    return line


def chosen(space: Space, best: Mapping[str, Any]) -> pd.DataFrame:
    """A row a field: what the config has, what the best trial has, what was searched."""
    return pd.DataFrame(
        {
            "field": name.replace(",", ", "),
            "the config's own": space.own[name],
            "the best trial's": best[name],
            "searched": str(values),
        }
        for name, values in space.values.items()
    )


def is_complete(trial: FrozenTrial) -> bool:
    """Whether a trial was trained to its end."""
    return trial.state == TrialState.COMPLETE


def _value_at(trial: FrozenTrial, round_: int) -> float:
    values = trial.intermediate_values
    return values.get(round_, -np.inf) if DIVERGED in trial.user_attrs else values[round_]

"""Which trials and which settings do best: by the first measure, where it ties by the next ones.

A trial that diverged is never dropped: from then on it counts as the worst that any trial of the
study measured, at any time.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from gan_jax.study.order import ordered
from gan_jax.study.statistics import Interval, by_cell, paired
from gan_jax.study.text import text

SETTING = "setting"
_ALL = "all trials"
_EMPTY = "(empty)"
_DIGITS = 4  # of a value in a setting's name, unless it takes more

COSTS: Mapping[str, Callable[[pd.Series], pd.Series]] = MappingProxyType(
    {
        "higher": lambda values: -values,
        "lower": lambda values: values,
        "one": lambda values: (values - 1).abs(),
    }
)
"""By which values of a measure is better, what is least where they are best."""


class Measure(NamedTuple):
    """A number by which trials are compared.

    Attributes:
        column: Its column in the table of results.
        name: What the report calls it.
        better: Which values are: one of `COSTS`.
        bounds: Least and largest possible value.
    """

    column: str
    name: str
    better: str
    bounds: tuple[float, float] = (-np.inf, np.inf)

    def cost(self, values: pd.Series) -> pd.Series:
        """The lower, the better."""
        return COSTS[self.better](values)


class Ranking(NamedTuple):
    """The trials of a study, compared.

    Attributes:
        measures: By what, the first above all: those of which any trial has a value.
        names: What the report calls the fields that differ, by flattened name.
        rows: One a trial and evaluation: `trial`, `step`, `seed`, `diverged_at`, `diverged`, the
            fields, `setting` (their values, "0.001, 5", which have an order) and the measures, NaN
            once the trial has diverged.
        ends: The last row of each trial, those that diverged filled in, the best first.
        settings: The best first.
        words: Each with the fields' names: "generator.learning_rate=0.001, loss=hinge".
    """

    measures: list[Measure]
    names: dict[str, str]
    rows: pd.DataFrame
    ends: pd.DataFrame
    settings: list[str]
    words: dict[str, str]

    def cells(self, measure: Measure, keys: Sequence[str] = (SETTING,)) -> pd.DataFrame:
        """Means of the trials' ends with their intervals, see `statistics.by_cell`."""
        return by_cell(self.ends, keys, measure.name, bounds=measure.bounds)

    def estimates(self, measure: Measure) -> dict[str, Interval]:
        """Each setting's mean with its interval."""
        cells = self.cells(measure)[[SETTING, *Interval._fields]]
        return {
            setting: Interval(estimate, low, high, num)
            for setting, estimate, low, high, num in cells.itertuples(index=False)
        }

    @property
    def deciding(self) -> Measure | None:
        """The first measure in which the best setting is not like the next; None: there is none."""
        for measure in self.measures if len(self.settings) > 1 else ():
            found = self.estimates(measure)
            best, other = (found[setting].estimate for setting in self.settings[:2])
            if best != other:
                return measure
        return None

    def median_and_worst(self, settings: Sequence[str]) -> tuple[int, int]:
        """The numbers of two of the trials in these settings."""
        trials = self.ends.trial[self.ends[SETTING].isin(settings)].tolist()
        return trials[(len(trials) - 1) // 2], trials[-1]

    @property
    def gain(self) -> Interval | None:
        """By how much the best setting is better than the next in what decides, in pairs of one
        seed; None where nothing decides or there are no such pairs."""
        if not self.deciding:
            return None
        best, other = (
            self.deciding.cost(
                self.ends[self.ends[SETTING] == name].set_index("seed")[self.deciding.name]
            )
            for name in self.settings[:2]
        )
        unique = best.index.is_unique and other.index.is_unique
        if not unique or set(best.index) != set(other.index):
            return None
        return paired(other, best).difference


def rank(results: pd.DataFrame, names: Mapping[str, str], measures: Sequence[Measure]) -> Ranking:
    """Compare the trials of a study.

    Args:
        results: The table that a sweep collects, all trials measured alike.
        names: What the report calls the fields that differ among trials, but for the seed.
        measures: The measures, the first above all.
    """
    measures = [one for one in measures if _is_measured(results, one)]
    diverged = results.diverged_at >= 0
    rows = results[["trial", "step", "seed", "diverged_at", *names]].rename(columns=names)
    rows, words = _with_setting(rows, list(names.values()))
    rows = rows.assign(
        diverged=diverged, **{one.name: results[one.column].mask(diverged) for one in measures}
    )
    worst = {one.name: _worst(results[one.column], one) for one in measures}
    ends = rows.loc[rows.groupby("trial").step.idxmax()].fillna(worst)
    means = ends.groupby(SETTING, observed=True)[[*worst, "diverged"]].mean()
    return Ranking(
        measures=measures,
        names=dict(names),
        rows=rows,
        ends=ends.loc[_best_first(ends, measures)],
        settings=list(_best_first(means, measures)),
        words=words,
    )


def _is_measured(results: pd.DataFrame, measure: Measure) -> bool:
    return measure.column in results and bool(results[measure.column].notna().any())


def _worst(values: pd.Series, measure: Measure) -> float:
    return values.loc[measure.cost(values).idxmax()]


def _with_setting(rows: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows with `setting`, in the order of the fields' values; and each in words."""
    if not names:
        return ordered(rows.assign(**{SETTING: _ALL}), **{SETTING: [_ALL]}), {_ALL: _ALL}
    told = pd.DataFrame({name: _told(rows[name]) for name in names})
    words = {
        ", ".join(each): ", ".join(map("=".join, zip(names, each, strict=True)))
        for each in told.loc[rows.sort_values(list(names)).index].itertuples(index=False)
    }
    settings = told.agg(", ".join, axis=1)
    return ordered(rows.assign(**{SETTING: settings}), **{SETTING: words}), words


def _told(column: pd.Series) -> pd.Series:
    """Values as text, in as many digits as it takes to tell them apart."""
    for digits in range(_DIGITS, 18):
        told = column.map(lambda value, digits=digits: text(value, digits) or _EMPTY)
        if told.nunique() == column.nunique():
            break
    return told


def _best_first(rows: pd.DataFrame, measures: Sequence[Measure]) -> pd.Index:
    """The labels of rows, the best first; of equal ones those that diverged come last."""
    costs = {one.name: one.cost(rows[one.name]) for one in measures}
    keys = pd.DataFrame({**costs, "diverged": rows.diverged.astype(float)}, index=rows.index)
    return keys.sort_values(list(keys), kind="stable").index

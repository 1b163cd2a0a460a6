"""What trials say together: intervals that hold for few trials, and differences by sign flips.

A trial that diverged has measured nothing (NaN), and that is a result too. It is never dropped:
each function takes what such a trial counts as (`fill`, say 0 modes) and refuses what is not finite
without it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from gan_jax.study.confidence import bootstrap_interval, mean_interval
from gan_jax.study.text import text

_ANY = (-np.inf, np.inf)
_FLIPS = 2**16  # all that 16 pairs have; more pairs are drawn at random


class Interval(NamedTuple):
    """An estimate and how far to trust it.

    Attributes:
        estimate: The statistic of all values.
        low: Lower end of the confidence interval; NaN where there is one value only.
        high: Upper end.
        num: How many values.
    """

    estimate: float
    low: float
    high: float
    num: int

    def __str__(self) -> str:
        return f"{text(self.estimate)} ({text(self.low)} to {text(self.high)}, n = {self.num})"


class Paired(NamedTuple):
    """How two settings differ that were tried with the same seeds.

    Attributes:
        difference: Mean of `a - b`.
        p_value: Of no difference, two-sided.
    """

    difference: Interval
    p_value: float


def interval(
    values: Sequence[float],
    statistic: Callable[..., Any] = np.mean,
    level: float = 0.95,
    *,
    seed: int = 0,
    fill: float | None = None,
    bounds: tuple[float, float] = _ANY,
) -> Interval:
    """A statistic with its confidence interval.

    That of the mean is `mean_interval`'s, that of any other statistic `bootstrap_interval`'s, which
    is less to be trusted.

    Args:
        values: `[N]`, N at least 1.
        statistic: `np.mean`, or a function of an array and, to be quick, its `axis`.
        level: Share of the intervals that are to hold the true value, between 0 and 1.
        seed: Of the resampling.
        fill: What a value that is not finite counts as.
        bounds: Least and largest possible value of the statistic; ends beyond them are moved there.

    Returns:
        An interval with NaN for ends of a single value, which says nothing about its spread, and
        one without width where all values are equal: right only if the measure never varies.

    Raises:
        ValueError: If there is no value, or one that is not finite without `fill`.
    """
    values = _finite(values, fill)
    if not len(values):
        raise ValueError("no values, no interval")
    estimate = float(statistic(values))
    if len(values) == 1:
        return Interval(estimate, np.nan, np.nan, 1)
    if np.ptp(values) == 0:
        return Interval(estimate, estimate, estimate, len(values))
    if statistic is np.mean:
        low, high = mean_interval(values, level)
    else:
        low, high = bootstrap_interval(values, statistic, level, seed)
    low, high = np.clip([low, high], *bounds)
    return Interval(estimate, float(low), float(high), len(values))


def share(hits: int, num: int, level: float = 0.95) -> Interval:
    """A share with its interval of Clopper and Pearson, which holds the true one at least so often.

    Of 0 in N the upper end of 95 % is about 3.7 / N. ("The Use of Confidence or Fiducial Limits
    Illustrated in the Case of the Binomial", 1934.)

    Args:
        hits: How many of the trials, each of them independent.
        num: How many trials, at least 1.
        level: Share of the intervals that are to hold the true value, between 0 and 1.
    """
    low, high = stats.binomtest(hits, num).proportion_ci(level, method="exact")
    return Interval(hits / num, float(low), float(high), num)


def paired(
    a: Sequence[float],
    b: Sequence[float],
    level: float = 0.95,
    *,
    seed: int = 0,
    fill: float | None = None,
) -> Paired:
    """Whether `a` and `b` differ, by a permutation test that flips the differences' signs.

    The p-value is exact up to 16 pairs. The smallest of N pairs is `2^(1 - N)`: fewer than six can
    never fall below 0.05. (Good, "Permutation, Parametric and Bootstrap Tests", 2005, chapter 3.)

    Args:
        a: `[N]`; a Series is matched to the other by its index (the seeds), anything else by place.
        b: `[N]`.
        level: The interval's.
        seed: Of the flips of more than 16 pairs.
        fill: What a value that is not finite counts as, in either.

    Raises:
        ValueError: If a value has no partner, or one is not finite without `fill`.
    """
    a, b = (pd.Series(one, dtype=float) for one in (a, b))
    if not (a.index.is_unique and b.index.is_unique and set(a.index) == set(b.index)):
        raise ValueError(f"not in pairs: {sorted(set(a.index) ^ set(b.index)) or 'a seed twice'}")
    differences = _finite(a, fill) - _finite(b.loc[a.index], fill)
    return Paired(interval(differences, level=level), _p_value(differences, seed))


def by_cell(
    results: pd.DataFrame,
    keys: Sequence[str],
    measure: str,
    statistic: Callable[..., Any] = np.mean,
    level: float = 0.95,
    *,
    seed: int = 0,
    fill: float | None = None,
    bounds: tuple[float, float] = _ANY,
) -> pd.DataFrame:
    """A statistic of a measure, with its interval, for each setting.

    Args:
        results: One row a trial and evaluation, with the column `trial`.
        keys: Columns whose values make a cell. "step" has to be one of them, unless the rows are
            all of one evaluation.
        measure: The column measured.
        statistic, level, seed, fill, bounds: See `interval`.

    Returns:
        One row a cell, ordered by the keys, whose values keep an order of their own
        (`study.order`): those, then `estimate`, `low`, `high` and `num`.

    Raises:
        ValueError: If a trial counts twice in a cell, or see `interval`.
    """
    keys = list(keys)
    twice = results.duplicated([*keys, "trial"])
    if twice.any():
        raise ValueError(
            f"trial {results.trial[twice].iloc[0]} counts twice in a cell of {', '.join(keys)}: "
            "choose an evaluation or make the step a key"
        )
    rows = [
        (*cell, *interval(rows[measure], statistic, level, seed=seed, fill=fill, bounds=bounds))
        for cell, rows in results.groupby(keys, dropna=False, observed=True)
    ]
    cells = pd.DataFrame(rows, columns=[*keys, *Interval._fields])
    return cells.astype({key: results[key].dtype for key in keys})


def holm(p_values: Sequence[float]) -> np.ndarray:
    """p-values corrected for being several, so that any false alarm among them stays as rare.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure" (1979).

    Args:
        p_values: `[N]`, 0 to 1.

    Returns:
        `[N]`, in the order given.
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)
    steps = p_values[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def _p_value(differences: np.ndarray, seed: int) -> float:
    if len(differences) == 1:
        return 1.0  # either sign is as far from 0; scipy wants two
    test = stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_FLIPS,
        rng=seed,
    )
    return float(test.pvalue)


def _finite(values: Sequence[float], fill: float | None) -> np.ndarray:
    """The values as `[N]` float64, those that are not finite replaced.

    Raises:
        ValueError: If there are such, and nothing to replace them by.
    """
    values = np.array(values, float)
    lost = ~np.isfinite(values)
    if lost.any():
        if fill is None:
            raise ValueError(f"{lost.sum()} of {len(values)} values not finite: fill them")
        values[lost] = fill
    return values

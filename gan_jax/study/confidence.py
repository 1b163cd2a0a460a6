"""Confidence intervals from few values, which need not be normal."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special, stats

_RESAMPLES = 9_999
_SKEW = 2.5  # few values show less than half of the skewness of what they are drawn from


def mean_interval(values: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """The ends of intervals for means: Student's t, reaching further to the side of the skew.

    With q Student's quantile, s the standard deviation and g the skewness of n values, the ends lie
    `s / sqrt(n) * (q + 2.5 (2 q^2 + 1) / (6 sqrt(n)) * |g|)` from the mean on the side of the
    longer tail, and `s / sqrt(n) * q` on the other. The term in g is the first-order correction of
    one-sided intervals (Johnson, "Modified t Tests and Confidence Intervals for Asymmetrical
    Populations", 1978; Hall, "On the Removal of Skewness by Transformation", 1992), times 2.5
    because few values show less skewness than there is. Neither end is nearer than Student's.

    Of 40,000 intervals of 95 %, so many percent held the mean (t: Student's alone), and so many
    times as wide as t's they were:

        values                n = 5: t  here  wide    10: t  here  wide    20: t  here  wide
        normal                    95.0  96.5  1.27     95.1  96.5  1.15     95.0  96.2  1.08
        uniform                   93.5  96.1  1.26     94.6  97.7  1.12     95.0  98.0  1.06
        beta(8, 1)                89.9  93.8  1.38     91.4  95.7  1.30     92.9  96.8  1.25
        binomial(20, 0.97)        93.5  93.5  1.39     93.7  99.2  1.28     93.8  97.9  1.22
        exponential               88.5  93.0  1.42     90.3  95.2  1.36     91.8  96.3  1.31
        lognormal(sigma 0.5)      91.5  94.3  1.36     91.9  95.1  1.29     92.9  96.1  1.25
        lognormal(sigma 1)        81.9  88.3  1.52     83.8  91.5  1.50     87.1  94.4  1.47

    The percentiles of the bootstrap held the mean of normal values in 85, 90 and 92 %. Those of
    the bootstrapped t held that of lognormal(1) in 90, 90 and 92 %, but were 4.9, 2.0 and 1.6 times
    as wide as t's and have no end where values are tied. No interval holds the mean of every
    distribution: a value far off that is too rare to have been seen is always missed.

    Args:
        values: `[..., N]`, finite, N at least 2.
        level: Share of the intervals that are to hold the true mean, between 0 and 1.

    Returns:
        Lower and upper ends, `[...]`; both are the mean where all values are equal.
    """
    num = values.shape[-1]
    mean = values.mean(axis=-1)
    deviations = values - mean[..., None]
    # In units of the largest one, so that no power of them leaves the range of floats.
    unit = np.abs(deviations).max(axis=-1)
    deviations = deviations / np.where(unit > 0, unit, 1)[..., None]
    variance = (deviations**2).mean(axis=-1)
    skewness = (deviations**3).mean(axis=-1) / np.where(variance > 0, variance, 1) ** 1.5
    error = unit * np.sqrt(variance / (num - 1))
    quantile = special.stdtrit(num - 1, (1 + level) / 2)
    further = _SKEW * (2 * quantile**2 + 1) / (6 * np.sqrt(num)) * skewness
    return (
        mean - error * (quantile + np.maximum(-further, 0)),
        mean + error * (quantile + np.maximum(further, 0)),
    )


def bootstrap_interval(
    values: np.ndarray, statistic: Callable[..., Any], level: float, seed: int
) -> tuple[float, float]:
    """The ends of the bootstrap's interval for a statistic.

    BCa's (Efron, "Better Bootstrap Confidence Intervals", 1987), or that between percentiles where
    BCa's correction does not exist, at a level raised for few values (Hesterberg, "What Teachers
    Should Know About the Bootstrap", 2015). Of 500 intervals of 95 % for 5, 10 and 20 normal values
    91, 97 and 96 % held the median, but 60, 87 and 90 % the standard deviation.

    Args:
        values: `[N]`, finite, N at least 2, not all equal.
        statistic: A function of an array and, to be quick, its `axis`.
        level: Share of the intervals that are to hold the true value, between 0 and 1.
        seed: Of the resampling.

    Returns:
        Lower and upper end.
    """
    num = len(values)
    # As far out as Student's t, and farther since resamples are too narrow by sqrt((n - 1) / n).
    quantile = special.stdtrit(num - 1, (1 + level) / 2) * np.sqrt(num / (num - 1))
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            ends = stats.bootstrap(
                (values,),
                statistic,
                n_resamples=_RESAMPLES,
                confidence_level=1 - 2 * special.ndtr(-quantile),
                method=method,
                rng=seed,
            ).confidence_interval
        if np.isfinite(ends).all():
            break
    return ends

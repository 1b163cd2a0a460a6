"""What reports of studies are made of: statistics against closed forms and enumeration, figures
by what is drawn, pages by what a parser finds."""

import itertools

import numpy as np
import pandas as pd
import pytest

from gan_jax.study.statistics import Interval, by_cell, holm, interval, paired

# Intervals


@pytest.mark.parametrize(("level", "low", "high"), [(0.95, 0.88, 0.98), (0.6, 0.49, 0.67)])
def test_an_interval_holds_the_mean_about_as_often_as_it_says(level, low, high):
    """Of 20 values it is a little narrow: in the long run 0.93 hold the mean, and 0.58 of those
    that should in 0.6. Shares of 250 draws lie within three standard errors, 0.05 and 0.09."""
    draws = np.random.default_rng(0).normal(3.0, 2.0, size=(250, 20))
    intervals = [interval(draw, level=level) for draw in draws]
    assert low < np.mean([one.low <= 3.0 <= one.high for one in intervals]) < high


def test_of_many_values_it_is_the_normal_one():
    values = np.random.default_rng(0).normal(size=1000)
    error = values.std(ddof=1) / np.sqrt(len(values))
    found = interval(values)
    assert found.estimate == pytest.approx(values.mean(), rel=1e-12)
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)
    assert found.num == 1000


def test_equal_values_leave_no_width():
    assert interval([0.1] * 7) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1), 7)


def test_one_value_has_no_interval_and_none_no_estimate():
    estimate, low, high, num = interval([2.0])
    assert (estimate, num) == (2.0, 1)
    assert np.isnan([low, high]).all()
    with pytest.raises(ValueError, match="no values"):
        interval([])


def test_where_the_correction_does_not_exist_percentiles_stand():
    """The median of five values, one of them 7, is 7 in 5.8 % of the resamples: at the lower 2.5 %
    but not at the upper. Leaving one value out never moves it, so BCa has nothing to go by."""
    assert interval([8, 8, 8, 8, 7], np.median) == (8, 7, 8, 5)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_trial_that_diverged_counts_as_what_is_said(lost):
    with pytest.raises(ValueError, match="1 of 3 values not finite"):
        interval([1.0, lost, 3.0])
    assert interval([1.0, lost, 3.0], fill=0.0) == interval([1.0, 0.0, 3.0])
    assert paired([1.0, lost, 3.0], [2.0, 2.0, 2.0], fill=0.0) == paired([1, 0, 3], [2, 2, 2])


def test_an_interval_as_text():
    assert str(Interval(7.412, 6.951, 8.0, 10)) == "7.41 (6.95 to 8, n = 10)"


# Pairs and cells


@pytest.mark.parametrize("num", [1, 3, 8])
def test_the_p_value_of_few_pairs_is_that_of_all_flips(num):
    a, b = np.random.default_rng(num).normal(0.5, 1.0, size=(2, num)).round(1)
    differences = a - b
    flips = np.array(list(itertools.product((-1, 1), repeat=num))) @ differences
    expected = np.mean(np.abs(flips) >= abs(differences.sum()) - 1e-9)
    found = paired(a, b)
    assert found.p_value == pytest.approx(expected)
    assert found.difference.estimate == pytest.approx(differences.mean())


def test_equal_pairs_do_not_differ():
    assert paired([1, 2, 3], [1, 2, 3]) == ((0, 0, 0, 3), 1)


def test_pairs_are_matched_by_their_seeds():
    a = pd.Series([5.0, 6.0, 9.0], index=[0, 1, 2])
    b = pd.Series([1.0, 4.0, 3.0], index=[2, 0, 1])
    assert paired(a, b) == paired([5.0, 6.0, 9.0], [4.0, 3.0, 1.0])
    with pytest.raises(ValueError, match=r"not in pairs: \[2\]"):
        paired(a, b.drop(2))
    with pytest.raises(ValueError, match="a seed twice"):
        paired(a, pd.concat([b, b]))


def test_holm_by_hand():
    # In order: 4 * 0.005, 3 * 0.01, 2 * 0.03, and 1 * 0.04, which is raised to the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == pytest.approx([1, 1])
    assert holm([0.02]) == pytest.approx([0.02])


RESULTS = pd.DataFrame(
    [
        {"trial": trial, "step": step, "loss": loss, "rate": rate, "seed": seed, "modes": modes}
        for trial, (loss, rate, seed) in enumerate(
            itertools.product(("hinge", "wasserstein"), (1e-3, 1e-2), range(3))
        )
        for step, modes in ((10, float(trial)), (20, float(trial + seed)))
    ]
)
LAST = RESULTS[RESULTS.step == 20]


def test_cells():
    cells = by_cell(LAST, ["loss", "rate"], "modes")
    assert list(cells) == ["loss", "rate", "estimate", "low", "high", "num"]
    assert [*zip(cells.loss, cells.rate, strict=True)] == [
        *itertools.product(("hinge", "wasserstein"), (1e-3, 1e-2))
    ]
    assert cells.estimate.tolist() == [2, 5, 8, 11]  # of trials 3k + (0, 1, 2) + (0, 1, 2)
    assert cells.num.tolist() == [3] * 4
    assert tuple(cells.iloc[1, 2:]) == interval([3.0, 5.0, 7.0])


def test_a_trial_counts_once_in_a_cell():
    with pytest.raises(ValueError, match="trial 0 counts twice in a cell of loss"):
        by_cell(RESULTS, ["loss"], "modes")
    assert len(by_cell(RESULTS, ["loss", "step"], "modes")) == 4


def test_a_diverged_trial_stays_in_its_cell():
    lost = LAST.assign(modes=LAST.modes.mask(LAST.trial == 0))
    with pytest.raises(ValueError, match="not finite"):
        by_cell(lost, ["loss"], "modes")
    cells = by_cell(lost, ["loss"], "modes", fill=-6.0)
    assert cells.estimate[0] == (-6 + 2 + 4 + 3 + 5 + 7) / 6
    assert cells.num.tolist() == [6, 6]

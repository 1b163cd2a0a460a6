"""What reports of studies are made of: statistics against closed forms and enumeration, figures
by what is drawn, pages by what a parser finds."""

import base64
import itertools
from html.parser import HTMLParser
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from gan_jax.core.errors import InputError, RunError
from gan_jax.study import figures, order, page, sheets, tables
from gan_jax.study.confidence import mean_interval
from gan_jax.study.report import MARKS, Claim, Report, Section
from gan_jax.study.statistics import Interval, by_cell, holm, interval, paired, share
from gan_jax.study.text import text

# Intervals


DRAWS = 4_000  # shares near 0.95 then have a standard error of 0.0034
DISTRIBUTIONS = {
    # By what is drawn: its mean, and the least share of 95 % intervals of 5 and of more to hold it.
    "normal": (lambda rng, shape: rng.normal(size=shape), 0, 0.95, 0.95),
    "uniform": (lambda rng, shape: rng.uniform(size=shape), 0.5, 0.95, 0.95),
    # Shares near 1, and such with ties: 5 % of the samples of 5 are five ones.
    "beta": (lambda rng, shape: rng.beta(8, 1, size=shape), 8 / 9, 0.935, 0.95),
    "binomial": (lambda rng, shape: rng.binomial(20, 0.97, size=shape) / 20, 0.97, 0.93, 0.95),
    "exponential": (lambda rng, shape: rng.exponential(size=shape), 1, 0.925, 0.95),
    "lognormal": (lambda rng, shape: rng.lognormal(0, 0.5, shape), np.exp(0.125), 0.94, 0.95),
    "heavy": (lambda rng, shape: rng.lognormal(0, 1, shape), np.exp(0.5), 0.875, 0.91),
}
SPARE = 0.007  # two standard errors


@pytest.mark.parametrize("num", [5, 7, 10, 14, 20])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_interval_holds_the_mean_as_often_as_it_says(name, num):
    """Percentiles of the bootstrap hold that of normal values in 0.85 (n = 5) to 0.92 (20)."""
    draw, mean, of_five, of_more = DISTRIBUTIONS[name]
    least = np.interp(num, [5, 10], [of_five, of_more])
    low, high = mean_interval(draw(np.random.default_rng(num), (DRAWS, num)), 0.95)
    assert np.mean((low <= mean) & (mean <= high)) > least - SPARE


@pytest.mark.parametrize("level", [0.6, 0.9, 0.99])
def test_an_interval_of_any_level_holds_the_mean(level):
    low, high = mean_interval(np.random.default_rng(0).normal(3, 2, size=(DRAWS, 10)), level)
    held = np.mean((low <= 3) & (high >= 3))
    assert level - 0.02 < held < level + 0.06


@pytest.mark.parametrize(("num", "most"), [(3, 1.6), (5, 1.35), (10, 1.2), (20, 1.1)])
def test_an_interval_of_normal_values_is_not_much_wider_than_students(num, most):
    values = np.random.default_rng(0).normal(size=(DRAWS, num))
    ours, students = mean_interval(values), student(values)
    assert (ours[0] <= students[0] + 1e-12).all()
    assert (ours[1] >= students[1] - 1e-12).all()
    assert np.mean(ours[1] - ours[0]) < most * np.mean(students[1] - students[0])


def student(values):
    error = stats.sem(values, axis=-1)
    return stats.t.interval(0.95, values.shape[-1] - 1, values.mean(axis=-1), error)


def test_an_interval_by_hand():
    """Without skew Student's: 2 +- 4.303 / sqrt(3). Of 0, 0, 3 the skewness is 1 / sqrt(2)."""
    assert interval([1.0, 2.0, 3.0]) == pytest.approx((2, 2 - 2.4841, 2 + 2.4841, 3), abs=1e-4)
    further = 2.5 * (2 * 4.30265**2 + 1) / (6 * np.sqrt(3)) / np.sqrt(2)
    expected = (1, 1 - 4.30265, 1 + 4.30265 + further, 3)
    assert interval([0.0, 3.0, 0.0]) == pytest.approx(expected, abs=1e-4)
    assert interval([0.0, -3.0, 0.0]).low == pytest.approx(-expected[2], abs=1e-4)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_an_interval_scales_with_its_values(scale):
    values = np.array([1.0, 2.0, 2.0, 7.0])
    found, expected = interval(scale * values), interval(values)
    assert (found.low / scale, found.high / scale) == pytest.approx(expected[1:3])


def test_a_median_of_few_values_has_an_interval_that_holds_it():
    """150 intervals of 10 values: two standard errors are 0.035."""
    draws = np.random.default_rng(0).exponential(size=(150, 10))
    found = [interval(draw, np.median) for draw in draws]
    assert np.mean([one.low <= np.log(2) <= one.high for one in found]) > 0.915


def test_values_that_differ_by_rounding_have_hardly_any_width():
    low, high = interval([0.3, 0.3, 0.1 + 0.2])[1:3]
    assert 0.3 - 1e-15 < low < high < 0.3 + 1e-15
    assert interval([0.3, 0.1 + 0.2]).num == 2


@pytest.mark.parametrize(("num", "rate"), [(5, 0.9), (10, 0.98), (20, 0.5)])
def test_a_share_holds_the_true_one_at_least_as_often_as_it_says(num, rate):
    """Exactly: the chances of all counts whose intervals hold it."""
    found = [share(hits, num) for hits in range(num + 1)]
    held = [hits for hits, one in enumerate(found) if one.low <= rate <= one.high]
    assert stats.binom.pmf(held, num, rate).sum() >= 0.95
    assert (found[0].low, found[-1].high) == (0, 1)


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


def test_an_interval_ends_where_the_values_must():
    inside, cut = (interval([0.9, 1, 1, 1], bounds=bounds) for bounds in ((0, 2), (0, 1)))
    assert inside.high > 1
    assert cut == inside._replace(high=1)
    cells = by_cell(LAST, ["loss"], "modes", bounds=(3, 8))
    assert cells.low[0] == 3
    assert cells.high[1] == 8


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


# Figures


CELLS = by_cell(LAST, ["loss", "rate"], "modes")
LINES = by_cell(RESULTS, ["loss", "step"], "modes").rename(columns={"step": "rounds"})
RING = np.array([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]])


def words(axes):
    return [one.get_text() for one in axes.texts]


def labels(axis):
    return [one.get_text() for one in axis.get_ticklabels()]


def heat_map(**more):
    return figures.heat_map(CELLS, "loss", "rate", title="Hot", label="modes (of 12)", **more)


def points(group="rate", **more):
    cells = CELLS if group else by_cell(LAST, ["loss"], "modes")
    return figures.points(cells, "loss", group, title="Dots", label="modes (of 12)", **more)


def curves(**more):
    return figures.curves(LINES, "rounds", "loss", title="Up", label="modes (of 12)", **more)


@pytest.mark.parametrize("norm", ["linear", "log"])
def test_a_heat_map_has_its_numbers_in_it(norm):
    figure = heat_map(norm=norm)
    axes, bar = figure.axes
    assert axes.images[0].get_array().tolist() == [[2, 5], [8, 11]]
    assert words(axes)[::2] == ["2", "5", "8", "11"]
    low, high = CELLS.low[1], CELLS.high[1]
    assert words(axes)[3] == f"{low:.3g} to {high:.3g}"
    assert axes.texts[2].xy == axes.texts[3].xy == (1, 0)
    assert (labels(axes.xaxis), axes.get_xlabel()) == (["0.001", "0.01"], "rate")
    assert (labels(axes.yaxis), axes.get_ylabel()) == (["hinge", "wasserstein"], "loss")
    assert bar.get_ylabel() == "modes (of 12)"
    assert figure.get_suptitle() == "Hot"
    assert axes.texts[0].get_color() != axes.texts[-1].get_color()  # on dark and on light


def test_a_heat_map_of_other_numbers_has_no_intervals():
    assert words(heat_map(value="num").axes[0]) == ["3"] * 4


def test_a_heat_map_leaves_out_what_was_not_tried():
    figure = figures.heat_map(CELLS.drop(1), "loss", "rate", title="Hot", label="modes")
    assert words(figure.axes[0])[::2] == ["2", "8", "11"]
    assert np.isnan(figure.axes[0].images[0].get_array().filled(np.nan)[0, 1])


def test_a_heat_map_keeps_the_order_of_its_cells_of_any_kind():
    cells = CELLS.assign(loss=CELLS.loss == "hinge")  # True first
    axes = figures.heat_map(cells, "loss", "rate", title="Hot", label="modes").axes[0]
    assert axes.images[0].get_array().tolist() == [[2, 5], [8, 11]]
    assert labels(axes.yaxis) == ["True", "False"]
    assert [one.xy for one in axes.texts[::2]] == [(0, 0), (1, 0), (0, 1), (1, 1)]


RATIOS = ["1:16", "1:8", "1:1", "8:1", "16:1"]


def of_ratios(missing=()):
    """Cells of two settings, the first of which lacks some ratios, in an order of their own."""
    rows = [
        {"trial": trial, "setting": setting, "ratio": ratio, "modes": 1.0}
        for trial, (setting, ratio) in enumerate(itertools.product(("plain", "hinge"), RATIOS))
        if setting == "hinge" or ratio not in missing
    ]
    rows = order.ordered(pd.DataFrame(rows), ratio=RATIOS, setting=["plain", "hinge"])
    return by_cell(rows.sample(frac=1, random_state=0), ["setting", "ratio"], "modes")


@pytest.mark.parametrize("missing", [(), ("1:16", "1:8"), ("1:1", "16:1"), RATIOS])
def test_values_keep_their_order_whatever_is_missing(missing):
    """Neither as strings are sorted, nor as they first appear."""
    cells, shown = of_ratios(missing), {"title": "Ordered", "label": "modes"}
    tried = [ratio for ratio in RATIOS if ratio not in missing]
    assert cells.ratio.tolist() == tried + RATIOS
    grid = figures.heat_map(cells, "setting", "ratio", **shown).axes[0]
    assert labels(grid.xaxis) == RATIOS
    settings = ["plain", "hinge"] if tried else ["hinge"]
    assert labels(grid.yaxis) == settings
    lines = figures.points(cells, "ratio", "setting", **shown)
    assert labels(lines.axes[0].yaxis) == RATIOS
    assert [one.get_text() for one in lines.legends[0].get_texts()] == settings
    drawn = figures.curves(cells.assign(x=1.0), "x", "ratio", **shown).axes[0].lines
    assert [line.get_label() for line in drawn] == RATIOS


def test_numbers_that_have_an_order_are_numbers_in_tables():
    cells = order.ordered(pd.DataFrame({"k": [8, 1], "name": ["a", "b"]}), k=[1, 8], name="ba")
    assert tables.is_number(cells) == [True, False]
    assert cells.sort_values("k").name.tolist() == ["b", "a"]


def test_a_value_without_a_place_is_refused():
    with pytest.raises(ValueError, match=r"k has values without a place: \['7'\]"):
        order.ordered(pd.DataFrame({"k": [1, 7]}), k=[1, 8])


def test_curves_have_bands_a_legend_and_references():
    figure = curves(references={"all modes": 12.0}, x_scale="log")
    (axes,) = figure.axes
    hinge, wasserstein, reference = axes.lines
    for line, name in ((hinge, "hinge"), (wasserstein, "wasserstein")):
        cells = LINES[LINES.loss == name]
        assert line.get_xydata().tolist() == cells[["rounds", "estimate"]].to_numpy().tolist()
        band = axes.collections[0 if name == "hinge" else 1].get_paths()[0].vertices
        assert {*cells.low, *cells.high} <= set(band[:, 1])
    assert hinge.get_color() != wasserstein.get_color()
    assert reference.get_ydata() == [12.0, 12.0]
    assert words(axes) == ["all modes"]
    (legend,) = figure.legends
    assert [one.get_text() for one in legend.get_texts()] == ["wasserstein", "hinge"]
    assert legend.get_title().get_text() == "loss"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rounds", "modes (of 12)")
    assert axes.get_xscale() == "log"
    figure.draw_without_rendering()
    assert labels(axes.xaxis)[1:-1] == ["10"]  # not 10 to the first


@pytest.mark.parametrize("group", [None, "rate"])
def test_dots_are_where_the_estimates_are(group):
    figure = points(group, references={"all": 12.0})
    (axes,) = figure.axes
    assert labels(axes.yaxis) == ["hinge", "wasserstein"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first on top
    dots = [bar.lines[0].get_xdata().tolist() for bar in axes.containers]
    assert dots == ([[2, 8], [5, 11]] if group else [[3.5, 9.5]])
    first = axes.containers[0].lines[2][0].get_segments()[0]
    cells = CELLS if group else by_cell(LAST, ["loss"], "modes")
    assert first[:, 0] == pytest.approx([cells.low[0], cells.high[0]])
    assert words(axes) == ["all"]
    assert len(figure.legends) == bool(group)


def test_cells_of_one_trial_are_shown_without_intervals():
    cells = by_cell(LAST[LAST.seed == 0], ["loss", "rate"], "modes")
    shown = {"title": "Each", "label": "modes (of 12)"}
    assert words(figures.heat_map(cells, "loss", "rate", **shown).axes[0]) == ["0", "3", "6", "9"]
    dots = figures.points(cells, "loss", "rate", **shown).axes[0].containers
    segments = [one for bar in dots for one in bar.lines[2][0].get_segments()]
    assert [(one[0, 0], one[1, 0]) for one in segments] == [(0, 0), (6, 6), (3, 3), (9, 9)]


def test_clouds_share_their_plane_and_tell_what_is_not_on_it():
    clouds = {
        "on": np.zeros((10, 2)),
        "off": np.array([[0, 0], [np.nan, 0], [9, 0], [0, 1.0]]),
        **{str(number): RING for number in range(3)},
    }
    figure = sheets.scatter_sheet(clouds, RING, title="Clouds")
    assert [axes.get_title() for axes in figure.axes] == [
        "on",
        "off\n(50.0% outside)",
        *"012",
    ]
    assert {(*axes.get_xlim(), *axes.get_ylim()) for axes in figure.axes} == {(-2.5, 2.5) * 2}
    for axes, cloud in zip(figure.axes, clouds.values(), strict=True):
        drawn, centres = (one.get_offsets() for one in axes.collections)
        finite = np.isfinite(cloud).all(axis=1)
        np.testing.assert_array_equal(drawn[finite], cloud[finite])
        np.testing.assert_array_equal(centres, RING)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_in_rows(channels):
    images = np.random.default_rng(0).integers(256, size=(2, 3, 4, 5, channels), dtype=np.uint8)
    figure = sheets.image_sheet({"early": images[0], "late": images[1]}, title="Images")
    assert [axes.get_ylabel() for axes in figure.axes] == ["early", "late"]
    for axes, row in zip(figure.axes, images, strict=True):
        drawn = axes.images[0].get_array().reshape(4, 3 * 5 + 2, channels)
        for number, image in enumerate(row):
            np.testing.assert_array_equal(drawn[:, 6 * number : 6 * number + 5], image)


def image_sheet():
    names = [f"{digit} to 4: great circle" for digit in range(12)]
    return sheets.image_sheet(
        dict.fromkeys(names, np.zeros((13, 28, 28, 1), np.uint8)), title="Long names"
    )


@pytest.mark.parametrize(
    ("make", "more"),
    [
        (heat_map, {}),
        (curves, {"references": {"all modes": 12.0}}),
        (points, {"references": {"all": 12.0}}),
        (image_sheet, {}),
    ],
)
def test_nothing_is_cut_off(make, more):
    figure = make(**more)
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= figure.get_figwidth()
    assert box.y1 <= figure.get_figheight()


def test_figures_leave_no_trace():
    before = dict(matplotlib.rcParams)
    heat_map()
    assert dict(matplotlib.rcParams) == before
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.00012345, "0.000123"),
        (8.0, "8"),
        (99.96, "100"),
        (999.6, "1,000"),
        (123456.7, "123,457"),
        (1e9, "1e+09"),
        (-1234.5, "-1,234"),
        (np.float32(0.5), "0.5"),
        (np.nan, "-"),
        (12345, "12345"),
        ("adam", "adam"),
    ],
)
def test_text(value, expected):
    assert text(value) == expected


# Pages


PROVENANCE = {
    "command": "sweep --study=<here>",
    "cost": "12 device-seconds",
    "versions": {"jax": "0.10.2", "note": "</pre><b>"},
}


def report(**more):
    table = CELLS.assign(note=["a|b", "<i>", "x_1", "_y_"])
    sections = [
        Section("Modes & rates", "First.\n\nSecond <b>.", heat_map(), None, '3 "seeds" a cell'),
        Section("Rounds", "", curves(), table.set_index("loss"), "5 < 6"),
        Section("Words alone", "# no heading"),
    ]
    given = {
        "title": "Modes of <the> ring",
        "question": "Which loss & rate?",
        "claim": Claim("C3", "Modes collapse."),
        "refuted_by": "No <difference>.",
        "answer": "Wasserstein covers 6 more modes & no fewer.",
        "status": "only when",
        "details": "Hinge <does> not.\n\nNor the rest.",
        "sections": sections,
    }
    return Report(**given | more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "report"
    page.write(report(), folder, PROVENANCE)
    return folder


VOID = {"meta", "img"}


class Parsed(HTMLParser):
    """What a page says and links to; refuses what is not balanced."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.links, self.words, self.alts = [], [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in ("src", "href", "srcset", "data")]
        self.alts += [value for key, value in attrs if key == "alt"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words += [data.strip()] if data.strip() else []
        else:
            assert "url(" not in data
            assert "@import" not in data


def test_the_page_needs_nothing_else(folder):
    parsed = Parsed((folder / "report.html").read_text(encoding="utf-8"))
    assert {"script", "link", "iframe", "object"}.isdisjoint(parsed.tags)
    kind = "data:image/svg+xml;base64,"
    assert [link[: len(kind)] for link in parsed.links] == [kind] * 2
    for link in parsed.links:
        assert ElementTree.fromstring(base64.b64decode(link[len(kind) :])).tag.endswith("svg")


def test_the_page_says_it_all_as_it_was_said(folder):
    parsed = Parsed((folder / "report.html").read_text(encoding="utf-8"))
    said = report()
    for words in (said.title, said.question, said.claim.text, said.refuted_by, said.headline):
        assert words in parsed.words
    assert "Claim C3" in parsed.words
    assert parsed.alts == ['3 "seeds" a cell', "5 < 6"]
    assert {"Hinge <does> not.", "Nor the rest."} <= set(parsed.words)
    assert {"First.", "Second <b>.", "5 < 6", "<i>", "a|b"} <= set(parsed.words)
    assert {"sweep --study=<here>", "12 device-seconds", "versions"} <= set(parsed.words)
    assert any('"note": "</pre><b>"' in words for words in parsed.words)
    assert {"b", "i"}.isdisjoint(parsed.tags)
    assert [parsed.tags.count(tag) for tag in ("h2", "p", "tr")] == [4, 6, 5 + 2]


def test_the_markdown_and_its_figures(folder):
    lines = (folder / "report.md").read_text(encoding="utf-8").splitlines()
    pictures = [line.split("](")[1].rstrip(")") for line in lines if line.startswith("![")]
    assert pictures == ["figures/01-modes-rates.png", "figures/02-rounds.png"]
    assert sorted(path.name for path in (folder / "figures").iterdir()) == [
        path.removeprefix("figures/") for path in pictures
    ]
    for picture in pictures:
        with Image.open(folder / picture) as image:
            assert (image.format, image.width > 500) == ("PNG", True)
    assert lines[0] == r"# Modes of \<the\> ring"
    assert lines[2] == r"**◐ Only in some settings: Wasserstein covers 6 more modes \& no fewer.**"
    assert lines[4:8:2] == [r"Hinge \<does\> not.", "Nor the rest."]
    assert lines[8] == "- Question: Which loss \\& rate?"
    assert r"\# no heading" in lines
    assert r"- command: sweep --study=\<here\>" in lines
    table = [line for line in lines if line.startswith("|")]
    assert table[1] == "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    last_cells = [line.split(" | ")[-1] for line in table[2:]]
    assert last_cells == [r"a\|b |", r"\<i\> |", "x_1 |", r"\_y\_ |"]


def test_the_same_report_is_the_same_page(folder, tmp_path):
    again = report()
    for _ in range(2):  # also when its figures have been drawn before
        page.write(again, tmp_path, PROVENANCE)
        for name in ("report.html", "report.md", "figures/02-rounds.png"):
            assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("status", MARKS)
def test_every_status_has_its_colour(status):
    source = page.page(report(status=status, sections=()), {})
    name = status.replace(" ", "-")
    assert f'<header class="{name}">' in source
    assert f".{name} {{" in source


def test_an_unknown_status_is_refused():
    with pytest.raises(InputError, match=r"^report\.status=proven: unknown, choose from confirmed"):
        report(status="proven", sections=())


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file: the report can't be written: "):
        page.write(report(sections=()), tmp_path / "file", {})

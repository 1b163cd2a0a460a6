"""Studies: their trials can be run, and their verdicts follow from numbers made up here."""

import functools
import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from configs import base
from experiments.common import sentences, verdicts
from gan_jax import data
from gan_jax.config.fields import flatten
from gan_jax.config.hyperparameters import structure
from gan_jax.config.setup import build
from gan_jax.core.files import to_json
from gan_jax.data.mixtures import MIXTURES
from gan_jax.game.schemes import updates_per_round
from gan_jax.study import figures, page
from gan_jax.study.markdown import markdown
from gan_jax.study.statistics import Interval, interval, paired
from gan_jax.sweep import study as studies
from gan_jax.sweep.trial_schedule import schedules, steps_per_dispatch

EXPERIMENTS = Path(base.__file__).parents[1] / "experiments"
MOST_STRUCTURES = 25
GOOD = {"modes": 1.0, "high_quality": 0.9, "reverse_kl": 0.01, "covariance_ratio": 0.8}
BAD = {"modes": 0.25, "high_quality": 0.3, "reverse_kl": 0.7, "covariance_ratio": 0.2}


class Case(NamedTuple):
    """A study, and what its claim says of a table of results.

    Attributes:
        worse: Which rows are worse where the claim is true.
        thin: Which trials make its report quick to test.
        true: The verdict where the claim is true of all rows that are worse.
    """

    worse: Callable[[pd.DataFrame], pd.Series]
    thin: Callable[[dict], bool] = lambda flat: True
    true: str = "confirmed"


STUDIES = {
    "step_ratio": Case(
        worse=lambda rows: rows["schedule.generator"] == 16,
        thin=lambda flat: (
            flat["penalty.name"] == "none"
            and flat["schedule.discriminator"] in (1, 16)
            and flat["schedule.generator"] in (1, 16)
        ),
    ),
    "optimizers": Case(
        worse=lambda rows: rows["optim.generator.name"] == "sgd",
        thin=lambda flat: (
            flat["data.name"] != "grid"
            and flat["optim.generator.name"] in ("sgd", "adam")
            and flat["optim.generator.learning_rate"] in (3e-3, 5e-3, 1e-2)
        ),
    ),
    # Only the penalties gain: the losses without one are all alike.
    "losses": Case(
        worse=lambda rows: rows["penalty.name"] == "none",
        thin=lambda flat: flat["loss"] in ("non_saturating", "hinge"),
        true="only when",
    ),
    # Good until half of the run: then samples get worse, and the edge with them.
    "equilibrium": Case(
        worse=lambda rows: rows["step"] > rows["train.steps"] / 2,
        thin=lambda flat: flat["penalty.name"] == "none",
        true="only when",
    ),
    "published": Case(
        worse=lambda rows: (
            (rows["model.discriminator.pack"] == 1) & (rows["schedule.scheme"] != "unrolled")
        ),
    ),
}


@functools.cache
def loaded(name: str) -> studies.Study:
    path = EXPERIMENTS / f"{name}.py"
    return studies.load(path, studies._load(path).get_config())


def without_charts(monkeypatch) -> None:
    """Reports of words and tables alone, which are made in a tenth of the time."""
    for chart in ("curves", "heat_map", "points"):
        monkeypatch.setattr(figures, chart, lambda *_, **__: None)


def made_up(case: Case, trials, *, holds: bool, seeds: int) -> pd.DataFrame:
    """A table of results in which the claim holds or not."""
    rng, rows = np.random.default_rng(0), []
    for trial in trials:
        flat = flatten(trial.config)
        if flat["seed"] >= seeds or not case.thin(flat):
            continue
        k, m = updates_per_round(trial.config.schedule, 100)
        ends = range(flat["eval.every"], flat["train.steps"] + 1, flat["eval.every"])
        for step in sorted({*ends, flat["train.steps"]}):
            counts = {"generator/updates": step * m, "discriminator/updates": step * k}
            rows.append({"trial": trial.number, "step": step, "diverged_at": -1} | counts | flat)
    table = pd.DataFrame(rows)
    worse, images = case.worse(table) & holds, ~table["data.name"].isin(MIXTURES)
    most = table["data.name"].map({name: len(one.centres) for name, one in MIXTURES.items()})
    for name in GOOD:
        table[f"mixture_2500/{name}"] = np.where(worse, BAD[name], GOOD[name])
    table["mixture_2500/modes"] = (most * table["mixture_2500/modes"]).round()
    table["mixture_2500/high_quality"] += rng.normal(0, 0.01, len(table))
    for name in ("train", "held_out", "generated"):
        table[f"discriminator/accuracy_{name}"] = np.where(holds & ~worse, 0.52, 0.8)
    table.loc[images, [f"mixture_2500/{name}" for name in GOOD]] = np.nan
    if images.any():
        table["mnist_cnn_1k/frechet"] = np.where(images, 50 + 100 * worse, np.nan)
    return table


@pytest.mark.parametrize("name", STUDIES)
def test_all_trials_can_be_run_in_few_programs(name):
    trials = loaded(name).trials
    structures = {}
    for trial in trials:
        structures.setdefault(to_json(structure(trial.config)), []).append(trial.config)
    assert len(structures) <= MOST_STRUCTURES
    for configs in structures.values():
        if configs[0].data.name not in MIXTURES:
            continue
        seeds = {config.seed for config in configs}
        assert len(seeds) >= 10
        points = data.load(configs[0].data)
        # Seeds differ in what is drawn, not in how long a trial takes: one of them is enough.
        setups = [build(config, points) for config in configs if config.seed == min(seeds)]
        assert steps_per_dispatch(schedules(setups)[1]) >= 20


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize(
    ("holds", "seeds", "status"),
    [(True, 8, None), (False, 8, "refuted"), (True, 2, "undecided")],
)
def test_the_verdict_follows_from_the_numbers(name, holds, seeds, status, monkeypatch):
    if status is not None:
        without_charts(monkeypatch)
    study = loaded(name)
    report = study.report(made_up(STUDIES[name], study.trials, holds=holds, seeds=seeds))
    assert report.status == (status or STUDIES[name].true)
    if status is None:
        assert len(page.page(report, {})) > 50_000


# Verdicts


def rows_of(differences: dict[str, list[float]]) -> pd.DataFrame:
    """Trials of which `old` measures 1, and `new` so much more."""
    return pd.DataFrame(
        [
            {"place": place, "side": side, "seed": seed, "measure": 1 + more * (side == "new")}
            for place, all_more in differences.items()
            for seed, more in enumerate(all_more)
            for side in ("old", "new")
        ]
    )


CLEAR, NONE, UNSURE = [2.0, 2.1, 1.9] * 3, [0.0] * 9, [2.0, -2.0, 0.5] * 3


@pytest.mark.parametrize(
    ("differences", "status", "outcomes"),
    [
        ({"a": CLEAR, "b": CLEAR}, "confirmed", ["holds", "holds"]),
        ({"a": NONE, "b": [-2.0] * 9}, "refuted", ["fails", "fails"]),
        ({"a": CLEAR, "b": NONE}, "only when", ["holds", "fails"]),
        ({"a": CLEAR, "b": UNSURE}, "only when", ["holds", "undecided"]),
        ({"a": NONE, "b": UNSURE}, "undecided", ["fails", "undecided"]),
        ({"a": CLEAR[:5]}, "undecided", ["undecided"]),
        ({}, "undecided", []),
    ],
)
def test_verdicts(differences, status, outcomes):
    rows = rows_of(differences)
    found = {}
    if differences:
        found = verdicts.compare(rows, "measure", "side", ("new", "old"), ["place"])
    verdict = verdicts.verdict_of(found, margin=0.5)
    assert (verdict.status, list(verdict.table.claim)) == (status, outcomes)
    for place, all_more in differences.items():
        assert found[place].difference.estimate == pytest.approx(np.mean(all_more))


def test_a_setting_without_one_side_is_left_out_and_so_is_a_seed():
    rows = rows_of({"a": CLEAR, "b": CLEAR}).drop(index=0)
    rows = rows[(rows.place == "a") | (rows.side == "new")]
    found = verdicts.compare(rows, "measure", "side", ("new", "old"), ["place"])
    assert {place: one.difference.num for place, one in found.items()} == {"a": 8}


# Sentences


def decided(*differences):
    """The verdict on settings a, b, c whose pairs differ by so much."""
    pairs = zip("abcdef", differences, strict=False)
    found = {name: paired(all_more, [0.0] * len(all_more)) for name, all_more in pairs}
    return verdicts.verdict_of(found, margin=0.5, each="ratio")


@pytest.mark.parametrize(
    ("differences", "where"),
    [
        ([CLEAR, CLEAR], "in all 2 ratios"),
        ([CLEAR], "in the only ratio"),
        ([CLEAR, NONE, NONE], "in 1 of 3 ratios"),
        ([CLEAR, NONE, UNSURE], "in 1 of 3 ratios (1 undecided)"),
        ([NONE, NONE], "in none of 2 ratios"),
        ([NONE], "not in the only ratio"),
        ([UNSURE], "not in the only ratio (1 undecided: wide intervals)"),
        ([NONE, UNSURE], "in none of 2 ratios (1 undecided: wide intervals)"),
        ([CLEAR[:5], CLEAR[:3]], "in none of 2 ratios (2 undecided: few pairs)"),
        ([], "in no ratio, as none could be tried"),
    ],
)
def test_where_a_claim_holds(differences, where):
    assert decided(*differences).where == where


def test_the_median_setting_is_one_of_them():
    shifted = [[shift + more for more in CLEAR] for shift in (3.0, 0.0, 1.0, 2.0)]
    for num, middle in ((1, 0), (2, 1), (3, 2), (4, 2)):
        assert decided(*shifted[:num]).median == pytest.approx(interval(shifted[middle]))
    assert decided().median.num == 0


def test_the_rest_names_settings_or_says_how_far_they_reach():
    assert decided(CLEAR, NONE, [2.0] * 5).rest == (
        "It holds in 1 ratio: 2 (95 % interval 1.9 to 2.1) for a. "
        "It fails in 1 ratio: 0 (95 % interval 0 to 0) for b. "
        "It is undecided in 1 ratio: 2 (95 % interval 2 to 2) for c."
    )
    many = [[shift + more for more in CLEAR] for shift in range(verdicts.MOST_NAMED + 1)]
    assert decided(*many).rest == "It holds in 5 ratios: differences from 2 to 6."
    assert decided().rest == ""


@pytest.mark.parametrize(
    ("found", "unit", "said"),
    [
        (Interval(2.54, 1.0, 3.0, 5), "modes", "higher by 2.5 modes (95 % interval 1 to 3)"),
        (Interval(-2.0, -4.0, 1.0, 5), "", "lower by 2 (95 % interval -1 to 4)"),
        (Interval(0.784, 0.78, 0.79, 5), "%", "higher by 78 % (95 % interval 78 % to 79 %)"),
        (Interval(2.0, np.nan, np.nan, 1), "", "higher by 2 (one value, no interval)"),
        (Interval(np.nan, np.nan, np.nan, 0), "modes", "higher by an unknown amount"),
    ],
)
def test_a_difference_in_words(found, unit, said):
    assert sentences.by(found, "higher", "lower", unit) == said


# Committed reports

TABLES = (EXPERIMENTS / "results").glob("*/results.parquet")
SLOW = {"image_space"}  # reads all digits for a section, which takes seconds


@pytest.mark.parametrize("name", sorted({path.parent.name for path in TABLES} - SLOW))
def test_a_committed_report_begins_with_what_its_table_says(name, monkeypatch):
    without_charts(monkeypatch)
    folder = EXPERIMENTS / "results" / name
    study = importlib.import_module(f"experiments.{name}")
    report = study.report(pd.read_parquet(folder / "results.parquet"))
    head, _ = markdown(replace(report, sections=()), {}).split("\n\n## ")
    assert (folder / "report.md").read_text(encoding="utf-8").startswith(f"{head}\n\n## ")

"""Studies of what stops a GAN: trials that can be run, and verdicts that follow the numbers."""

import functools
import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import freezing, toy_start, vanishing_gradients
from gan_jax.config.fields import flatten
from gan_jax.config.hyperparameters import structure
from gan_jax.core.files import to_json
from gan_jax.data import mixtures
from gan_jax.study import page
from gan_jax.study.markdown import markdown
from gan_jax.sweep import study as studies

ROOT = Path(__file__).parent.parent
STUDIES = ("vanishing_gradients", "freezing", "toy_start")
MOST_STRUCTURES = 25


@pytest.fixture(scope="module", params=STUDIES)
def study(request):
    return load(request.param)


@functools.cache
def load(name):
    module = importlib.import_module(f"experiments.{name}")
    return studies.load(ROOT / "experiments" / f"{name}.py", module.get_config())


def table(name, evaluations, measure, seeds=10, only=lambda flat: True):
    """A table of results as a sweep's, with invented measures.

    Args:
        name: The study.
        evaluations: A function of a trial's fields to the steps at which it is evaluated.
        measure: A function of its fields, a step and a random generator to what is measured then.
        seeds: How many seeds are kept.
        only: Which trials are kept, by their fields.
    """
    rng, rows = np.random.default_rng(0), []
    for trial in load(name).trials:
        flat = flatten(trial.config)
        if flat["seed"] < seeds and only(flat):
            for step in evaluations(flat):
                measured = MIXTURE | DIAGNOSTICS | measure(flat, step, rng)
                rows.append({"trial": trial.number, "step": step} | measured | flat)
    return pd.DataFrame(rows)


MIXTURE = {
    "mixture_2500/modes": 8.0,
    "mixture_2500/reverse_kl": 0.0,
    "mixture_2500/covariance_ratio": 0.9,
    "mixture_2500/high_quality": 0.9,
    "diverged_at": -1,
}
DIAGNOSTICS = {
    "discriminator/accuracy_held_out": 1.0,
    "discriminator/accuracy_generated": 1.0,
    "generator/saturation": -0.5,
    "generator/gradient_cosine": 0.0,
}


def test_trials_are_of_few_structures(study):
    assert len({to_json(structure(trial.config)) for trial in study.trials}) <= MOST_STRUCTURES
    assert len({flatten(trial.config)["seed"] for trial in study.trials}) >= 10


# Vanishing gradients

NORMS = [f"generator/gradient_norm{layer}" for layer in ("", "/Dense_0", "/Dense_2")]


def gradients(orders, *, accuracy=1.0, noise=0.1, losses=("minimax", "hinge"), **more):
    """Norms that fall by so many orders of magnitude, by loss, till the end."""

    def measure(flat, step, rng):
        stop = flat["optim.generator.stop"]
        share = max(step - stop, 0) / 8_000
        lost = orders[flat["loss"]] * share * (flat["penalty.name"] == "none")
        norms = {norm: 10 ** (rng.normal(0, noise) - lost) for norm in NORMS}
        return norms | {"discriminator/accuracy_generated": 2 * accuracy - 1}

    def evaluations(flat):
        return (250, 1_000, 4_000, 8_250, 9_000)

    return table(
        "vanishing_gradients",
        evaluations,
        measure,
        only=lambda flat: flat["loss"] in losses,
        **more,
    )


@pytest.mark.parametrize(
    ("minimax", "hinge", "accuracy", "status"),
    [
        (4, 4, 1.0, "confirmed"),
        (0, 0, 1.0, "refuted"),
        (4, 0, 1.0, "only when"),
        (4, 4, 0.8, "undecided"),
        (2, 2, 1.0, "undecided"),
    ],
)
def test_gradients_vanish_for_the_losses_that_lose_more_than_two_orders(
    minimax, hinge, accuracy, status
):
    results = gradients({"minimax": minimax, "hinge": hinge}, accuracy=accuracy, noise=0.3)
    assert load("vanishing_gradients").report(results).status == status


def test_what_is_left_is_counted_from_the_stop():
    results = gradients({"minimax": 4, "hinge": 0}, noise=0.0, seeds=1)
    rows = vanishing_gradients.since_stop(results)
    assert (rows.groupby("trial").k.min() == 0).all()
    assert set(rows[rows.loss == "hinge"]["left generator/gradient_norm"]) == {0.0}
    plain = rows[(rows.loss == "minimax") & (rows["penalty.name"] == "none")]
    expected = -4 * plain.k / 8_000
    np.testing.assert_allclose(plain["left generator/gradient_norm"], expected, atol=1e-12)


def test_a_gradient_that_is_lost_to_divergence_has_not_vanished():
    results = gradients({"minimax": 4, "hinge": 4})
    late = results.step > results["optim.generator.stop"]
    results.loc[late, NORMS] = np.nan
    assert load("vanishing_gradients").report(results).status == "refuted"
    results.loc[late, NORMS] = 0.0
    assert load("vanishing_gradients").report(results).status == "confirmed"


# Freezing


def shares(scores, *, noise=0.02, **more):
    """Shares within 3 sigma of all modes, by scheme."""

    def measure(flat, step, rng):
        scheme = flat["schedule.scheme"]
        epoch = flat["schedule.unit"] == "epoch"
        return {
            "generator/updates": step * (freezing.PER_EPOCH if epoch else 1),
            "mixture_2500/high_quality": scores.get(scheme, 0.8) + rng.normal(0, noise),
        }

    def evaluations(flat):
        last = flat["train.steps"]
        return (last // 3, 2 * last // 3, last)

    def only(flat):
        return flat["optim.generator.learning_rate"] == 3e-3

    return table("freezing", evaluations, measure, only=only, **more)


@pytest.mark.parametrize(
    ("scores", "status"),
    [
        ({"joint": 0.1, "simultaneous": 0.4}, "confirmed"),
        ({}, "refuted"),
        ({"joint": 0.1}, "only when"),
        ({"alternating": 0.1, "joint": 0.1, "simultaneous": 0.1}, "undecided"),
    ],
)
def test_holding_matters_where_scores_without_it_are_lower(scores, status):
    results = shares(scores)
    assert load("freezing").report(results).status == status


def test_turns_of_an_epoch_make_as_many_updates():
    trials = [flatten(trial.config) for trial in load("freezing").trials]
    updates = {
        flat["train.steps"] * (freezing.PER_EPOCH if flat["schedule.unit"] == "epoch" else 1)
        for flat in trials
    }
    assert len(updates) == 1
    assert mixtures.TRAIN_POINTS // trials[0]["train.batch_size"] == freezing.PER_EPOCH


# Where a GAN can start


SLOW = 1e-5  # rates below it


def starts(accuracy, reached, *, noise=0.01, **more):
    """What is told and reached, as functions of the discriminator's width and rate."""

    def measure(flat, step, rng):
        setting = flat["model.discriminator.width"], flat["optim.discriminator.learning_rate"]
        share = 2 * (accuracy(*setting) + rng.normal(0, noise)) - 1
        held = flat["optim.generator.stop"] == toy_start.AT_START
        quality = 0.002 if held else max(reached(*setting) + rng.normal(0, noise), 0)
        return {
            "discriminator/accuracy_generated": share,
            "mixture_2500/high_quality": quality,
        }

    def only(flat):
        return flat["model.generator.initial_scale"] == toy_start.SCALES[0]

    return table("toy_start", lambda flat: (flat["train.steps"],), measure, only=only, **more)


@pytest.mark.parametrize(
    ("blind", "reached", "status"),
    [
        (0.5, lambda width, rate: 0.01 if rate < SLOW else 0.5, "confirmed"),
        (0.5, lambda width, rate: 0.5, "refuted"),
        (0.5, lambda width, rate: 0.01 if rate < SLOW and width < 64 else 0.5, "only when"),
        (0.9, lambda width, rate: 0.01 if rate < SLOW else 0.5, "undecided"),
        (0.5, lambda width, rate: 0.01, "undecided"),
    ],
    ids=["blind-nowhere", "blind-all-the-same", "blind-and-wide", "none-blind", "none-starts"],
)
def test_starts_decide_where_discriminators_are_blind_that_need_not_be(blind, reached, status):
    results = starts(lambda width, rate: blind if rate < SLOW else 0.95, reached)
    assert load("toy_start").report(results).status == status


def test_a_width_that_never_trains_a_gan_does_not_count():
    """Width 2 starts nowhere, whatever it tells."""
    trials = toy_start.side_by_side(
        starts(
            lambda width, rate: 0.5 if rate < SLOW else 0.95,
            lambda width, rate: 0.01 if rate < SLOW or width == 2 else 0.5,
        )
    )
    cells = toy_start.settings(trials)
    assert set(cells[cells.able].width) == {8, 64}
    assert set(cells[cells.blind].width) == {2, 8, 64}


def test_ranks_agree_where_what_is_told_decides():
    def told(width, rate):
        return 0.5 + width / 200

    rising = starts(told, lambda width, rate: 0.1 + width / 200, noise=0)
    overall, within = toy_start.correlations(toy_start.side_by_side(rising))
    assert overall.estimate == pytest.approx(1)
    assert within.estimate == 0  # equal values, but for the width
    falling = starts(told, lambda width, rate: 0.9 - width / 200, noise=0)
    overall, _ = toy_start.correlations(toy_start.side_by_side(falling))
    assert overall.estimate == pytest.approx(-1)


# Pages

MADE = {
    "vanishing_gradients": lambda: gradients({"minimax": 4, "hinge": 0}, seeds=2),
    "freezing": lambda: shares({"joint": 0.1}, seeds=1),
    "toy_start": lambda: starts(lambda width, rate: 0.7, lambda width, rate: 0.3, seeds=2),
}


def test_few_seeds_make_a_page(study):
    results = MADE[study.path.stem]()
    report = study.report(results)
    charts = sum(section.figure is not None for section in report.sections)
    assert page.page(report, {}).count('src="data:image/svg') == charts > 0
    assert report.claim.text in markdown(report, {})
    assert report.status == "undecided"  # no test tells so few pairs apart

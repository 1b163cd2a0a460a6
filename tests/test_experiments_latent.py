"""Studies of latent space: trials that can be run, and verdicts that follow the numbers."""

import functools
import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import image_space, near_zero
from experiments.common import dimension
from experiments.common.verdicts import LEAST_PAIRS
from gan_jax.config.fields import flatten
from gan_jax.config.hyperparameters import structure
from gan_jax.core.files import to_json
from gan_jax.study import page
from gan_jax.sweep import study as studies

ROOT = Path(__file__).parent.parent
STUDIES = ("near_zero", "image_space")


@functools.cache
def load(name):
    module = importlib.import_module(f"experiments.{name}")
    return studies.load(ROOT / "experiments" / f"{name}.py", module.get_config())


def table(name, measure, seeds=8):
    """A table of results as a sweep's, with invented measures.

    Args:
        name: The study.
        measure: A function of a trial's fields and a random generator to what is measured.
        seeds: How many seeds are kept.
    """
    rng, rows = np.random.default_rng(0), []
    for trial in load(name).trials:
        flat = flatten(trial.config)
        if flat["seed"] < seeds:
            own = {"trial": trial.number, "step": flat["train.steps"], "diverged_at": -1}
            rows.append(own | measure(flat, rng) | flat)
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name", STUDIES)
def test_trials_are_of_few_structures_and_can_be_probed(name):
    study = load(name)
    assert len({to_json(structure(trial.config)) for trial in study.trials}) <= 9
    runs = pd.DataFrame([flatten(trial.config) for trial in study.trials])
    for setting in ("model.prior", "model.latent"):  # over which the claims are tried
        assert runs[setting].value_counts().min() >= LEAST_PAIRS
    assert callable(study.probe)
    assert callable(study.exhibit)


# Near 0


def by_radius(near, *, by_prior=None, **more):
    """Shares of meaningful images near 0, by prior or for all; typical ones have 0.4."""

    def measure(flat, rng):
        low = (by_prior or {}).get(flat["model.prior"], near)
        found = {}
        places = {"zero": round(low), "near": low, "typical": 0.4, "real": 0.77}
        places |= {f"radius {one:g}": low + (0.4 - low) * min(one, 1) for one in near_zero.RADII}
        for place, share in places.items():
            some = share + rng.normal(0, 0.01)
            found |= {f"{place}/{one}": some for one in (*near_zero.READ, "ink", "likeness")}
            found |= {f"{place}/share_{digit}": 0.1 for digit in range(10)}
        return found

    return table("near_zero", measure, **more)


@pytest.mark.parametrize(
    ("near", "by_prior", "seeds", "status"),
    [
        (0.02, None, 6, "confirmed"),
        (0.4, None, 6, "refuted"),
        (0.25, None, 6, "refuted"),
        (0.02, {"sphere": 0.4}, 6, "only when"),
        (0.02, None, 1, "undecided"),
    ],
)
def test_near_0_means_less_where_less_than_half_as_much_is_meaningful(
    near, by_prior, seeds, status
):
    results = by_radius(near, by_prior=by_prior, seeds=seeds)
    report = load("near_zero").report(results)
    assert report.status == status
    if status == "confirmed":
        assert len(page.page(report, {})) > 50_000


def test_the_core_ends_where_half_the_share_is_reached():
    results = by_radius(0.0)
    for radius in near_zero.RADII:
        results[f"radius {radius:g}/meaningful"] = 0.4 * min(radius, 0.6)
    np.testing.assert_allclose(near_zero.core(near_zero.named(results)), 0.3)


def test_a_run_that_diverged_is_not_read():
    results = by_radius(0.02)
    results.loc[0, "diverged_at"] = 100
    assert len(near_zero.named(results)) == len(results) - 1


@pytest.mark.parametrize("n", [2, 8])
def test_how_likely_a_latent_is_near_0(n):
    chances = near_zero._visited().table.set_index(["prior", "dimensions"])
    rng = np.random.default_rng(0)
    for prior, z, typical in (
        ("normal", rng.normal(size=(200_000, n)), np.sqrt(n)),
        ("uniform", rng.uniform(-1, 1, size=(200_000, n)), np.sqrt(n / 3)),
    ):
        found = np.mean(np.linalg.norm(z, axis=1) < 0.5 * typical)
        assert chances.loc[(prior, n), "within 0.5"] == pytest.approx(found, rel=0.05)


def test_likeness_is_a_correlation_of_pixels():
    mean = np.arange(9.0).reshape(3, 3, 1)
    assert near_zero.likeness(np.stack([2 * mean + 1, 5 - mean]), mean) == pytest.approx(0)
    assert near_zero.likeness(mean[None], mean) == pytest.approx(1)


# Image space


def shares(drawn, generator, **more):
    """Shares of digits among images drawn without a generator, and among the generator's."""
    means = dict.fromkeys(image_space.KINDS, 0.3) | dict.fromkeys(image_space.DRAWN, drawn)
    means |= {"generator": generator, image_space.REAL: 0.77}
    means |= {f"noise {one}": max(0.77 - one, 0.0) for one in image_space.DEVIATIONS}

    def measure(flat, rng):
        found = {
            f"{cloud}/{way}": 10.0 for cloud in image_space.KINDS for way in image_space._DIMENSIONS
        }
        for name, mean in means.items():
            hits = rng.binomial(1_000, mean)
            found |= {f"{name}/num": 1_000.0, f"{name}/sure": 0.9, f"{name}/meaningful": hits / 1e3}
        return found

    return table("image_space", measure, **more)


@pytest.mark.parametrize(
    ("drawn", "generator", "seeds", "status"),
    [
        (0.0, 0.4, 8, "confirmed"),
        (0.4, 0.4, 8, "refuted"),
        (0.0, 0.0, 8, "only when"),
        (0.0, 0.4, 5, "undecided"),
    ],
)
def test_most_is_meaningless_where_what_is_drawn_is_rarely_a_digit(drawn, generator, seeds, status):
    report = load("image_space").report(shares(drawn, generator, seeds=seeds))
    assert report.status == status
    if status == "confirmed":
        assert "0 % (95 % interval 0 % to 0.046 %)" in report.answer
        assert len(page.page(report, {})) > 50_000


def test_noise_takes_volume_and_digits():
    results = shares(0.0, 0.4)
    sections = load("image_space").report(results).sections
    (found,) = [one for one in sections if "volume" in one.heading]
    deviation, left, volume = found.table.to_numpy().T
    np.testing.assert_array_equal(deviation, image_space.DEVIATIONS)
    first, real = (results[f"{name}/meaningful"] for name in ("noise 0.1", image_space.REAL))
    assert left[0] == pytest.approx(first.mean() / real[0])
    assert (np.diff(volume) > 0).all()
    assert volume[0] < -100


@pytest.mark.parametrize("dimensions", [2, 4])
def test_dimensions_of_a_flat_cloud(dimensions):
    rng = np.random.default_rng(0)
    frame = np.linalg.qr(rng.normal(size=(30, dimensions)))[0]
    points = 5 + rng.random((1_500, dimensions)) @ frame.T
    assert dimension.linear(points, 0.999) == dimensions
    assert dimension.maximum_likelihood(points, 10) == pytest.approx(dimensions, rel=0.12)
    assert dimension.two_nearest(points) == pytest.approx(dimensions, rel=0.12)


def test_a_ball_has_its_volume():
    assert 10 ** dimension.log10_ball(2, 3.0) == pytest.approx(9 * np.pi)
    assert 10 ** dimension.log10_ball(3, 2.0) == pytest.approx(32 / 3 * np.pi)


def test_a_gaussian_takes_the_volume_of_the_ball_that_it_is_in_many_dimensions():
    shell = dimension.log10_ball(100_000, np.sqrt(100_000))
    assert dimension.log10_gaussian(np.ones(100_000)) == pytest.approx(shell, rel=1e-4)
    assert dimension.log10_gaussian(np.array([1.0, 1e-4])) == pytest.approx(
        np.log10(2 * np.pi * np.e) - 2
    )

"""Studies of what training and latents do: measures on toys, verdicts from numbers made up here."""

import functools
import importlib
from pathlib import Path
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax.tree_util import Partial

from experiments import contours, neighbours
from experiments.common import phases
from experiments.common.neighbourhoods import (
    PARTS,
    make_look,
    ranks,
    reverse,
    turned,
    turns,
    walk,
)
from experiments.common.slopes import Digits, cosines, make_slopes, stepped
from experiments.common.verdicts import SIGNIFICANT
from gan_jax.config.fields import flatten
from gan_jax.core.streams import example_keys, root
from gan_jax.examples import IMAGE
from gan_jax.game.losses import LOSSES
from gan_jax.game.objectives import Game
from gan_jax.game.prior import Prior, sphere
from gan_jax.latent.digits import DigitPrediction
from gan_jax.models.output import DiscriminatorOutput
from gan_jax.study import page
from gan_jax.study.markdown import markdown
from gan_jax.sweep import study as studies

EXPERIMENTS = Path(neighbours.__file__).parent
STUDIES = {"neighbours": 5, "contours": 9}  # settings that p-values are corrected for


@functools.cache
def load(name):
    module = importlib.import_module(f"experiments.{name}")
    return studies.load(EXPERIMENTS / f"{name}.py", module.get_config())


@pytest.mark.parametrize("name", STUDIES)
def test_there_are_seeds_enough_for_a_verdict(name):
    study = load(name)
    seeds = {flatten(trial.config)["seed"] for trial in study.trials}
    assert len(seeds) == len(study.trials)
    assert STUDIES[name] * 2.0 ** (1 - len(seeds)) < SIGNIFICANT
    assert study.probe
    assert study.exhibit


def test_every_stage_is_kept():
    config = contours.get_config()
    assert max(contours.STAGES.values()) == config.train.steps
    for step in contours.STAGES.values():
        assert step % config.checkpoint.every == 0
        assert step > config.train.steps - config.checkpoint.keep * config.checkpoint.every


# Toys

LATENT, SIDE = 16, 5
_BASIS = np.linalg.qr(np.random.default_rng(0).normal(size=(SIDE * SIDE, LATENT)))[0].T


def flat_reading(images):
    """Pixels for features, and their first two for logits."""
    pixels = images.reshape(len(images), -1)
    return DigitPrediction(pixels, pixels[:, :2])


def linear(basis, z):
    return (z @ basis).reshape(-1, SIDE, SIDE, 1)


def torn(basis, z):
    """Two halves, far apart, of images that are otherwise linear."""
    return linear(basis, z.at[:, 0].add(30 * jnp.sign(z[:, 0])))


READ = Partial(flat_reading)
LINEAR, TORN = (make_look(Partial(one, jnp.asarray(_BASIS)), READ) for one in (linear, torn))


def latents(num, first=0):
    return np.asarray(sphere(example_keys(root(0), num, first=first), LATENT))


Z, TOWARDS = latents(40), latents(40, first=40)


def test_turned_latents_are_at_the_angle_and_as_long():
    for degrees in (0, 30, 90, np.linspace(1, 90, len(Z))):
        there = turned(Z, TOWARDS, degrees)
        np.testing.assert_allclose(np.linalg.norm(there, axis=1), LATENT**0.5, rtol=1e-5)
        np.testing.assert_allclose(
            cosines(Z, there), np.cos(np.radians(degrees)) * np.ones(len(Z)), atol=1e-5
        )
    facing = cosines(turned(Z, TOWARDS, 45), TOWARDS)
    assert np.all(facing > cosines(Z, TOWARDS))


def test_a_linear_generator_is_as_far_apart_as_its_latents():
    found = turns(LINEAR, Z, TOWARDS, (60, 90))
    chords = [2 * np.sin(np.radians(degrees) / 2) * LATENT**0.5 for degrees in (60, 90)]
    unit = np.linalg.norm(Z - TOWARDS, axis=1).mean()
    for degrees, chord in zip((60, 90), chords, strict=True):
        for view in ("pixels", "features"):
            assert found[f"turn_{degrees}/{view}"] == pytest.approx(chord / unit, rel=1e-4)
            assert found[f"turn_{degrees}/{view}_worst"] == pytest.approx(chord / unit, rel=1e-4)
    found = ranks(LINEAR, Z, TOWARDS, np.linspace(1, 90, len(Z)))
    assert all(rank == pytest.approx(1) for rank in found.values())


def test_the_same_digit_is_counted():
    upside = turns(LINEAR, Z, TOWARDS, (0, 180))
    assert upside["turn_0/same_digit"] == 1
    assert upside["turn_180/same_digit"] == 0


def test_a_tear_is_found_and_none_where_there_is_none():
    # Half of so many ways cross the tear, more than the steps that are looked at more closely.
    smooth, rough = (walk(look, latents(100), latents(100, 100), 5) for look in (LINEAR, TORN))
    for view in ("pixels", "features"):
        assert smooth[f"steep_max/{view}"] == pytest.approx(1, rel=1e-3)
        assert smooth[f"steep_999/{view}"] == pytest.approx(1, rel=1e-3)
        assert smooth[f"tear/{view}"] == pytest.approx(1 / PARTS, rel=1e-2)
        assert smooth[f"jump_max/{view}"] < 0.1
        assert rough[f"steep_max/{view}"] > 10
        assert rough[f"tear/{view}"] > 0.95
        assert rough[f"jump_max/{view}"] > 0.5


def test_similar_images_have_neighbouring_latents_where_one_is_the_other():
    found = reverse(LINEAR, Z, count=10)
    for view in ("pixels", "features"):
        assert found[f"reverse_angle/{view}"] == pytest.approx(found["nearest_angle"], rel=1e-4)
        assert found[f"reverse_rank/{view}"] == 0
        assert found[f"reverse_distance/{view}"] == pytest.approx(
            found[f"forward_distance/{view}"], rel=1e-4
        )
        assert found[f"forward_distance/{view}"] < 0.9


def test_similar_images_of_a_generator_that_forgets_have_any_latents():
    """It depends on the first two numbers only."""
    basis = _BASIS * (np.arange(LATENT) < 2)[:, None]
    z = latents(2_000)
    found = reverse(make_look(Partial(linear, jnp.asarray(basis)), READ), z, count=200)
    assert found["reverse_angle/pixels"] > 1.2 * found["nearest_angle"]
    assert found["reverse_rank/pixels"] > 0.1
    assert found["reverse_distance/pixels"] < 0.1


# Slopes


class Quadratic(nn.Module):
    """Takes for real what is near a centre."""

    @nn.compact
    def __call__(self, x, condition=None, *, train):
        centre = self.param("centre", nn.initializers.zeros, x.shape[1:])
        return DiscriminatorOutput(-jnp.sum((x - centre) ** 2, axis=range(1, x.ndim)) / 2)


SHAPE = (3, 3, 1)
GAME = Game(None, Quadratic(), LOSSES["non_saturating"], Prior(2), batch_size=4, kind=IMAGE)


def centred(centre):
    return {"params": {"centre": jnp.full(SHAPE, centre)}}


def test_slopes_of_a_quadratic_discriminator_point_at_its_centre():
    images = np.random.default_rng(0).uniform(-1, 1, (8, 9)).astype(np.float32)
    digits = Digits(READ, np.full((1, 9), 0.5, np.float32), SHAPE)
    slopes = make_slopes(GAME, SHAPE)
    right, wrong = (slopes(centred(centre), images, root(0)) for centre in (0.5, -0.5))
    np.testing.assert_allclose(cosines(right, 0.5 - images), 1, rtol=1e-5)
    assert digits.worth(images, right, 0.1)["cosine"] == pytest.approx(1, rel=1e-5)
    assert digits.worth(images, right, 0.1)["cosine_random"] == pytest.approx(1, rel=1e-5)
    assert digits.worth(images, wrong, 0.1)["cosine"] < 0.2
    assert (
        digits.worth(images, right, 0.1)["nearer"] > 0 > digits.worth(images, -right, 0.1)["nearer"]
    )


def test_a_step_straight_at_the_digit_arrives():
    images = np.full((4, 9), -0.5, np.float32)
    digits = Digits(READ, np.eye(9, dtype=np.float32)[:1], SHAPE)
    way = digits.nearest(images) - images
    worth = digits.worth(images, way, float(np.linalg.norm(way[0])))
    assert worth["nearer"] == pytest.approx(1)
    assert worth["confidence"] > 0.1  # of which of the first two pixels is lighter


def test_steps_end_where_pixels_do():
    images = np.array([[0.9, 0.0]])
    np.testing.assert_allclose(stepped(images, np.array([[3.0, 4.0]]), 1.0), [[1.0, 0.8]])
    np.testing.assert_allclose(stepped(images, np.zeros((1, 2)), 1.0), images)


def test_phases_are_the_updates_that_the_run_makes(uninterrupted, monkeypatch):
    """From one checkpoint to the next, by the same batches and the same noise."""
    monkeypatch.setattr(phases, "FAKES", 32)
    bench = phases.make_bench(uninterrupted)
    start, end = (phases.state_at(uninterrupted, step) for step in (35, 40))
    state = start
    for _ in range(5):
        state = bench.discriminator_phase(state, 1)
        state, norm = bench.generate(state)
        assert norm > 0
    assert int(state.discriminator.updates) == int(state.generator.updates) == 40
    first, expected, found = map(bench.shown, (start, end, state))
    assert np.abs(found - expected).mean() < 0.02 * np.abs(first - expected).mean()
    before, after = (bench.contours(one, first) for one in (start, state))
    assert before["cosine"] != after["cosine"]
    assert all(np.isfinite(value) for value in after.values())


class Made(NamedTuple):
    """A state that is how many updates were made, of either player."""

    discriminator: int
    made: int

    @property
    def generator(self):
        return self

    @property
    def variables(self):
        return self


class Counting:
    """A bench that measures nothing but what it was asked for."""

    def shown(self, state):
        return state

    def discriminator_phase(self, state, updates):
        return state._replace(discriminator=state.discriminator + updates)

    def generator_phase(self, state):
        return state._replace(made=state.made + 20), 0.5

    def contours(self, state, fakes):
        return {"at": state, "fakes": fakes}

    def quality(self, variables):
        return {"after": variables}


def test_a_phase_is_compared_with_none_from_the_same_state():
    bench, start = Counting(), Made(0, 0)
    first = phases.outcome(bench, start, start)
    (without, with_one), (still, with_two) = phases.alternate(bench, start, 10, first)
    assert (without["at"], without["after"]) == ((0, 0), (0, 20))
    assert (with_one["at"], with_one["after"]) == ((10, 0), (10, 20))
    assert (still["at"], still["after"]) == ((10, 20), (10, 40))
    assert (with_two["at"], with_two["after"]) == ((20, 20), (20, 40))
    assert without["fakes"] == with_one["fakes"] == (0, 0)
    assert still["fakes"] == with_two["fakes"] == (10, 20)


# Verdicts


def trials(name, measure, seeds):
    """A table of results with invented measures, by a random generator."""
    rng, rows, study = np.random.default_rng(0), [], load(name)
    some = sorted({trial.config.seed for trial in study.trials})[:seeds]
    for trial in study.trials:
        flat = flatten(trial.config)
        if flat["seed"] in some:
            found = {"trial": trial.number, "step": flat["train.steps"], "diverged_at": -1}
            rows.append(found | measure(rng) | flat)
    return pd.DataFrame(rows)


def space(mean, worst, digit):
    """Distances that rise to 1 from what they are up to ten degrees, and what goes with them."""

    def at(angle, near, far, rng):
        share = np.clip((angle - 10) / 80, 0, 1)
        return near + share * (far - near) + rng.normal(0, 0.01)

    def measure(rng):
        found = {"independent/same_digit": 0.1, "nearest_angle": 62.0}
        for angle in neighbours.ANGLES:
            place = f"turn_{angle}"
            found[f"{place}/same_digit"] = at(angle, digit, 0.1, rng)
            for view in ("pixels", "features"):
                found[f"{place}/{view}"] = at(angle, mean, 1, rng)
                found[f"{place}/{view}_worst"] = at(angle, worst, 1.3, rng)
                found[f"untrained_{place}/{view}"] = at(angle, 0.1, 1, rng)
        for view in ("pixels", "features"):
            found[f"real_nearest/{view}_same_digit"] = 0.9
            for single in (
                *("real_nearest", "real_random", "steep_999", "steep_max", "jump_max", "tear"),
                *("reverse_angle", "reverse_rank", "reverse_distance", "forward_distance"),
                *("rank_turned", "rank_independent"),
            ):
                found[f"{single}/{view}"] = rng.uniform()
        return found

    return measure


@pytest.mark.parametrize(
    ("mean", "worst", "digit", "seeds", "status"),
    [
        (0.2, 0.4, 0.8, 8, "confirmed"),
        (1.0, 1.3, 0.1, 8, "refuted"),
        (0.2, 0.8, 0.8, 8, "only when"),
        (0.2, 0.4, 0.8, 2, "undecided"),
    ],
)
def test_neighbours_are_similar_where_distances_at_ten_degrees_are_small(
    mean, worst, digit, seeds, status
):
    results = trials("neighbours", space(mean, worst, digit), seeds)
    assert load("neighbours").report(results).status == status


def test_a_run_that_diverged_has_no_similar_neighbours():
    results = trials("neighbours", space(0.2, 0.4, 0.8), 8)
    measured = [name for name in results if "/" in name or name == "nearest_angle"]
    results.loc[:4, measured] = np.nan
    assert load("neighbours").report(results).status == "undecided"
    gains = neighbours.gains(results)
    assert gains["mean pair, pixels"].difference.estimate == pytest.approx(3 / 8 * 0.8, abs=0.01)


def contour_results(cosine, samples):
    """Gains of a phase in cosine and in the logarithm of the Frechet distance, by stage and k."""

    def measure(rng):
        found = {}
        for stage in contours.STAGES:
            found[f"{stage}/frechet"] = 300.0
            for way in ("straight", "noise"):
                found |= {f"{stage}/{way}/{name}": 0.1 for name in contours.STEPPED}
            for k in contours.UPDATES:
                for phase in phases.PHASES:
                    place = f"{stage}/{k}/{phase}"
                    sides = dict.fromkeys((*contours.STEPPED, *contours.OF_PHASE), (0.1, 0.1))
                    sides["cosine"] = 0.05, 0.05 + cosine(stage, k) + rng.normal(0, 0.005)
                    log = samples(stage, k) + rng.normal(0, 0.01)
                    sides["frechet"] = 300.0, 300 * np.exp(-log)
                    for name, values in sides.items():
                        for side, value in zip(contours.SIDES, values, strict=True):
                            found[f"{place}/{name}/{side}"] = value
        return found

    return measure


@pytest.mark.parametrize(
    ("cosine", "samples", "seeds", "status"),
    [
        (lambda stage, k: 0.2, lambda stage, k: 0.3, 9, "confirmed"),
        (lambda stage, k: 0.0, lambda stage, k: 0.0, 9, "refuted"),
        (lambda stage, k: 0.0, lambda stage, k: -0.3, 9, "refuted"),
        (lambda stage, k: 0.2 * (k > 1), lambda stage, k: 0.3 * (stage == "early"), 9, "only when"),
        (lambda stage, k: 0.2, lambda stage, k: 0.3, 5, "undecided"),
    ],
    ids=["both", "neither", "worse", "early-and-long", "few"],
)
def test_contours_improve_where_phases_gain(cosine, samples, seeds, status):
    results = trials("contours", contour_results(cosine, samples), seeds)
    assert load("contours").report(results).status == status


def test_gains_are_by_measure_stage_and_k():
    results = trials(
        "contours", contour_results(lambda stage, k: k / 1_000, lambda stage, k: 0.3), 9
    )
    cosine, frechet = contours.families(contours.gained(contours.long(results)))
    assert len(cosine) == len(frechet) == STUDIES["contours"]
    for k in contours.UPDATES:
        gain = cosine[f"contours, late, k = {k}"].difference
        assert (gain.num, gain.estimate) == (9, pytest.approx(k / 1_000, abs=0.01))
    assert frechet["samples, early, k = 1"].difference.estimate == pytest.approx(0.3, abs=0.02)


def test_a_run_that_diverged_has_gained_nothing():
    results = trials("contours", contour_results(lambda stage, k: 0.2, lambda stage, k: 0.3), 9)
    results.loc[:2, [name for name in results if "/" in name]] = np.nan
    cosine, _ = contours.families(contours.gained(contours.long(results)))
    gain = cosine["contours, late, k = 10"].difference
    assert (gain.num, gain.estimate) == (9, pytest.approx(6 / 9 * 0.2, abs=0.01))
    load("contours").report(results)


MADE = {
    "neighbours": lambda: trials("neighbours", space(0.2, 0.8, 0.8), 3),
    "contours": lambda: trials("contours", contour_results(lambda *_: 0.2, lambda *_: 0.0), 3),
}


@pytest.mark.parametrize("name", MADE)
def test_few_seeds_make_a_page(name):
    report = load(name).report(MADE[name]())
    charts = sum(section.figure is not None for section in report.sections)
    assert page.page(report, {}).count('src="data:image/svg') == charts > 0
    assert report.claim.text in markdown(report, {})
    assert report.status == "undecided"

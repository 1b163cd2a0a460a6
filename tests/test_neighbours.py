"""Precision, recall, density and coverage against balls on a line and their authors' package."""

from pathlib import Path

import numpy as np
import pytest

from gan_jax.metrics import neighbours
from gan_jax.metrics.neighbours import density_coverage, nearest, precision_recall

FIXTURE = Path(__file__).with_name("fixtures") / "neighbours.npz"


def line(*points):
    return np.array(points, np.float32)[:, None]


def both(real, generated, k, **how):
    sets = {"real": real, "generated": generated, "k": k, **how}
    return precision_recall(**sets) | density_coverage(**sets)


def test_on_a_line_by_hand():
    """With one neighbour the real balls are (-100, 0), (-1, 1), (0, 2), (1, 5) and (3, 11), and
    those of the samples (-1, 2), (0.5, 3.5), (2, 7) and (4.5, 35.5)."""
    real, generated = line(-50, 0, 1, 3, 7), line(20, 0.5, 4.5, 2)
    assert both(real, generated, 1) == {
        "precision": 3 / 4,  # all but 20
        "recall": 4 / 5,  # all but -50; 7 is inside the last ball only
        "density": (0 + 2 + 2 + 1) / 4,
        "coverage": 4 / 5,  # no sample is below 0
    }


def test_a_ball_ends_before_its_radius():
    """Balls (-1, 1) and (0, 2), and both samples at 2."""
    scores = both(line(0, 1), line(2, 2), 1)
    assert (scores["precision"], scores["density"], scores["coverage"]) == (0, 0, 0)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_against_the_package_of_the_authors(k):
    with np.load(FIXTURE) as stored:
        expected = {
            name: float(stored[f"{name}_{k}"])
            for name in ("precision", "recall", "density", "coverage")
        }
        assert both(stored["real"], stored["generated"], k) == pytest.approx(expected, abs=1e-12)


def test_the_usual_numbers_of_neighbours():
    with np.load(FIXTURE) as stored:
        sets = {"real": stored["real"], "generated": stored["generated"]}
        assert precision_recall(**sets)["recall"] == stored["recall_3"]
        assert density_coverage(**sets)["density"] == pytest.approx(stored["density_5"])


def test_a_set_against_itself():
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    ones = dict.fromkeys(("precision", "recall", "density", "coverage"), 1.0)
    assert both(points, points, 4) == pytest.approx(ones)


def test_far_from_each_other():
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    assert set(both(points, points + 100, 4).values()) == {0.0}


def test_a_collapse_to_one_real_point_keeps_precision_alone():
    points = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    scores = both(points, np.tile(points[:1], (60, 1)), 3)
    assert scores["precision"] == 1
    assert scores["recall"] == 0
    assert 0 < scores["coverage"] < 0.2


def test_a_far_sample_inflates_recall_and_not_coverage():
    """A ball around one sample far off reaches its neighbours and so all that is on the way."""
    rng = np.random.default_rng(0)
    real = rng.normal(size=(60, 3)).astype(np.float32)
    samples = (rng.normal(size=(60, 3)) * 0.05).astype(np.float32)
    far = np.concatenate([samples[:-1], np.full((1, 3), 50, np.float32)])
    before, after = both(real, samples, 3), both(real, far, 3)
    assert before["recall"] < 0.1
    assert after["recall"] > 0.4
    assert abs(after["coverage"] - before["coverage"]) < 0.05


def test_samples_of_one_distribution_score_what_is_expected():
    real, generated = np.random.default_rng(0).normal(size=(2, 1500, 4)).astype(np.float32)
    scores = density_coverage(real=real, generated=generated, k=3)
    assert scores["density"] == pytest.approx(1, abs=0.1)
    assert scores["coverage"] == pytest.approx(1 - 2**-3, abs=0.03)


@pytest.mark.parametrize("block", [1, 7, 70, 90])
def test_the_blocks_size_changes_nothing(block):
    with np.load(FIXTURE) as stored:
        sets = stored["real"], stored["generated"], 3
        assert both(*sets, block=block) == both(*sets)


def test_one_program_for_any_number_of_points():
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    both(points[:9], points[:6], 2, block=16)
    compiled = neighbours._nearer._cache_size(), neighbours._inside._cache_size()
    both(points, points[:33] + 1, 2, block=16)
    assert (neighbours._nearer._cache_size(), neighbours._inside._cache_size()) == compiled


@pytest.mark.parametrize("function", [precision_recall, density_coverage])
def test_what_is_real_must_be_said(function):
    with pytest.raises(TypeError, match="positional"):
        function(line(0, 1, 2, 3, 4, 5), line(0, 1, 2, 3, 4, 5))


@pytest.mark.parametrize("function", [precision_recall, density_coverage])
def test_too_few_points_have_no_neighbours(function):
    with pytest.raises(ValueError, match="2 points have no 2 nearest neighbours"):
        function(real=line(0, 1), generated=line(0, 1, 2), k=2)


def test_the_nearest_is_not_oneself():
    points = np.array([[0.0], [1.0], [5.0], [5.5]])
    assert nearest(points, points, np.arange(4)).tolist() == [1, 0, 3, 2]
    assert nearest(points, points).tolist() == [0, 1, 2, 3]

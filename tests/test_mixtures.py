"""Mixtures: centres where the papers have them, points of the density that is claimed."""

import numpy as np
import pytest

from gan_jax.data import mixtures
from gan_jax.data.mixtures import GRID, MIXTURES, RING


def test_ring_centres_are_exact():
    half = np.sqrt(0.5)
    expected = [(1, 0), (half, half), (0, 1), (-half, half)]
    expected += [(-x, -y) for x, y in expected]
    np.testing.assert_allclose(MIXTURES["ring"].centres, expected, rtol=0, atol=1e-15)
    assert len(np.unique(RING.centres.round(6), axis=0)) == 8


def test_grid_centres_are_exact():
    expected = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert len(GRID.centres) == 25
    assert {tuple(centre) for centre in GRID.centres.tolist()} == expected


@pytest.mark.parametrize(("name", "modes", "sigma"), [("ring", 8, 0.01), ("grid", 25, 0.05)])
def test_points_have_the_density_they_claim(name, modes, sigma):
    dataset = mixtures.load(name, "auto")
    assert (len(dataset.train), len(dataset.test), dataset.source) == (100_000, 10_000, "exact")
    offsets = dataset.train - MIXTURES[name].centres[dataset.train_conditions["label"]]
    for mode in range(modes):
        own = offsets[dataset.train_conditions["label"] == mode]
        assert len(own) == pytest.approx(100_000 / modes, abs=4.8 * (100_000 / modes) ** 0.5)
        # An entry of a sample covariance has a standard deviation of at most sqrt(2 / N).
        error = 4.8 * (2 / len(own)) ** 0.5
        np.testing.assert_allclose(np.cov(own.T) / sigma**2, np.eye(2), atol=error)
    share = np.mean(np.linalg.norm(offsets, axis=1) < 3 * sigma)
    assert share == pytest.approx(1 - np.exp(-4.5), abs=0.0015)  # 98.89 %: Rayleigh within 3 sigma
    assert dataset.fingerprint == mixtures.load(name, "exact").fingerprint

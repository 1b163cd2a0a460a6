"""Images made smaller and larger."""

import jax
import numpy as np
import pytest

from gan_jax.models.resampling import double_bilinear, halve, halve_bilinear, halvings, repeat

X = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype(np.float32)


@pytest.mark.parametrize(("side", "count"), [(4, 0), (8, 1), (28, 2), (32, 3), (64, 4), (30, 1)])
def test_halvings(side, count):
    assert halvings(side) == count


def test_repeated_pixels_are_four_and_their_mean_is_the_pixel():
    assert np.array_equal(repeat(np.arange(4.0).reshape(1, 2, 2, 1))[0, :, 2, 0], [1, 1, 3, 3])
    np.testing.assert_array_equal(halve(repeat(X)), X)


def test_doubling_is_bilinear():
    expected = jax.image.resize(X, (2, 12, 16, 3), "bilinear")
    np.testing.assert_allclose(double_bilinear(X), expected, atol=1e-6)


def test_halving_is_bilinear_inside():
    """At the edges the pixels there repeat, where `jax.image.resize` weighs the others higher."""
    expected = jax.image.resize(X, (2, 3, 4, 3), "bilinear", antialias=True)
    halved = halve_bilinear(X)
    np.testing.assert_allclose(halved[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-6)
    column = np.arange(8.0).reshape(1, 8, 1, 1).repeat(2, 2)
    edges = [(0 + 0 + 3 * 1 + 2) / 8, (5 + 3 * 6 + 3 * 7 + 7) / 8]
    np.testing.assert_allclose(halve_bilinear(column)[0, [0, -1], 0, 0], edges)

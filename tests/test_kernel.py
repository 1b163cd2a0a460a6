"""The kernel distance against its formula in double precision and the moments of Gaussians."""

import numpy as np
import pytest

from gan_jax.metrics import kernel
from gan_jax.metrics.kernel import kernel_distance


def plain(real, generated):
    """The unbiased estimate with all kernels at once, and of what it is the sum."""
    real, generated = (np.asarray(points, np.float64) for points in (real, generated))

    def kernels(one, other):
        return (np.einsum("nf,mf->nm", one, other) / one.shape[1] + 1) ** 3

    def within(points):
        different = ~np.eye(len(points), dtype=bool)
        return kernels(points, points)[different].mean()

    return within(real) + within(generated) - 2 * kernels(real, generated).mean()


def sets(real=70, generated=50, features=5, seed=0):
    rng = np.random.default_rng(seed)
    shift = rng.normal(size=(real, features)), rng.normal(size=(generated, features)) + 0.3
    return {"real": shift[0].astype(np.float32), "generated": shift[1].astype(np.float32)}


def test_by_hand():
    """One feature: k(0, 0) = k(0, y) = 1, k(1, 2) = 27, k(2, 2) = 125."""
    real, generated = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    # Within: k(0, 1) = 1 and k(2, 2) = 125; across: 1, 1, 27, 27.
    assert kernel_distance(real=real, generated=generated) == 1 + 125 - 2 * 56 / 4


@pytest.mark.parametrize("numbers", [(70, 50), (2, 3), (600, 513)])
def test_against_the_formula_in_double_precision(numbers):
    given = sets(*numbers)
    assert kernel_distance(**given) == pytest.approx(plain(**given), rel=1e-5, abs=1e-5)


def test_of_features_as_large_as_the_classifiers():
    given = {name: np.maximum(points, 0) * 6 for name, points in sets(300, 200, 64).items()}
    assert 500 < np.square(given["generated"]).sum(axis=1).mean() < 2000
    assert kernel_distance(**given) == pytest.approx(plain(**given), abs=0.005)


def test_a_set_against_itself_is_below_zero():
    points = sets()["real"]
    squares = np.square(points.astype(np.float64)).sum(axis=1) / points.shape[1]
    kernels = (points.astype(np.float64) @ points.T / points.shape[1] + 1) ** 3
    different = kernels[~np.eye(len(points), dtype=bool)].mean()
    expected = 2 / len(points) * (different - ((squares + 1) ** 3).mean())
    assert expected < 0
    assert kernel_distance(real=points, generated=points) == pytest.approx(expected, rel=1e-4)


def test_gaussians_differ_by_their_first_three_moments():
    """Of one feature E(xy + 1)^3 is a sum over moments, so the distance is
    (E x^3 - E y^3)^2 + 3 (E x^2 - E y^2)^2 + 3 (E x - E y)^2."""
    rng = np.random.default_rng(0)
    real, generated = rng.normal(0.5, 0.5, (4000, 1)), rng.normal(0.0, 1.0, (4000, 1))
    expected = (0.125 + 3 * 0.5 * 0.25) ** 2 + 3 * (0.25 + 0.25 - 1) ** 2 + 3 * 0.5**2
    found = kernel_distance(real=real, generated=generated)
    assert found == pytest.approx(expected, rel=0.1)
    assert kernel_distance(real=real[::2], generated=real[1::2]) == pytest.approx(0, abs=0.02)


def test_it_has_no_bias():
    """Ten points a set: the mean over many draws is 0, that with a point's own kernel is not."""
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(300, 2, 10, 1)).astype(np.float32)
    found = [kernel_distance(real=one, generated=other, block=16) for one, other in draws]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    # E k(x, x) - E k(x, y) = 15 + 9 + 3 + 1 - 4, of a tenth of the pairs in each set.
    assert 3 * error < 2 * 24 / 10 / 2


@pytest.mark.parametrize("block", [1, 7, 70])
def test_the_blocks_size_changes_nothing_but_rounding(block):
    assert kernel_distance(**sets(), block=block) == pytest.approx(
        kernel_distance(**sets()), abs=1e-5
    )


def test_one_program_for_any_number_of_points():
    kernel_distance(**sets(9, 6), block=16)
    compiled = kernel._row_sums._cache_size()
    kernel_distance(**sets(50, 33), block=16)
    assert kernel._row_sums._cache_size() == compiled


def test_what_is_real_must_be_said():
    with pytest.raises(TypeError, match="positional"):
        kernel_distance(*sets().values())


def test_one_point_has_no_pairs():
    with pytest.raises(ValueError, match="two points a set, got 1 and 50"):
        kernel_distance(**sets(real=1))

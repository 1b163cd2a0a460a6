"""The geometry of generators whose geometry is known, and of a real one."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax.tree_util import Partial

from configs import ring_plain
from experiments.common.verdicts import verdict_of
from experiments.latent import geodesics as study
from gan_jax import latent
from gan_jax.core.streams import root, stream
from gan_jax.examples import POINT
from gan_jax.game.prior import Prior
from gan_jax.latent import geodesics as shortest
from gan_jax.latent import geometry
from gan_jax.latent.geodesics import FINE, geodesics
from gan_jax.latent.paths import linear, spherical
from gan_jax.latent.perceptual import between, features, squared_speeds
from gan_jax.study.markdown import markdown

rng = np.random.default_rng(0)


def product(matrix, z, labels=None):
    return z @ matrix


def labelled_product(matrix, z, labels):
    return z @ matrix * (1 + labels[:, None])


def matrix_map(matrix, labels_too=False):
    """z to z times a matrix; with labels, as many times more."""
    # One function for all matrices: what is made of it is compiled once for each shape.
    return Partial(labelled_product if labels_too else product, np.asarray(matrix, np.float32))


def unit_vector(z, labels=None):
    """Latents to the sphere around 0."""
    return z / jnp.linalg.norm(z, axis=1, keepdims=True)


def cylinder(z, labels=None):
    """(angle, height, ...) to the cylinder of radius 2 around the third axis."""
    return jnp.stack([2 * jnp.cos(z[:, 0]), 2 * jnp.sin(z[:, 0]), z[:, 1]], axis=1)


def bump(z, labels=None):
    """The plane with a hill on it, in three dimensions."""
    hill = 3 * jnp.exp(-2 * (z**2).sum(axis=1))
    return jnp.concatenate([z, hill[:, None]], axis=1)


def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)


# Singular values, and what follows from them


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5)])
def test_singular_values_of_a_matrix_are_numpys(shape):
    matrix = normal(*shape)
    found = geometry.singular_values(matrix_map(matrix), normal(300, shape[0]))
    assert found.shape == (300, min(shape))
    expected = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=2e-5)


def test_singular_values_belong_to_their_latents_and_labels():
    z = normal(7, 3)
    found = geometry.singular_values(Partial(lambda z, labels: z**2), z)
    np.testing.assert_allclose(found, -np.sort(-2 * np.abs(z), axis=1), rtol=1e-5)
    labels = np.arange(7, dtype=np.int32)
    found = geometry.singular_values(matrix_map(np.eye(3), labels_too=True), z, labels)
    np.testing.assert_allclose(found, np.repeat(1.0 + labels[:, None], 3, axis=1), rtol=1e-6)


def test_what_singular_values_say():
    values = np.array([[4.0, 2.0, 0.5], [3.0, 3.0, 3.0], [1.0, 1.0, 0.0]])
    np.testing.assert_allclose(geometry.condition_number(values), [8, 1, np.inf])
    np.testing.assert_allclose(geometry.log_volume(values), [np.log(4), 3 * np.log(3), -np.inf])
    np.testing.assert_allclose(
        geometry.participation_ratio(values), [20.25**2 / (256 + 16 + 0.0625), 3, 2]
    )
    np.testing.assert_array_equal(geometry.dimensions_needed(values), [2, 3, 2])
    np.testing.assert_array_equal(geometry.dimensions_needed(values, 0.5), [1, 2, 1])


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_the_local_dimension_is_the_rank(rank):
    left, right = (np.linalg.qr(normal(size, rank))[0] for size in (6, 20))
    values = geometry.singular_values(matrix_map(left @ right.T), normal(4, 6))
    np.testing.assert_allclose(geometry.participation_ratio(values), rank, rtol=1e-4)
    np.testing.assert_array_equal(geometry.dimensions_needed(values, 0.999), rank)
    if rank < 6:
        assert np.all(geometry.condition_number(values) > 1e5)


def test_the_volume_is_the_determinants():
    matrix = normal(5, 5)
    values = geometry.singular_values(matrix_map(matrix), normal(2, 5))
    np.testing.assert_allclose(geometry.log_volume(values), np.linalg.slogdet(matrix)[1], rtol=1e-4)


# Lengths


def test_straight_lines_of_a_linear_map():
    matrix, start, end = normal(4, 9), normal(40, 4), normal(40, 4)
    paths = linear(start, end, jnp.linspace(0, 1, 11))
    expected = np.linalg.norm((end - start) @ matrix, axis=1)
    generate = matrix_map(matrix)
    np.testing.assert_allclose(geometry.length(generate, paths), expected, rtol=1e-5)
    np.testing.assert_allclose(geometry.energy(generate, paths), expected**2, rtol=1e-5)
    speeds = geometry.speeds(generate, paths)
    np.testing.assert_allclose(speeds, np.repeat(expected[:, None], 10, axis=1), rtol=1e-4)


def test_lengths_know_their_labels():
    paths = linear(normal(3, 2), normal(3, 2), jnp.linspace(0, 1, 5))
    generate, labels = matrix_map(np.eye(2), labels_too=True), np.array([0, 1, 4], np.int32)
    plain = geometry.length(matrix_map(np.eye(2)), paths)
    np.testing.assert_allclose(geometry.length(generate, paths, labels), plain * [1, 2, 5], 1e-5)
    speeds = geometry.speeds(generate, paths, labels).mean(axis=1)
    np.testing.assert_allclose(speeds, plain * [1, 2, 5], 1e-5)


def test_energy_is_above_the_squared_length_unless_the_speed_is_constant():
    shares = jnp.array([0, 0.1, 0.5, 1])
    paths = linear(jnp.zeros((1, 2)), jnp.ones((1, 2)), shares)
    assert geometry.energy(matrix_map(np.eye(2)), paths) == pytest.approx(2 * 3 * 0.42)
    assert geometry.length(matrix_map(np.eye(2)), paths) == pytest.approx(np.sqrt(2))


def test_chords_and_the_integral_close_in_on_the_arc():
    start, end = np.array([[1.0, 0.2, 0]]), np.array([[-0.5, 1.0, 0.3]])
    cosine = np.sum(start * end) / np.linalg.norm(start) / np.linalg.norm(end)
    gaps = []
    for points in (9, 17, 33):
        paths = linear(start, end, jnp.linspace(0, 1, points))
        chords = geometry.length(Partial(unit_vector), paths)
        integral = geometry.speeds(Partial(unit_vector), paths).mean(axis=1)
        gaps.append([np.arccos(cosine) - chords[0], abs(np.arccos(cosine) - integral[0])])
    gaps = np.array(gaps)
    assert np.all(gaps[:, 0] > 0)  # chords are short
    # Both errors are of second order: half the step, a quarter of the error.
    np.testing.assert_allclose(gaps[:-1] / gaps[1:], 4, rtol=0.15)


def test_refined_paths_keep_their_points():
    paths = normal(3, 5, 2)
    fine = np.asarray(geometry.refined(paths, 4))
    assert fine.shape == (3, 17, 2)
    np.testing.assert_allclose(fine[:, ::4], paths, rtol=1e-6)
    np.testing.assert_allclose(fine[:, 2], (paths[:, 0] + paths[:, 1]) / 2, rtol=1e-5, atol=1e-6)


def test_rows_are_taken_some_at_a_time():
    sizes = []

    def double(rows, nothing):
        assert nothing is None
        sizes.append(len(rows))
        return 2 * rows, rows[:, 0]

    rows = normal(13, 2)
    doubled, first = geometry.in_rows(double, 60, rows, None)
    np.testing.assert_array_equal(doubled, 2 * rows)
    np.testing.assert_array_equal(first, rows[:, 0])
    assert sizes == [4, 4, 4, 4]
    geometry.in_rows(double, 10_000, rows, None)
    assert sizes[4:] == [1] * 13


# Geodesics: what tests of as many pairs and points share is compiled once.

POINTS = 17


def test_geodesics_of_a_linear_map_are_straight():
    matrix, start, end = normal(3, 8), normal(4, 3), normal(4, 3)
    found = geodesics(matrix_map(matrix), start, end, points=POINTS)
    shares = jnp.linspace(0, 1, POINTS)
    np.testing.assert_allclose(found.paths, linear(start, end, shares), atol=5e-3)
    chord = np.linalg.norm((end - start) @ matrix, axis=1)
    np.testing.assert_allclose(found.lengths, chord, rtol=1e-4)
    circles = spherical(start, end, shares)
    np.testing.assert_allclose(
        found.initial, geometry.length(matrix_map(matrix), circles), rtol=1e-4
    )
    assert np.all(found.converged)


def test_geodesics_know_their_labels():
    start, end, labels = normal(4, 2), normal(4, 2), np.array([0, 1, 4, 2], np.int32)
    generate = matrix_map(np.eye(2), labels_too=True)
    found = geodesics(generate, start, end, labels, points=POINTS, updates=60)
    chords = np.linalg.norm(end - start, axis=1)
    np.testing.assert_allclose(found.lengths, chords * [1, 2, 5, 3], rtol=1e-3)


def test_geodesics_on_a_sphere_are_great_circles():
    start, end = normal(4, 3), normal(4, 3)
    found = geodesics(Partial(unit_vector), start, end, points=POINTS)
    arcs = np.arccos(np.sum(unit_vector(start) * unit_vector(end), axis=1))
    np.testing.assert_allclose(found.lengths, arcs, rtol=2e-3)


def test_geodesics_on_a_cylinder_are_helices():
    start = np.array([[-1.0, 0.2], [0.3, 1.0], [-0.5, 1.0], [0.8, -1.5]], np.float32)
    end = np.array([[1.0, 1.5], [-0.4, -2.0], [1.2, -0.5], [-0.7, 0.4]], np.float32)
    found = geodesics(Partial(cylinder), start, end, points=POINTS)
    helices = np.linalg.norm((end - start) * [2, 1], axis=1)
    np.testing.assert_allclose(found.lengths, helices, rtol=2e-3)
    assert np.all(found.initial > 1.01 * helices)
    shares = jnp.linspace(0, 1, POINTS)
    np.testing.assert_allclose(found.paths, linear(start, end, shares), atol=0.02)


def test_geodesics_go_round_a_hill():
    aside = np.array([0.1, -0.1, 0.2, -0.2], np.float32)
    start, end = (np.stack([x + 0 * aside, aside], axis=1) for x in (-1.5, 1.5))
    found = geodesics(Partial(bump), start, end, points=POINTS)
    straight = linear(start, end, jnp.linspace(0, 1, (POINTS - 1) * FINE + 1))
    assert np.all(found.lengths < 0.8 * geometry.length(Partial(bump), straight))
    assert np.all(found.lengths > 3)
    assert np.all(np.abs(found.paths[:, POINTS // 2, 1]) > 0.5)


def test_a_geodesic_is_never_longer_than_what_it_came_from():
    def rough(z, labels=None):
        return jnp.concatenate([z, 3 * jnp.sin(40 * z)], axis=1)

    found = geodesics(Partial(rough), normal(8, 2), normal(8, 2), points=5, updates=20)
    assert np.all(found.lengths <= found.initial)
    stayed = found.lengths == found.initial
    assert np.any(stayed)
    assert not np.any(found.converged[stayed])
    np.testing.assert_allclose(
        found.lengths,
        geometry.length(Partial(rough), geometry.refined(found.paths, FINE)),
        rtol=1e-3,
    )


def test_updates_that_overshoot_are_halved():
    """A cliff between two plains, which no path avoids."""

    def cliff(z, labels=None):
        return jnp.concatenate([z[:, 1:], jnp.tanh(200 * z[:, :1])], axis=1)

    ends = (np.tile(np.array(end, np.float32), (4, 1)) for end in ([-1, 0.1], [1, 0.6]))
    initial = spherical(*ends, jnp.linspace(0, 1, POINTS))
    search, energies, shares = shortest._begun(initial[:, 1:-1]), [], []
    for _ in range(60):
        search = shortest._descend(Partial(cliff), initial, search, None)
        energies.append(search.energy[0])
        shares.append(search.share[0])
    assert np.all(np.diff(energies) <= 0)
    assert energies[-1] < 0.9 * energies[0]
    assert min(shares) <= 0.25


# Perceptual path length


def points_space(generate, prior):
    """A space whose examples are points, of a generator that is known."""
    return latent.Space(generate, None, POINT, prior, ring_plain.get_config(), {}, 0, "ema", (5,))


@pytest.mark.parametrize("distribution", ["uniform", "sphere"])
def test_perceptual_path_length_of_a_linear_map(distribution):
    matrix, prior = 3 * np.linalg.qr(normal(5, 5))[0], Prior(5, distribution=distribution)
    space = points_space(matrix_map(matrix), prior)
    found = squared_speeds(space, 400, seed=3, epsilon=1e-2)
    start, end = space.draw(400, 3).z, space.draw(400, 3, first=400).z
    if distribution == "uniform":
        speeds = np.sum((end - start) ** 2, axis=1)
    else:  # the angle is gone through at constant speed
        speeds = 5 * np.arccos(np.clip(np.sum(start * end, axis=1) / 5, -1, 1)) ** 2
    assert found.shape == (400,)
    np.testing.assert_allclose(found, 9 * speeds, rtol=2e-3)


def test_codes_go_straight():
    prior = Prior(3, categories=2, continuous=1)
    start, end, shares = normal(4, 6), normal(4, 6), jnp.linspace(0, 1, 5)
    found = between(prior, start, end, shares)
    np.testing.assert_allclose(found[..., 3:], linear(start, end, shares)[..., 3:], rtol=1e-6)
    np.testing.assert_allclose(
        found[..., :3], spherical(start[:, :3], end[:, :3], shares), rtol=1e-6
    )


# A real generator


@pytest.fixture(scope="module")
def space(uninterrupted):
    return latent.load(uninterrupted)


def test_a_real_generators_jacobian_is_what_differences_say(space):
    z = np.asarray(space.draw(3).z)
    values = geometry.singular_values(space.generate, z)
    assert values.shape == (3, 64)
    assert np.all(np.diff(values, axis=1) <= 0)
    # The sum of the squares is what a small random step changes, of each length the same.
    steps = np.eye(64, dtype=np.float32) * 1e-2
    change = [
        np.asarray(space.generate(one + steps) - space.generate(one - steps)) / 2e-2 for one in z
    ]
    found = np.sum(np.square(change), axis=(1, 2, 3, 4))
    np.testing.assert_allclose(np.sum(values**2, axis=1), found, rtol=0.02)


def test_the_perceptual_path_length_of_digits_is_the_squared_slope_of_the_features(space):
    epsilon = 1e-4
    found = squared_speeds(space, 24, seed=2, epsilon=epsilon)
    start, end = space.draw(24, 2).z, space.draw(24, 2, first=24).z
    at = jax.random.uniform(stream(root(2), "points"), (24,)) * (1 - epsilon)
    steps = jax.vmap(spherical)(start, end, jnp.stack([at, at + epsilon], axis=1))
    seen = Partial(lambda g, f, z, labels: f(g(z, labels)), space.generate, features(space))
    slopes = geometry.speeds(seen, steps)[:, 0] / epsilon
    assert np.all(found > 0)
    # Differences over a ten-thousandth of a way are rounded in float32, each to a few percent.
    np.testing.assert_allclose(np.sqrt(found), slopes, rtol=0.06)
    assert found.mean() == pytest.approx((slopes**2).mean(), rel=0.02)


def test_the_study_of_geodesics(space, monkeypatch):
    monkeypatch.setattr(study, "STATIONS", 2)
    monkeypatch.setattr(study, "PERCEPTUAL", 16)
    found = study.report(space, pairs=2, points=4, updates=3)
    assert found.claim.id == "G1"
    assert found.status == "undecided"  # two pairs can't tell
    assert sum(section.figure is not None for section in found.sections) == 6
    assert "shorter in" in markdown(found, {})


def rows_of(lengths, changes):
    """What the study measures, made up: two ways, so many pairs."""
    rows = [
        {"way": way, "pair": pair, "length": length, "changes": change}
        for way, length, change in zip(
            (study.GEODESIC, study.SPHERICAL), lengths, changes, strict=True
        )
        for pair in range(20)
    ]
    noise = 0.01 * np.random.default_rng(0).normal(size=(len(rows), 2))
    rows = pd.DataFrame(rows)
    rows[["length", "changes"]] += noise
    return rows


@pytest.mark.parametrize(
    ("lengths", "changes", "status"),
    [
        ((6, 10), (1, 2), "confirmed"),
        ((6, 10), (2, 2), "only when"),
        ((10, 10), (2, 2), "refuted"),
    ],
)
def test_the_verdict_follows_from_the_numbers(lengths, changes, status):
    rows = rows_of(lengths, changes)
    assert verdict_of(study.differences(rows), margin=study.MARGIN).status == status

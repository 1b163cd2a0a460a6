"""From examples to latents: closed forms, what is not found, the encoder, and the programs."""

import json
import os
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import program
import pytest
from jax.tree_util import Partial
from PIL import Image

from configs import mnist_encoder
from gan_jax import data, latent
from gan_jax.core.errors import InputError, RunError
from gan_jax.examples import IMAGE, POINT
from gan_jax.game.prior import Prior
from gan_jax.latent import encoder, files
from gan_jax.latent.inversion import METHODS, invert
from gan_jax.latent.render import synthesize

GAUSS_NEWTON = ("gauss_newton", "gauss_newton_cg")
RNG = np.random.default_rng(0)
MATRIX = jnp.asarray(RNG.normal(size=(5, 3)), jnp.float32)
POINTS = RNG.normal(size=(4, 5)).astype(np.float32)  # as many as in other tests: compiled once
LINEAR = Partial(lambda matrix, z, labels=None: z @ matrix.T, MATRIX)
CURVED = Partial(lambda matrix, z, labels=None: jnp.tanh(z @ matrix.T / 2), MATRIX)
PRIOR = Prior(3)


def least_squares(weight=0.0):
    """The z that minimises |Az - x|^2 / 5 + weight |z|^2 / 3, by augmented rows."""
    rows = np.concatenate([MATRIX / np.sqrt(5), np.sqrt(weight / 3) * np.eye(3)])
    right = np.concatenate([POINTS.T / np.sqrt(5), np.zeros((3, len(POINTS)))])
    return np.linalg.lstsq(rows, right, rcond=None)[0].T


# Closed forms


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_linear_generator_is_inverted_by_least_squares_in_a_few_steps(weight):
    found = invert(LINEAR, PRIOR, POINTS, method="gauss_newton", weight=weight, steps=4)
    expected = least_squares(weight)
    np.testing.assert_allclose(found.z, expected, atol=1e-3)
    errors = np.mean(np.square(expected @ np.asarray(MATRIX).T - POINTS), axis=1)
    np.testing.assert_allclose(found.error, errors, rtol=1e-4)
    assert found.steps.max() <= 3  # and it knows


@pytest.mark.parametrize("method", ["adam", "gauss_newton_cg"])
def test_the_others_come_to_the_same_error(method):
    found = invert(LINEAR, PRIOR, POINTS, method=method)
    exact = invert(LINEAR, PRIOR, POINTS, method="gauss_newton")
    np.testing.assert_allclose(found.error, exact.error, rtol=1e-3)
    np.testing.assert_allclose(found.z, exact.z, atol=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_a_known_latent_is_found_again(method):
    z = np.array(PRIOR.draw(jax.random.split(jax.random.key(5), 4)).z)
    x = synthesize(CURVED, z)
    found = invert(CURVED, PRIOR, x, method=method, restarts=4)
    np.testing.assert_allclose(found.z, z, atol=0.02)
    assert found.converged.all()
    assert found.error.max() < 1e-5


def test_classes_are_those_asked_for():
    shifts = jnp.array([[0.0, 0.0], [100.0, 0.0]])
    generate = Partial(lambda shifts, z, labels: z + shifts[labels], shifts)
    x, labels = np.array([[1.0, 2.0], [101.0, 2.0], [1.0, 2.0]]), np.array([0, 1, 1], np.int32)
    found = invert(generate, Prior(2, classes=2), x, labels, method="gauss_newton")
    np.testing.assert_allclose(found.z, [[1, 2], [1, 2], [-99, 2]], atol=1e-3)


# What is not found, and restarts


@pytest.mark.parametrize("method", METHODS)
def test_an_example_beyond_the_range_is_not_found(method):
    inside = synthesize(CURVED, np.ones((3, 3), np.float32) * [[1], [-1], [0.5]])
    beyond = 3 * np.array([[1.0, -1, 1, -1, 1]], np.float32)  # tanh stays within 1
    found = invert(CURVED, PRIOR, np.concatenate([inside, beyond]), method=method)
    assert found.converged.tolist() == [True, True, True, False]
    assert np.isfinite(found.z).all()
    assert found.error[3] >= 4


@pytest.mark.parametrize("method", METHODS)
def test_too_few_steps_are_said(method):
    signs = np.array([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    x = synthesize(CURVED, np.array([1.0, -1.0, 0.5], np.float32) * signs)
    start = np.zeros((4, 1, 3), np.float32)
    short, long = (
        invert(CURVED, PRIOR, x, method=method, start=start, steps=steps, tolerance=1e-3)
        for steps in (1, 300)
    )
    assert not short.converged.any()
    assert long.converged.all()
    assert short.steps.tolist() == [1] * 4


@pytest.mark.parametrize("start", ["prior", "nearest"])
def test_more_restarts_are_never_worse(start):
    rugged = Partial(lambda matrix, z, labels=None: jnp.sin(3 * z @ matrix.T), MATRIX)
    x = synthesize(rugged, np.array(PRIOR.draw(jax.random.split(jax.random.key(1), 20)).z))
    one, four = (
        invert(rugged, PRIOR, x, method="gauss_newton", start=start, restarts=restarts)
        for restarts in (1, 4)
    )
    assert np.all(four.error <= one.error * (1 + 1e-4) + 1e-7)
    assert four.error.mean() < one.error.mean() / 2


def test_a_start_that_is_given_is_filled_up():
    start = np.zeros((4, 1, 3), np.float32)
    alone = invert(LINEAR, PRIOR, POINTS, start=start, steps=1)
    more = invert(LINEAR, PRIOR, POINTS, start=start, steps=1, restarts=3)
    assert np.all(more.error <= alone.error)
    assert more.error.mean() < alone.error.mean()


def test_nearest_is_nearer_than_a_draw():
    near, drawn = (  # Adam's first gradient is at the start
        invert(CURVED, PRIOR, np.tanh(POINTS), method="adam", start=start, restarts=1, steps=1)
        for start in ("nearest", "prior")
    )
    assert near.error.mean() < drawn.error.mean() / 2


def test_batches_do_not_matter(monkeypatch):
    x = synthesize(CURVED, np.asarray(RNG.normal(size=(21, 3)), np.float32))
    whole = invert(CURVED, PRIOR, x, method="gauss_newton_cg")
    monkeypatch.setitem(METHODS, "small", METHODS["gauss_newton_cg"]._replace(batch=4))
    np.testing.assert_allclose(invert(CURVED, PRIOR, x, method="small").z, whole.z, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"method": "newton"},
            "--method=newton: unknown, did you mean gauss_newton. choose from adam",
        ),
        ({"start": "best"}, "--start=best: unknown, choose from nearest, prior"),
        ({"restarts": 0}, "--restarts=0: must be 1"),
        ({"steps": 0}, "--steps=0: must be 1"),
        ({"weight": -1.0}, "--weight=-1.0: must be 0"),
    ],
)
def test_what_can_not_be_used(settings, words):
    with pytest.raises(InputError, match=words):
        invert(LINEAR, PRIOR, POINTS, **settings)


def test_what_can_not_be_inverted():
    with pytest.raises(InputError, match="not finite"):
        invert(LINEAR, PRIOR, np.full((1, 5), np.nan))
    with pytest.raises(InputError, match="the prior is sphere, not normal"):
        invert(LINEAR, PRIOR._replace(distribution="sphere"), POINTS, weight=0.1)


# Of a run


@pytest.fixture(scope="module")
def space(uninterrupted):
    return latent.load(uninterrupted)


@pytest.fixture(scope="module")
def own(space):
    draw = space.draw(3, seed=2)
    return np.asarray(draw.z), synthesize(space.generate, draw.z)


@pytest.mark.parametrize("method", GAUSS_NEWTON)
def test_its_own_images_are_found(space, own, method):
    found = invert(space.generate, space.prior, own[1], method=method, steps=10)
    first = invert(space.generate, space.prior, own[1], method=method, steps=1)
    assert found.converged.all()
    assert found.error.mean() < first.error.mean() / 5
    again = synthesize(space.generate, found.z)
    errors = np.mean((again - own[1]) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(found.error, errors, atol=1e-6)


def small(**fields):
    config = mnist_encoder.get_config()
    config.update({"width": 4, "steps": 60, "batch_size": 32} | fields)
    return config


def test_an_encoder_of_images_learns():
    matrix = jnp.asarray(RNG.normal(size=(64, 3)), jnp.float32)
    generate = Partial(
        lambda matrix, z, labels=None: jnp.tanh(z @ matrix.T).reshape(-1, 8, 8, 1), matrix
    )
    space = latent.Space(generate, None, IMAGE, PRIOR, None, {}, 0, "ema", (8, 8, 1))
    config, told = small(), []
    variables = encoder.train(space, config, lambda step, errors: told.append((step, errors)))
    assert [step for step, _ in told] == list(range(6, 61, 6))
    assert told[-1][1]["examples"] < told[0][1]["examples"] / 2
    x = synthesize(generate, np.array(PRIOR.draw(jax.random.split(jax.random.key(5), 50)).z))
    start = encoder.starts(encoder.as_function(space, config, variables), x)
    assert start.shape == (50, 1, 3)
    mean = synthesize(generate, np.zeros((1, 3), np.float32))
    assert np.mean((synthesize(generate, start[:, 0]) - x) ** 2) < np.mean((mean - x) ** 2) / 2


def test_an_encoder_is_saved_and_read(space, own, uninterrupted, tmp_path):
    variables = encoder.train(space, small(steps=2), lambda *told: None)
    workdir = shutil.copytree(uninterrupted, tmp_path / "run")
    with pytest.raises(InputError, match="has no encoder, train one"):
        encoder.load(workdir, space)
    for _ in range(2):  # the second takes the place of the first
        place = encoder.save(workdir, space, small(), variables)
    found = encoder.load(workdir, space)(own[1])
    np.testing.assert_array_equal(found, encoder.as_function(space, small(), variables)(own[1]))
    for other in (latent.load(workdir, step=35), latent.load(workdir, weights="raw")):
        with pytest.raises(InputError, match="trained on another generator") as caught:
            encoder.load(workdir, other)
        assert "\n" not in str(caught.value)
    for path in (place / "checkpoints").rglob("d/*"):
        os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(RunError):
        encoder.load(workdir, space)


def test_an_encoder_of_points():
    ring = latent.Space(LINEAR, None, POINT, PRIOR, None, {}, 0, "ema", (5,))
    variables = encoder.train(ring, small(steps=150, reconstruction=0.0), lambda *told: None)
    z = np.array(PRIOR.draw(jax.random.split(jax.random.key(5), 50)).z)
    found = encoder.as_function(ring, small(), variables)(synthesize(LINEAR, z))
    assert np.mean((found - z) ** 2) < 0.2  # that of 0 is 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 0}, r"config\.width=0: must be from 1 to"),
        ({"learning_rate": 0.0}, r"config\.learning_rate=0\.0: must be above 0"),
        ({"depth": 2}, r"config\.depth=2: no such field"),
    ],
)
def test_an_encoders_config_is_checked(space, fields, words):
    config = small()
    config.update(fields)
    with pytest.raises(InputError, match=words):
        encoder.train(space, config, lambda *told: None)


def test_examples_of_files(space, tmp_path):
    images = data.load(space.config.data).test[:3]
    np.savez(tmp_path / "a.npz", images=images)
    np.save(tmp_path / "a.npy", images / np.float32(127.5) - 1)
    Image.fromarray(images[0, ..., 0]).save(tmp_path / "a.png")
    expected, labels = files.read(space, "test:3")
    assert labels is None
    assert (expected.min(), expected.max(), expected.dtype) == (-1, 1, np.float32)
    for name in ("a.npz", "a.npy"):
        np.testing.assert_allclose(files.read(space, str(tmp_path / name))[0], expected, atol=1e-6)
    np.testing.assert_array_equal(files.read(space, str(tmp_path / "a.png"))[0], expected[:1])
    x, found = files.find(space, str(tmp_path / "a.npz"), steps=2)
    assert (len(x), found.z.shape) == (3, (3, 64))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 14, 14, 1), np.uint8), r"the generator makes \[N, 28, 28, 1\]"),
        (np.zeros((0, 28, 28, 1), np.uint8), "the generator makes"),
        (np.zeros((2, 28, 28, 1), int), "must be uint8 or float"),
        (np.full((2, 28, 28, 1), 255.0), r"in \[-1, 1\]"),
        (np.full((2, 28, 28, 1), np.nan), "must be finite"),
    ],
)
def test_examples_that_can_not_be_used(space, tmp_path, array, words):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=words):
        files.read(space, str(tmp_path / "a.npy"))


def test_files_that_can_not_be_read(space, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    for name, words in {
        "none.npy": "can't be read",
        "text.png": "can't be read",
        "text.npz": "can't be read",
        "other.npz": "none of images, samples, points, x, reconstructions among weights",
    }.items():
        with pytest.raises(InputError, match=words) as caught:
            files.read(space, str(tmp_path / name))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="test:501: a number from 1 to 500"):
        files.read(space, "test:501")


def test_data_that_are_not_the_runs(space):
    record = space.record | {"data": space.record["data"] | {"fingerprint": "0"}}
    with pytest.raises(InputError, match="are not the data of the run"):
        files.read(space._replace(record=record), "test:3")


def test_the_programs(uninterrupted, tmp_path):
    workdir = shutil.copytree(uninterrupted, tmp_path / "run")
    config = f"--config={program.REPOSITORY}/configs/mnist_encoder.py"
    few = ("--config.steps=3", "--config.width=4", "--config.batch_size=8")
    ended = program.run("gan_jax.encode", config, f"--workdir={workdir}", *few, quickly=True)
    assert "step 3: mean squared error of" in ended.stdout
    out = tmp_path / "latents.npz"
    flags = (f"--workdir={workdir}", "--images=test:4", "--steps=2", f"--out={out}")
    ended = program.run("gan_jax.invert", *flags, "--start=encoder", quickly=True)
    assert "4 images, mean squared error" in ended.stdout
    assert "4 of them did not converge" in ended.stdout
    with np.load(out) as file:
        assert file["z"].shape == (4, 64)
        assert file["reconstructions"].dtype == np.uint8
        assert not file["converged"].any()
        assert json.loads(str(file["record"]))["step"] == 40

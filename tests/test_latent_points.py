"""What one program writes of latents, the others read."""

import jax
import numpy as np
import pytest
from jax.tree_util import Partial

from gan_jax.core.errors import InputError
from gan_jax.examples import POINT
from gan_jax.game.prior import Prior
from gan_jax.latent import files
from gan_jax.latent.anchors import anchors
from gan_jax.latent.inversion import Inversion
from gan_jax.latent.points import read_points, write_points
from gan_jax.latent.space import InEvaluation, Space
from gan_jax.run.sampling import as_arrays, make_sampler

Z = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)


@pytest.fixture
def space():
    """A generator that doubles its latents, so that every example has one."""
    generate = Partial(lambda factor, z, labels=None: factor * z, np.float32(2))
    return Space(generate, None, POINT, Prior(2), None, {}, 0, "ema", (2,))


@pytest.fixture
def found(space, tmp_path):
    """What `gan_jax.invert` writes."""
    path, converged = tmp_path / "found.npz", np.array([True, False, True])
    inversion = Inversion(Z, np.zeros(3), converged, np.ones(3, int))
    write_points(path, space, inversion, None, {"images": "test:3"})
    return str(path)


def test_latents_that_invert_wrote_are_taken_as_they_are(space, found, caplog):
    np.testing.assert_array_equal(read_points(space, found), Z)
    assert "1 of 3 inversions did not converge" in caplog.text
    np.testing.assert_array_equal(anchors(space, found), Z[None])


def test_its_reconstructions_are_examples_to_invert(space, found):
    x, labels = files.read(space, found)
    np.testing.assert_array_equal(x, 2 * Z)
    assert labels is None


def test_latents_of_another_generator_are_said_to_be(space, found, caplog):
    older = space._replace(generate=Partial(space.generate.func, np.float32(3)), step=35)
    np.testing.assert_array_equal(read_points(older, found), Z)
    assert caplog.messages[-1] == (
        f"--points={found}: found in another generator (step 0, weights ema) "
        "than this one (step 35, weights ema)"
    )


def test_samples_and_latents_of_classes_keep_them(start, tmp_path):
    parts = start({"model.classes": 3, "model.conditioning": "concatenate"})
    game, variables = parts.setup.game, parts.state.generator.variables
    generate = Partial(InEvaluation(game.generator), variables)
    space = Space(generate, None, game.kind, game.prior, None, {}, 2, "raw", (2,))
    inputs = space.draw(4)
    path, arrays = tmp_path / "samples.npz", as_arrays(make_sampler(game)(variables, 4, 0))
    np.testing.assert_array_equal(arrays["labels"], inputs.labels)
    np.savez(path, **arrays)
    x, labels = files.read(space, str(path))
    np.testing.assert_array_equal(x, arrays["samples"])
    np.testing.assert_array_equal(labels, inputs.labels)

    path = tmp_path / "found.npz"
    inversion = Inversion(np.asarray(inputs.z), np.zeros(4), np.ones(4, bool), np.ones(4, int))
    write_points(path, space, inversion, labels, {})
    again, labels = files.read(space, str(path))
    np.testing.assert_allclose(again, x, atol=1e-5)
    np.testing.assert_array_equal(labels, inputs.labels)
    np.testing.assert_array_equal(read_points(space, str(path)), inputs.z)


@pytest.mark.parametrize("name", ["z.npy", "z.npz"])
def test_a_file_of_latents(space, tmp_path, name):
    path = tmp_path / name
    np.save(path, Z) if path.suffix == ".npy" else np.savez(path, z=Z.astype(np.float64))
    points = read_points(space, str(path))
    np.testing.assert_array_equal(points, Z)
    assert points.dtype == np.float32


def test_examples_are_inverted(space, tmp_path):
    np.savez(tmp_path / "x.npz", samples=2 * Z)
    with jax.default_matmul_precision("highest"):
        np.testing.assert_allclose(read_points(space, str(tmp_path / "x.npz")), Z, atol=0.1)


@pytest.mark.parametrize(
    ("name", "arrays", "why"),
    [
        ("z.npz", {"z": np.zeros((3, 5))}, r"latents must be \[N, 2\]"),
        ("z.npz", {"z": np.full((3, 2), np.nan)}, "not all latents are finite"),
        ("z.npz", {"z": np.array(["a"])}, "no array of numbers"),
        ("z.npz", {"z": Z, "record": "no JSON"}, "its record is none of gan_jax.invert"),
        ("z.npz", {"z": Z, "record": "3"}, "its record is none of gan_jax.invert"),
        ("z.npz", {"weights": np.zeros(3)}, "none of images"),
        ("z.txt", None, "neither a .npy nor a .npz file, nor test:N"),
        ("none.npz", None, "can't be read"),
    ],
)
def test_what_holds_no_points_is_refused_in_one_line(space, tmp_path, name, arrays, why):
    if arrays is not None:
        np.savez(tmp_path / name, **arrays)
    with pytest.raises(InputError, match=f"^--points=.*{why}") as caught:
        read_points(space, str(tmp_path / name))
    assert "\n" not in str(caught.value)

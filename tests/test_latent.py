"""A run's latent space: what `load` reads, and what it refuses."""

import json
import os
import shutil

import jax
import numpy as np
import program
import pytest
from ml_collections import ConfigDict

from gan_jax import latent
from gan_jax.core.errors import InputError
from gan_jax.examples import IMAGE
from gan_jax.latent.digits import classifier
from gan_jax.metrics.classifier import embed
from gan_jax.run.restore import restore


@pytest.fixture(scope="module")
def space(uninterrupted):
    return latent.load(uninterrupted)


@pytest.fixture
def copied(uninterrupted, tmp_path):
    return shutil.copytree(uninterrupted, tmp_path / "run")


def altered(workdir, path, value):
    """The run with another value in its config."""
    record = json.loads((workdir / "config.json").read_text())
    holder = record["config"]
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    (workdir / "config.json").write_text(json.dumps(record))
    return workdir


def test_its_images_are_those_of_the_program_that_samples(space, uninterrupted, tmp_path):
    out = tmp_path / "samples.npz"
    program.run(
        "gan_jax.sample", f"--workdir={uninterrupted}", "--num=12", "--seed=3", f"--out={out}"
    )
    images = jax.jit(space.generate)(space.draw(8, seed=3, first=4).z)
    assert images.dtype == np.float32
    shown = np.load(out)["samples"][4:].astype(np.float32)
    # Another program rounds differently, by no more than one of 256 shades.
    np.testing.assert_allclose((np.asarray(images) + 1) * 127.5, shown, atol=1.01)
    assert np.std(shown) > 1


def test_it_knows_its_run(space, uninterrupted):
    assert (space.step, space.weights, space.shape) == (40, "ema", (28, 28, 1))
    assert space.kind is IMAGE
    assert space.prior.dimensions == 64
    assert space.config.data.name == "mnist"
    assert space.discriminate is None
    assert latent.load(uninterrupted, step=35).step == 35


def test_weights_are_those_asked_for(space, uninterrupted):
    state = restore(uninterrupted).state
    for weights, variables in (("ema", state.ema), ("raw", state.generator.variables)):
        (found,) = latent.load(uninterrupted, weights=weights).generate.args
        jax.tree.map(np.testing.assert_array_equal, found, variables)


def test_only_what_is_asked_for_is_read(uninterrupted):
    state = restore(uninterrupted, beside=()).state
    assert state.ema is not None
    assert (state.generator, state.discriminator, state.step) == (None, None, None)
    state = restore(uninterrupted, weights="raw", beside=("step",)).state
    assert (state.ema, state.discriminator, int(state.step)) == (None, None, 40)


def test_the_discriminator_where_it_is_asked_for(uninterrupted):
    space = latent.load(uninterrupted, discriminator=True)
    logits = jax.jit(lambda discriminate, x: discriminate(x).logits)(
        space.discriminate, np.zeros((3, 28, 28, 1))
    )
    assert logits.shape == (3,)
    assert logits[0] == logits[1] != 0


def test_a_generator_is_an_argument_of_programs_and_compiles_once(space, uninterrupted):
    traced = []

    @jax.jit
    def total(generate, z):
        traced.append(1)
        return generate(z).sum()

    z = space.draw(2).z
    one, other = (total(latent.load(uninterrupted, step=step).generate, z) for step in (35, 40))
    assert len(traced) == 1
    assert one != other


def test_the_classifier_reads_as_the_protocols_do(space):
    images = space.generate(space.draw(6).z)
    shades = np.asarray(np.round((images + 1) * 127.5), np.uint8)
    reading = classifier(space)(shades / np.float32(127.5) - 1)
    features, probabilities = embed(shades)
    np.testing.assert_allclose(reading.features, features, atol=2e-4)
    np.testing.assert_array_equal(reading.digit, probabilities.argmax(axis=1))
    np.testing.assert_allclose(reading.confidence, probabilities.max(axis=1), rtol=1e-3)


def test_other_images_have_no_classifier(space):
    config = ConfigDict(space.config.to_dict())
    config.data.name = "fashion_mnist"
    with pytest.raises(InputError, match=r"data\.name=fashion_mnist"):
        classifier(space._replace(config=config))


# What goes wrong


@pytest.mark.parametrize(
    ("z", "words"),
    [
        (np.zeros(64), r"\(64,\): latents must be \[N, 64\]"),
        (np.zeros((2, 63)), r"\(2, 63\): latents must be"),
        (np.full((1, 64), np.nan), r"\(1, 64\): not all latents are finite"),
    ],
)
def test_latents_of_a_wrong_shape(space, z, words):
    with pytest.raises(InputError, match=f"--points={words}"):
        space.check("--points", z)
    space.check("--points", np.zeros((2, 64)))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, "each needs one of 10 classes"),
        ([1, 10], "0 to 9"),
        ([-1, 0], "0 to 9"),
        ([1], "each needs"),
    ],
)
def test_classes_that_are_none(space, labels, words):
    conditional = space._replace(prior=space.prior._replace(classes=10))
    with pytest.raises(InputError, match=words):
        conditional.check("--points", np.zeros((2, 64)), labels)
    conditional.check("--points", np.zeros((2, 64)), np.array([0, 9]))


def test_steps_and_weights_that_are_not_there(uninterrupted, tmp_path):
    with pytest.raises(InputError, match="--step=7: not saved"):
        latent.load(uninterrupted, step=7)
    with pytest.raises(InputError, match="--weights=best: choose from ema, raw"):
        latent.load(uninterrupted, weights="best")
    with pytest.raises(InputError, match="holds no run"):
        latent.load(tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [(("model", "generator", "width"), 8), (("model", "generator", "norm"), "none")],
)
def test_a_checkpoint_of_another_architecture(copied, path, value):
    with pytest.raises(InputError, match="saved by another architecture") as caught:
        latent.load(altered(copied, path, value))
    assert "\n" not in str(caught.value)


def test_a_run_of_another_version(copied):
    record = json.loads((copied / "config.json").read_text())
    del record["config"]["model"]["prior"]
    (copied / "config.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"another version of this project: config\.model\.prior"):
        latent.load(copied)


def test_a_file_cut_short(copied, tmp_path):
    """In processes of their own: what Orbax began in this one it would not clear away."""
    for path in (copied / "checkpoints" / "40" / "state").rglob("d/*"):  # wherever the generator is
        os.truncate(path, path.stat().st_size // 2)
    flags = (f"--workdir={copied}", f"--out={tmp_path / 'x.npz'}", "--num=4")
    (line,) = program.run("gan_jax.sample", *flags, "--step=40", code=1).stderr.splitlines()
    assert line.startswith(f"error: {copied / 'checkpoints' / '40'}: ")
    assert "4 samples of step 35" in program.run("gan_jax.sample", *flags).stdout

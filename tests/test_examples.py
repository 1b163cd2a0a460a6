"""What an example is: the kinds shipped, and one of a user's own that goes through everything."""

import dataclasses
import json

import jax
import numpy as np
import pytest
import waves
from PIL import Image

from gan_jax.config.setup import build, with_protocol
from gan_jax.core.errors import InputError
from gan_jax.data import Dataset, DataSpec
from gan_jax.data.batches import Examples, take
from gan_jax.data.mixtures import ring
from gan_jax.examples import EXAMPLE_KINDS, IMAGE, POINT
from gan_jax.metrics import PROTOCOLS
from gan_jax.run.evaluation import Evaluator
from gan_jax.run.restore import restore
from gan_jax.run.sampling import make_sampler
from gan_jax.run.train import Run
from gan_jax.sweep.vmapped import VmappedTrials

OF_WAVES = {
    "data.name": "sines",
    "eval.protocol": "none",
    "eval.diagnostics": True,
    "model.conditioning": "heard",
    "model.discriminator.pack": 2,
    "model.discriminator.count": 2,
    "penalty.name": "gradient",
    "loss": "relativistic_pairing",
    "train.steps": 2,
}


@pytest.fixture
def own_kind(monkeypatch):
    for table, name, entry in waves.TABLES:
        monkeypatch.setitem(table, name, entry)


@pytest.mark.parametrize("kind", EXAMPLE_KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_stores_what_networks_take(kind):
    rng, shape = np.random.default_rng(0), (2, 3, 1)[-kind.axes :]
    stored = (100 * rng.random((5, *shape))).astype(kind.dtype)
    floats = kind.to_model(stored)
    assert floats.dtype == np.float32
    assert floats.shape == stored.shape
    assert not kind.bounded or np.abs(floats).max() <= 1
    np.testing.assert_array_equal(kind.to_data(floats), stored)
    assert np.asarray(kind.to_data(floats)).dtype == kind.dtype


def test_floats_beyond_what_an_image_can_show_are_clipped():
    floats = np.array([-3.0, -1.0, 0.0, 1.0, 3.0], np.float32).reshape(5, 1, 1, 1)
    assert np.ravel(IMAGE.to_data(floats)).tolist() == [0, 0, 128, 255, 255]


def test_a_condition_goes_with_its_examples():
    tree = {"deep": {"rows": np.arange(12).reshape(6, 2)}, "flat": np.arange(6)}
    batch = take(Examples(np.arange(6.0)[:, None], tree), np.array([4, 0]), POINT)
    np.testing.assert_array_equal(batch.x, [[4], [0]])
    np.testing.assert_array_equal(batch.condition["deep"]["rows"], [[8, 9], [0, 1]])
    np.testing.assert_array_equal(batch.condition["flat"], [4, 0])


def test_a_kind_of_ones_own_is_trained_evaluated_and_sampled(own_kind, tiny, tmp_path):
    Run(tiny(OF_WAVES), str(tmp_path)).train()
    with Image.open(tmp_path / "samples" / "000002.png") as shown:
        assert shown.size == (waves.LENGTH, waves.WAVE.num_shown)
    row = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert np.isfinite(list(row.values())).all()
    assert "generator/gradient_cosine" in row
    trained = restore(tmp_path)
    assert (trained.setup.data.kind, trained.setup.data.shape) == (waves.WAVE, (waves.LENGTH,))
    sample = make_sampler(trained.setup.game, trained.conditions())
    (batch,) = sample(trained.generator, 45, 7)
    assert (batch.x.dtype, batch.x.shape) == (np.int16, (45, waves.LENGTH))
    held_out = waves.load().test_conditions
    for name, values in held_out.items():  # as often as there are samples to make
        np.testing.assert_array_equal(batch.condition[name], values[np.arange(45) % 20])


def test_fakes_are_made_for_the_conditions_of_the_reals(own_kind, tiny):
    setup = build(tiny(OF_WAVES), waves.load())
    state, dataset = setup.first_state(), waves.load()
    reals = setup.updates.batch(setup.training(dataset), np.arange(8))
    fakes, *_ = setup.game.fakes(state.generator.variables, jax.random.key(0), reals)
    jax.tree.map(np.testing.assert_array_equal, fakes.condition, reals.condition)
    packs = setup.game.preprocess(state.discriminator.variables, reals, jax.random.key(1))
    assert packs.x.shape == (4, 2 * waves.LENGTH)
    assert jax.tree.map(np.shape, packs.condition) == {"frequency": (4, 2), "loudness": (4, 2)}
    other = Examples(reals.x, jax.tree.map(lambda leaf: leaf + 1, reals.condition))
    moved, *_ = setup.game.fakes(state.generator.variables, jax.random.key(0), other)
    assert np.any(moved.x != fakes.x)  # the generator hears them


def test_trials_on_a_kind_of_ones_own_are_one_program(own_kind, tiny):
    # A penalty and a second discriminator take no more of a kind in trials than in the run above.
    plain = OF_WAVES | {"penalty.name": "none", "model.discriminator.count": 1}
    configs = [tiny(plain | {"seed": seed}) for seed in (0, 1)]
    trials = VmappedTrials(configs, waves.load())
    state, steps = trials.start(), 0
    while steps < trials.steps:
        state, steps = trials.step(state, steps)
    rows = dict(trials.evaluate(state, steps))
    assert set(rows) == {0, 1}
    assert all(np.isfinite(value) for value in rows[1].values())


@pytest.mark.parametrize("name", ["mine", "ring"])
def test_points_of_ones_own_are_measured_by_the_density_that_they_bring(name):
    mixture = ring(modes=5, radius=3.0, sigma=0.1)
    points, modes = mixture.sample(np.random.default_rng(0), 2_500)
    dataset = Dataset(name, "made", POINT, points, points, {"label": modes}, density=mixture)
    protocol = PROTOCOLS["mixture_2500"]
    found = protocol.measure([points], protocol.reference(dataset))
    assert found["modes"] == 5
    assert found["high_quality"] == pytest.approx(0.9889, abs=0.01)
    with pytest.raises(InputError, match=f"known mixture, which {name} is not"):
        protocol.reference(dataclasses.replace(dataset, density=None))
    assert PROTOCOLS["none"].reference(dataset) is None


def test_what_data_lack_is_said(own_kind, tiny):
    with pytest.raises(InputError, match=r"model\.conditioning=heard: needs the condition freq"):
        build(tiny({"model.conditioning": "heard"}), DataSpec("ring", POINT, (2,), 24))
    setup = build(tiny(OF_WAVES), waves.load())
    for protocol in ("mixture_2500", "mnist_cnn_1k", "random_cnn_10k"):
        with pytest.raises(InputError, match="sines"):
            Evaluator(with_protocol(setup, protocol), waves.load(), diagnostics=False)
    with pytest.raises(InputError, match=r"augment\.policy=translation: augments images, not wav"):
        build(tiny(OF_WAVES | {"augment.policy": "translation"}), waves.load())
    with pytest.raises(InputError, match=r"model\.name=cnn: cnn makes images with sides"):
        build(tiny(OF_WAVES | {"model.name": "cnn"}), waves.load())

"""Attributes of drawn shapes, directions of generators that are known, and edits."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import program
import pytest
from jax.tree_util import Partial
from PIL import Image

from gan_jax import latent
from gan_jax.config.setup import build
from gan_jax.core.errors import InputError
from gan_jax.data import DataSpec
from gan_jax.data.embedded import mnist_digits
from gan_jax.examples import IMAGE, POINT
from gan_jax.game.prior import Prior
from gan_jax.latent import directions
from gan_jax.latent.attributes import ATTRIBUTES, height, measure, slant, stroke, width
from gan_jax.latent.digits import DigitPrediction
from gan_jax.latent.edits import edit, effect, follow, move
from gan_jax.latent.first_layer import record_first_layer
from gan_jax.latent.measured_latents import MeasuredLatents, attributes_and_logits, measure_latents
from gan_jax.latent.space import InEvaluation

SIDE = 28
FINE = 16  # points a side of a pixel


def drawn(inside) -> np.ndarray:
    """An image [1, H, W, 1] of where `inside(x, y)` holds, anti-aliased; y grows downwards."""
    places = (np.arange(SIDE * FINE) + 0.5) / FINE - SIDE / 2
    ink = inside(places, places[:, None]).astype(np.float32)
    ink = ink.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    return 2 * ink[None, ..., None] - 1


def bar(wide: float, high: float, shear: float = 0.0, turn: float = 0.0) -> np.ndarray:
    """A bar leaning to the right by `shear` pixels a pixel, or turned by `turn` degrees."""
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))

    def inside(x, y):
        x, y = cos * x - sin * y, sin * x + cos * y
        return (np.abs(x + shear * y) < wide / 2) & (np.abs(y) < high / 2)

    return drawn(inside)


def shifted(images: np.ndarray, right: int, down: int) -> np.ndarray:
    return np.roll(images, (down, right), axis=(1, 2))


# Attributes


@pytest.mark.parametrize("wide", [2, 3, 4, 6])
def test_stroke_of_bars(wide):
    # Contours cut corners: by 1.2 pixels of the whole edge, whatever the bar.
    expected = wide * 20 / (wide + 20)
    assert stroke(bar(wide, 20))[0] == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("wide", [2, 3, 4])
def test_stroke_of_a_ring_is_its_width(wide):
    def inside(x, y):
        return np.abs(np.hypot(x, y) - 9) < wide / 2

    assert stroke(drawn(inside))[0] == pytest.approx(wide, rel=0.05)


@pytest.mark.parametrize("turn", [15, 30, 45, 60, 90, 135])
def test_stroke_does_not_turn(turn):
    assert stroke(bar(4, 18, turn=turn))[0] == pytest.approx(4 * 18 / 22, rel=0.05)


@pytest.mark.parametrize("shear", [-0.6, -0.2, 0.0, 0.3, 0.7])
def test_slant_of_sheared_bars(shear):
    # A pixel's own extent is counted downwards, but shears nothing: a little less slant.
    assert slant(bar(4, 18, shear))[0] == pytest.approx(np.degrees(np.arctan(shear)), abs=0.3)


@pytest.mark.parametrize(("wide", "high"), [(6, 6), (4, 20), (14, 8)])
def test_width_and_height_of_rectangles_of_whole_pixels(wide, high):
    assert width(bar(wide, high))[0] == pytest.approx(wide, rel=1e-4)
    assert height(bar(wide, high))[0] == pytest.approx(high, rel=1e-4)


@pytest.mark.parametrize(("wide", "shear"), [(3, 0.0), (4, 0.5), (6, -0.3)])
def test_edges_within_pixels_and_slants_add_at_most_three_to_the_square(wide, shear):
    assert wide**2 < width(bar(wide, 18, shear))[0] ** 2 < wide**2 + 3.01


def test_attributes_do_not_change_with_place_and_contrast():
    images = bar(3, 14, 0.4)
    expected = np.asarray(measure(images))
    np.testing.assert_allclose(measure(shifted(images, 4, -5)), expected, rtol=1e-4)
    # A thousandth is rounded off from slopes, which are about 1/4 at the edges of paler ink.
    np.testing.assert_allclose(measure((images + 1) / 2 - 1), expected, rtol=4e-3)


def test_a_mirrored_digit_leans_the_other_way():
    images = mnist_digits().train[:50] / np.float32(127.5) - 1
    one, other = (np.asarray(jax.jit(measure)(x)) for x in (images, images[:, :, ::-1]))
    signs = [-1 if name == "slant" else 1 for name in ATTRIBUTES]
    np.testing.assert_allclose(other, one * signs, rtol=1e-3, atol=1e-3)


def test_real_digits_are_plausible():
    digits = mnist_digits()
    values = np.asarray(jax.jit(measure)(digits.train[:1000] / np.float32(127.5) - 1))
    stroke_, slant_, width_, height_ = values.T
    assert 2 < np.median(stroke_) < 3.5
    assert 3 < np.median(slant_) < 15  # most people write with the right hand
    assert 17 < np.median(height_) < 22  # they were fitted into 20 pixels
    ones = digits.train_conditions["label"][:1000] == 1
    assert np.median(width_[ones]) < np.median(width_[~ones]) / 2


def test_attributes_can_be_differentiated_everywhere_but_on_nothing():
    images = mnist_digits().train[:4] / np.float32(127.5) - 1
    slopes = jax.jit(jax.grad(lambda images: measure(images).sum()))(images)
    assert np.all(np.isfinite(slopes))
    assert np.all(np.abs(slopes).max(axis=(1, 2, 3)) > 0)
    assert np.isnan(slant(np.full((1, SIDE, SIDE, 1), -1.0)))[0]


# Directions


def latents(num: int = 2000, dimensions: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(num, dimensions)).astype(np.float32)


def units(count: int, dimensions: int) -> np.ndarray:
    vectors = np.random.default_rng(1).normal(size=(count, dimensions))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_regression_finds_a_linear_direction():
    z, known = latents(), units(2, 6)
    found = directions.regression(z, 3 * z @ known.T + 5)
    np.testing.assert_allclose(found, known, atol=1e-5)
    np.testing.assert_allclose(np.diag(directions.explained(found, z, z @ known.T)), 1, atol=1e-6)


def test_regression_within_classes_leaves_the_class_alone():
    z, (mine, classes) = latents(), units(2, 6)
    digits = (z @ classes > 0).astype(int)
    values = (z @ mine + 10 * digits)[:, None]
    (found,) = directions.regression(*directions.within(digits, z, values))
    np.testing.assert_allclose(found, mine, atol=1e-5)
    (naive,) = directions.regression(z, values)
    assert naive @ classes > 0.9


def test_orthogonal_directions_have_no_part_in_the_basis():
    basis = np.eye(6)[:2]
    found = directions.orthogonal(units(3, 6), basis)
    np.testing.assert_allclose(found @ basis.T, 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    with pytest.raises(InputError, match="nothing changes that way"):
        directions.orthogonal(basis[:1], basis)


def test_class_directions_span_the_logits_but_for_their_mean():
    z, known = latents(), units(3, 6)
    logits = z @ known.T
    basis = directions.class_directions(z, logits)
    assert basis.shape == (2, 6)
    differences = known - known.mean(axis=0)
    np.testing.assert_allclose(differences @ basis.T @ basis, differences, atol=1e-5)


def test_sensitivity_is_that_of_the_logits_but_for_their_mean():
    generate = Partial(lambda _, z, labels=None: z, None)
    read = Partial(
        lambda matrix, x: DigitPrediction(x, x @ matrix), units(3, 6).T.astype(np.float32)
    )
    z = latents(300)
    found = directions.sensitivity(MeasuredLatents(generate, read, z, None, z[:, :1], z))
    slopes = units(3, 6) - units(3, 6).mean(axis=0)
    expected = slopes.T @ slopes
    np.testing.assert_allclose(found, expected / np.linalg.eigvalsh(expected)[-1], atol=1e-5)


def test_penalized_directions_gain_most_for_their_cost():
    costs, (mine,) = np.diag([1.0, 0.5, 0.1, 0.0, 0.0, 0.0]), units(1, 6)
    (found,) = directions.penalized(mine[None], costs, ridge=0.1)

    def worth(vector):
        return (vector @ mine) ** 2 / (vector @ costs @ vector + 0.1 * vector @ vector)

    assert all(worth(found) > worth(other) for other in units(200, 6))
    (whole,) = directions.penalized(mine[None], costs, ridge=1e6)
    np.testing.assert_allclose(whole, mine, atol=1e-5)


def test_the_best_candidate_is_turned_so_that_the_value_grows():
    z = latents()
    values = np.stack([-z[:, 2], z[:, 4]], axis=1)
    found = directions.pick(np.eye(6), z, values)
    np.testing.assert_array_equal(found, [-np.eye(6)[2], np.eye(6)[4]])


def test_too_few_latents():
    with pytest.raises(InputError, match="6 dimensions take more"):
        directions.regression(latents(6), latents(6)[:, :1])


# The first layer


@pytest.fixture(scope="module")
def generator(tiny):
    """A function of overrides to a small generator in evaluation mode, and its variables."""

    def make(overrides=None, shape=(2,)):
        config = tiny({"model.generator.norm": "none"} | (overrides or {}))
        kind = IMAGE if len(shape) == 3 else POINT
        spec = DataSpec("made", kind, shape, 24, classes=config.model.classes)
        module = build(config, spec).players.generator
        z = latents(3, config.model.latent)
        variables = jax.jit(partial(module.init, train=False))(jax.random.key(0), z)
        return Partial(InEvaluation(module), variables), variables

    return make


def test_sefa_is_the_singular_vectors_of_the_first_kernel(generator):
    generate, variables = generator()
    left, strengths, _ = np.linalg.svd(variables["params"]["Dense_0"]["kernel"])
    found = directions.sefa(generate, 3)
    assert strengths[0] > strengths[-1] * 1.1
    np.testing.assert_allclose(np.abs(np.sum(found * left.T, axis=1)), 1, atol=1e-4)


def test_ganspace_is_the_principal_components_regressed_back(generator):
    generate, variables = generator()
    z, layer = latents(400, 3), variables["params"]["Dense_0"]
    activations = np.maximum(z @ layer["kernel"] + layer["bias"], 0)
    _, _, components = np.linalg.svd(activations - activations.mean(axis=0), full_matrices=False)
    coordinates = (activations - activations.mean(axis=0)) @ components.T
    regressed, *_ = np.linalg.lstsq(coordinates[:, :3], z - z.mean(axis=0), rcond=None)
    expected = regressed / np.linalg.norm(regressed, axis=1, keepdims=True)
    found = directions.ganspace(generate, z)
    np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=1)), 1, atol=1e-3)


IMAGES = {"model.generator.width": 2, "model.latent": 3}


@pytest.mark.parametrize("name", ["cnn", "dcgan", "mlp", "r3gan", "small_dcgan", "sngan"])
def test_every_generator_has_a_first_layer(generator, name):
    generate, _ = generator({"model.name": name, **IMAGES}, (8, 8, 1))
    z = latents(6, 3)
    z[4:] = (z[:2] + z[2:4]) / 2
    linear, activations = jax.jit(record_first_layer)(generate, z)
    assert len(linear) == len(activations) == 6
    np.testing.assert_allclose(linear[4:], (linear[:2] + linear[2:4]) / 2, atol=1e-5)
    assert np.ptp(linear, axis=0).max() > 0


@pytest.mark.parametrize("conditioning", ["concatenate", "embed"])
def test_the_class_does_not_change_sefa(generator, conditioning):
    asked = {"model.conditioning": conditioning, "model.classes": 4}
    generate, _ = generator(asked)
    one, other = (directions.sefa(generate, 3, np.array([label])) for label in (0, 3))
    assert one.shape == (3, 3)
    np.testing.assert_allclose(np.abs(np.sum(one * other, axis=1)), 1, atol=1e-4)


def test_spectral_normalization_scales_the_first_layer_only(generator):
    generate, variables = generator({"model.generator.norm": "spectral"})
    (kernel,) = (
        leaf
        for path, leaf in jax.tree.leaves_with_path(variables["params"])
        if "Dense_0/kernel" in jax.tree_util.keystr(path, simple=True, separator="/")
    )
    left, _, _ = np.linalg.svd(kernel)
    found = directions.sefa(generate, 3)
    np.testing.assert_allclose(np.abs(np.sum(found * left.T, axis=1)), 1, atol=1e-4)


def test_a_generator_without_layers_has_none():
    plain = Partial(lambda scale, z, labels=None: scale * z, 2.0)
    with pytest.raises(InputError, match="not dense"):
        directions.sefa(plain, 3)


# Edits


def bars(scale, z, labels=None):
    """A soft bar [N, H, W, 1] that leans with z's first number and thickens with its second."""
    del labels
    places = jnp.arange(SIDE) - (SIDE - 1) / 2
    x, y = places, places[:, None]
    shear, wide = z[:, 0, None, None] * scale, 4 * jnp.exp(z[:, 1, None, None] * scale)
    inside = jax.nn.sigmoid(2 * (wide / 2 - jnp.abs(x + shear * y)))
    return (2 * inside * (jnp.abs(y) < 9) - 1)[..., None]


def by_third(images):
    """A classifier that can't be wrong: white or not, in the middle."""
    ink = images[:, SIDE // 2, SIDE // 2, 0]
    return DigitPrediction(ink[:, None], jnp.stack([ink, 0.99 - ink], axis=1))


@pytest.fixture(scope="module")
def toy() -> MeasuredLatents:
    generate, read = Partial(bars, 0.1), Partial(by_third)
    z = latents(600, 4)
    return MeasuredLatents(generate, read, z, None, *attributes_and_logits(generate, read, z))


def test_methods_find_the_toys_attributes(toy):
    for method in ("regression", "within_class"):
        found = dict(zip(ATTRIBUTES, directions.METHODS[method](toy), strict=True))
        assert found["slant"][0] > 0.98
        assert found["stroke"][1] > 0.98


def test_an_edit_moves_what_it_should(toy):
    names, amounts = list(ATTRIBUTES), np.array([-2.0, 0.0, 2.0])
    meant = names.index("slant")
    found = follow(Prior(4), toy, np.eye(4)[0], amounts, keep=False)
    told = effect(found, meant, toy.values.std(axis=0))
    assert told.gains[meant].estimate == pytest.approx(np.degrees(0.1), rel=0.05)
    assert told.lead > 5
    assert told.kept.estimate == 1.0
    aside = follow(Prior(4), toy, np.eye(4)[2], amounts, keep=False)
    np.testing.assert_allclose(aside.slopes, 0, atol=1e-3)


def test_classes_stay_with_their_latents(toy):
    def told(_, z, labels):
        """A bar whose class is its thickness, whatever the latent."""
        return bars(0.3, jnp.stack([0 * z[:, 0], labels.astype(z.dtype)], axis=1))

    z, labels = toy.z[:5], np.arange(5, dtype=np.int32)
    generate = Partial(told, None)
    asked = MeasuredLatents(
        generate, toy.read, z, labels, *attributes_and_logits(generate, toy.read, z, labels)
    )
    found = follow(Prior(4), asked, np.eye(4)[0], np.array([0.0, 1.0]))
    assert np.all(np.diff(asked.values[:, 0]) > 0.5)
    np.testing.assert_allclose(found.values[:, 1], asked.values, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("distribution", ["normal", "sphere", "uniform"])
def test_moved_latents_stay_where_the_prior_has_them(distribution):
    prior = Prior(6, distribution=distribution)
    keys = jax.random.split(jax.random.key(0), 50)
    z, (vector,) = np.asarray(prior.draw(keys).z), units(1, 6)
    moved = move(prior, z, vector, np.array([-3.0, 0.0, 3.0]))
    np.testing.assert_allclose(moved[:, 1], z, atol=1e-6)
    if distribution == "uniform":
        assert np.abs(moved).max() == 1.0
    else:
        lengths = np.linalg.norm(moved, axis=-1)
        np.testing.assert_allclose(lengths, np.linalg.norm(z, axis=1)[:, None] + np.zeros(3), 1e-5)
    assert np.all(moved[:, 2] @ vector > moved[:, 0] @ vector)


def test_free_moves_are_straight_and_codes_are_only_moved():
    z, vector = latents(5, 4), np.array([0.6, 0.0, 0.0, 0.8])
    (free,) = move(Prior(4), z[:1], vector, np.array([2.0]), keep=False)
    np.testing.assert_allclose(free[0], z[0] + 2 * vector, atol=1e-6)
    coded = move(Prior(3, continuous=1), z, vector, np.array([2.0]))
    np.testing.assert_allclose(coded[:, 0, 3], z[:, 3] + 1.6, atol=1e-6)
    lengths = (np.linalg.norm(one[:, :3], axis=1) for one in (coded[:, 0], z))
    np.testing.assert_allclose(*lengths, rtol=1e-5)


# A run


@pytest.fixture(scope="module")
def space(uninterrupted):
    return latent.load(uninterrupted)


def test_edits_of_a_run(space):
    sampled = measure_latents(space, 300, seed=1)
    np.testing.assert_array_equal(sampled.z, space.draw(300, seed=1).z)
    found = follow(space.prior, sampled.head(20), units(1, 64)[0], np.array([-2.0, 0.0, 2.0]))
    np.testing.assert_allclose(found.values[:, 1], sampled.values[:20], rtol=1e-3, atol=1e-2)
    assert found.kept[:, 1].all()
    images = edit(space, sampled.z[:3], units(1, 64)[0], np.array([0.0, 1.0]))
    assert images.shape == (3, 2, 28, 28, 1)
    np.testing.assert_allclose(images[:, 0], space.generate(sampled.z[:3]), atol=1e-4)


def test_blank_images_are_refused(toy):
    blank = Partial(lambda _, z, labels=None: jnp.full((len(z), SIDE, SIDE, 1), -1.0), None)
    with pytest.raises(InputError, match="3 of 3 images: blank"):
        attributes_and_logits(blank, toy.read, toy.z[:3])


def test_the_program_writes_a_sheet(uninterrupted, tmp_path, monkeypatch, capsys):
    out = tmp_path / "edits.png"
    flags = (f"--workdir={uninterrupted}", "--attribute=stroke", "--method=sefa", f"--out={out}")
    with program.loaded("gan_jax.edit", *flags, "--num=2", "--amounts=-1,0,1") as edit:
        monkeypatch.setattr(edit, "_FITTED", 100)
        monkeypatch.setattr(edit, "_MOVED", 20)
        edit.main()
    said = capsys.readouterr().out
    assert "pixels a sd" in said
    assert "the same digit at all amounts: " in said
    with Image.open(out) as sheet:
        assert min(sheet.size) > 100


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--attribute=colour", "--out=x.png"], "--attribute=colour: unknown, choose from height"),
        (["--attribute=slant", "--out=x.png", "--amounts=1,b"], "--amounts=1,b: not numbers"),
    ],
)
def test_bad_input_is_refused(flags, words, uninterrupted):
    flags = (f"--workdir={uninterrupted}", *flags)
    refused = pytest.raises(InputError, match=f"^{words}")
    with program.loaded("gan_jax.edit", *flags) as edit, refused as caught:
        edit.main()
    assert "\n" not in str(caught.value)


def test_bad_input_is_told_in_a_line(tmp_path):
    flags = (f"--workdir={tmp_path}", "--attribute=slant", "--out=x.jpg")
    ended = program.run("gan_jax.edit", *flags, code=2)
    assert ended.stderr == "error: --out=x.jpg: the name must end in .png\n"

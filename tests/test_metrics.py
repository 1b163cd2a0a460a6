"""The protocols on samples whose score can be worked out by hand, and on 5,000 real digits."""

import dataclasses
import json
import math

import jax
import numpy as np
import pytest
import scipy.linalg

from gan_jax.core.errors import InputError
from gan_jax.data import Dataset, embedded, mixtures, stacked
from gan_jax.examples import IMAGE
from gan_jax.metrics import PROTOCOLS, classifier, images, manifold, modes
from gan_jax.metrics.batching import BATCH
from gan_jax.metrics.frechet import Gaussian, frechet_distance

RING = mixtures.RING
CENTRES, SIGMA = RING.centres, RING.sigma


@pytest.fixture(scope="module")
def digits():
    """The embedded digits. The classifier's training set contains them, so its accuracy here only
    proves that the shipped file and the code around it work."""
    return embedded.mnist_digits()


@pytest.fixture(scope="module")
def ring():
    return mixtures.load("ring", "exact")


@pytest.fixture(scope="module")
def stacks(digits):
    """A part of stacked MNIST, of the embedded digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacked, "TRAIN_IMAGES", 700)
        patch.setattr(stacked, "TEST_IMAGES", 600)
        return stacked.stack(digits)


# ---- the Frechet distance: closed forms


def centred(covariance):
    covariance = np.array(covariance, np.float64)
    return Gaussian(np.zeros(len(covariance)), covariance)


@pytest.mark.parametrize(
    ("real", "generated", "distance"),
    [
        (centred([[2, 1], [1, 2]]), centred([[2, 1], [1, 2]]), 0),
        # One dimension: (0 - 3)^2 + (1 - 2)^2.
        (centred([[1]]), Gaussian(np.array([3.0]), np.array([[4.0]])), 10),
        (centred([[1, 0], [0, 9]]), centred([[4, 0], [0, 4]]), 1 + 1),
        # Not commuting: a 2x2 root has trace sqrt(tr + 2 sqrt(det)), here of [[2, 4], [1, 8]].
        (centred([[2, 1], [1, 2]]), centred([[1, 0], [0, 4]]), 9 - 2 * math.sqrt(10 + 48**0.5)),
        (centred([[0, 0], [0, 0]]), centred([[1, 0], [0, 1]]), 2),
        (centred([[1, 1], [1, 1]]), centred([[1, 1], [1, 1]]), 0),  # singular
    ],
)
def test_frechet_distance(real, generated, distance):
    assert frechet_distance(real=real, generated=generated) == pytest.approx(distance, abs=1e-7)
    assert frechet_distance(real=generated, generated=real) == pytest.approx(distance, abs=1e-7)


def test_frechet_distance_of_samples_against_the_formula_with_a_square_root():
    rng = np.random.default_rng(0)
    sets = rng.normal(size=(2, 50, 6)) @ rng.normal(size=(2, 6, 6)) + rng.normal(size=(2, 1, 6))
    gaussians = [Gaussian.of_sums(50, x.sum(axis=0), x.T @ x) for x in sets]
    means, covariances = sets.mean(axis=1), [np.cov(x, rowvar=False) for x in sets]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(sum(covariances) - 2 * root)
    distance = frechet_distance(real=gaussians[0], generated=gaussians[1])
    assert distance == pytest.approx(expected, rel=1e-9)


def test_gaussian_of_a_square():
    points = np.array([[0, 0], [2, 0], [0, 2], [2, 2]], np.float64)
    gaussian = Gaussian.of_sums(4, points.sum(axis=0), points.T @ points)
    np.testing.assert_allclose(gaussian.mean, [1, 1])
    np.testing.assert_allclose(gaussian.covariance, np.eye(2) * 4 / 3)
    assert gaussian.covariance.dtype == np.float64


@pytest.mark.parametrize("function", [frechet_distance, images.digit_kl])
def test_what_is_real_must_be_said(function):
    with pytest.raises(TypeError, match="positional"):
        function(centred([[1]]), centred([[1]]))


# ---- quality and diversity from probabilities


@pytest.mark.parametrize(
    ("rows", "score"),
    [
        (np.eye(10), 10),  # sure, and every class alike
        (np.eye(10)[[3, 3, 7, 7]], 2),
        (np.eye(10)[[3, 3, 3]], 1),  # sure, one class
        (np.full((5, 10), 0.1), 1),  # never sure
    ],
)
def test_inception_score(rows, score):
    tally = images.ClassifierStatistics.of(np.zeros((len(rows), 2)), rows)
    assert images.inception_score(tally) == pytest.approx(score)


def test_a_tally_of_batches_is_the_tally_of_all():
    rng = np.random.default_rng(0)
    features, rows = rng.normal(5, 1, (90, 6)), rng.dirichlet(np.ones(10), 90)
    whole = images.ClassifierStatistics.of(features, rows)
    parts = [
        images.ClassifierStatistics.of(features[i : i + 40], rows[i : i + 40]) for i in (0, 40, 80)
    ]
    total = parts[0] + parts[1] + parts[2]
    for name, value in vars(whole).items():
        np.testing.assert_allclose(getattr(total, name), value, rtol=1e-12)
    np.testing.assert_allclose(total.gaussian.mean, features.mean(axis=0))
    np.testing.assert_allclose(total.gaussian.covariance, np.cov(features, rowvar=False))
    divergences = np.sum(rows * np.log(rows / rows.mean(axis=0)), axis=1)
    assert images.inception_score(total) == pytest.approx(np.exp(divergences.mean()))


def test_digit_kl():
    equal, collapsed = np.full(10, 1000), np.eye(10)[3] * 500
    assert images.digit_kl(real=equal, generated=equal // 10) == pytest.approx(0, abs=1e-12)
    assert images.digit_kl(real=equal, generated=collapsed) == pytest.approx(math.log(10))
    assert math.isfinite(images.digit_kl(real=collapsed, generated=equal))


# ---- modes of the ring


def test_one_point_again_and_again():
    scores = modes.measure([np.tile(CENTRES[2], (100, 1))], RING)
    assert list(scores) == ["modes", "high_quality", "reverse_kl", "covariance_ratio"]
    assert list(scores.values()) == pytest.approx([1, 1, math.log(8), 0])


def test_seven_modes_of_eight():
    scores = modes.measure([np.tile(CENTRES[:7], (10, 1))], RING)
    assert scores["modes"] == 7
    assert scores["reverse_kl"] == pytest.approx(math.log(8 / 7))


def test_only_high_quality_samples_count():
    def beside(centre, radii):
        return CENTRES[centre] + SIGMA * np.array([[radius, 0] for radius in radii])

    points = np.concatenate([beside(0, [2.9, -2.9, 0]), beside(1, [0, 3.1]), beside(2, [-3.1])])
    scores = modes.measure([points], RING)
    assert scores["modes"] == 2
    assert scores["high_quality"] == pytest.approx(4 / 6)
    # Three samples in one mode and one in another.
    kl = 0.75 * math.log(0.75 * 8) + 0.25 * math.log(0.25 * 8)
    assert scores["reverse_kl"] == pytest.approx(kl)
    # Mode 0: variance 2.9^2 along one axis, 0 along the other; mode 1 has too few to say.
    assert scores["covariance_ratio"] == pytest.approx(2.9**2 / 2)


def test_perfect_sampler():
    points, _ = RING.sample(np.random.default_rng(1), 200_000)
    scores = modes.measure([points], RING)
    assert scores["modes"] == 8
    assert scores["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=1e-3)
    assert scores["reverse_kl"] < 1e-3
    # What a two-dimensional Gaussian keeps of its variance inside three standard deviations.
    kept = 1 - 4.5 * math.exp(-4.5) / (1 - math.exp(-4.5))
    assert scores["covariance_ratio"] == pytest.approx(kept, abs=0.01)


def test_shrunken_modes_look_better_but_for_their_spread(ring):
    points = dataclasses.replace(RING, sigma=SIGMA / 2).sample(np.random.default_rng(1), 20_000)[0]
    floor = modes.measure([ring.test], RING)
    shrunken = modes.measure([points], RING)
    assert shrunken["high_quality"] > floor["high_quality"]
    assert shrunken["covariance_ratio"] == pytest.approx(1 / 4, abs=0.01)


def test_samples_that_are_not_finite():
    bad = np.array([[np.nan, 0], [np.inf, 1], [1, -np.inf], [np.nan, np.nan]], np.float32)
    assert modes.measure([np.concatenate([bad, CENTRES[:4]])], RING)["high_quality"] == 0.5
    assert list(modes.measure([bad], RING).values()) == pytest.approx([0, 0, math.log(8), 0])


# ---- the classifier


def test_shipped_file():
    assert classifier.WEIGHTS.stat().st_size < 1_000_000
    shipped = classifier.shipped_arrays()
    assert all(array.dtype != object for array in shipped.values())  # nothing needs pickle
    assert shipped["test_accuracy"] >= 0.992
    reference = images.Reference.shipped()
    assert reference.counts.sum() == 10_000
    assert np.linalg.eigvalsh(reference.gaussian.covariance).min() > -1e-9


def test_classifier_knows_the_digits(digits):
    _, probabilities = classifier.embed(np.concatenate([digits.train, digits.test]))
    labels = np.concatenate([digits.train_conditions["label"], digits.test_conditions["label"]])
    assert np.mean(probabilities.argmax(axis=1) == labels) >= 0.99


def test_streaming_equals_one_batch(digits):
    count = BATCH + 44
    features, probabilities = classifier.embed(digits.train[:count])
    scaled = digits.train[:count].astype(np.float32) / 255
    direct, logits = classifier.MnistCNN().apply(classifier.load_classifier(), scaled)
    np.testing.assert_allclose(features, direct, atol=1e-4)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), np.argmax(logits, axis=1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("resized", [lambda x: x.repeat(2, 1).repeat(2, 2), lambda x: x[:, 1:, 1:]])
def test_other_sizes_are_resized(digits, resized):
    _, probabilities = classifier.embed(resized(digits.test))
    assert np.mean(probabilities.argmax(axis=1) == digits.test_conditions["label"]) >= 0.97


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 28, 28, 1)), np.zeros((2, 28, 28, 3), np.uint8), np.zeros(9, np.uint8)]
)
def test_classifier_takes_grey_uint8(wrong):
    with pytest.raises(ValueError, match="uint8"):
        classifier.embed(wrong)


# ---- the protocols


@pytest.mark.parametrize("name", PROTOCOLS)
def test_protocol_contract(name, digits, ring, stacks):
    # A number of samples is all that protocols of one kind differ in: few show what holds for it.
    protocol = dataclasses.replace(PROTOCOLS[name], num=600)
    dataset = {"mixture": ring, "stacked": stacks}.get(name.split("_")[0], digits)
    reference = protocol.reference(dataset)
    samples = np.resize(dataset.train, (protocol.num, *dataset.train.shape[1:]))
    scores = protocol.measure(np.array_split(samples, 3), reference)
    floor = protocol.noise_floor(dataset, reference)
    assert floor.keys() == scores.keys() | {"num"}
    assert bool(scores) == (name != "none")
    assert floor["num"] <= protocol.num
    for numbers in (scores, floor):
        assert all(type(number) is float for number in numbers.values())
        json.dumps(numbers, allow_nan=False)
    with pytest.raises(ValueError, match=f"{protocol.num} samples, got 7"):
        protocol.measure([samples[:7]], reference)
    with pytest.raises(TypeError):
        protocol.measure(reference, samples)


@pytest.mark.parametrize("name", sorted(PROTOCOLS.keys() - {"none"}))
def test_protocol_refuses_other_data(name, digits, ring):
    with pytest.raises(InputError, match=f"config.eval.protocol={name}: measures"):
        PROTOCOLS[name].reference(digits if name.startswith("mixture") else ring)


def test_an_image_of_three_digits_counts_for_its_mode(digits, stacks):
    protocol = dataclasses.replace(PROTOCOLS["stacked_mnist_25600"], num=600)
    with pytest.raises(InputError, match="measures images of three digits each"):
        protocol.reference(digits)
    scores = protocol.measure([stacks.test[:100], stacks.test[100:]], None)
    counts = np.bincount(stacks.test_conditions["label"], minlength=1000)
    # The classifier has 0.5 % of digits wrong: of 1,800 a few, each of which moves one image.
    assert scores["modes"] == pytest.approx(np.count_nonzero(counts), abs=10)
    assert scores["reverse_kl"] == pytest.approx(modes.reverse_kl(counts), abs=0.03)
    assert scores["confidence"] > 0.98
    few = protocol.measure([np.repeat(stacks.test[:4], 150, axis=0)], None)
    assert few["modes"] == 4
    assert few["reverse_kl"] == pytest.approx(np.log(1000 / 4))


def test_the_channels_of_an_image_are_read_alike_one_by_one_and_in_a_program(stacks):
    kind, images = PROTOCOLS["stacked_mnist_25600"].kind, stacks.test[:64]
    digits, probabilities = jax.jit(kind.features)(images)
    expected = stacks.test_conditions["label"][:64]
    assert np.mean(stacked.mode(np.asarray(digits)) == expected) > 0.9
    together = kind.numbers(kind.statistics(np.asarray(digits), np.asarray(probabilities)), None)
    assert together == pytest.approx(kind.measure([images], None), rel=1e-5)


def test_floor_of_a_sorted_set_has_every_digit(digits):
    order = np.argsort(digits.train_conditions["label"], kind="stable")
    in_order = dataclasses.replace(digits, train=digits.train[order])
    protocol = PROTOCOLS["mnist_cnn_1k"]
    floor = protocol.noise_floor(in_order, protocol.reference(in_order))
    assert floor["num"] == 1000
    assert floor["share_min"] > 0.05
    assert floor["digit_kl"] < 0.02
    assert floor["inception_score"] > 9


def test_collapse_to_one_digit_shows(digits):
    protocol = PROTOCOLS["mnist_cnn_1k"]
    reference = protocol.reference(digits)
    floor = protocol.noise_floor(digits, reference)
    ones = digits.train[digits.train_conditions["label"] == 1]
    scores = protocol.measure([np.resize(ones, (1000, *ones.shape[1:]))], reference)
    assert scores["frechet"] > 10 * floor["frechet"]
    assert scores["inception_score"] < 1.2
    assert scores["share_1"] == scores["share_max"] > 0.98
    assert scores["digit_kl"] > 2


def test_other_image_sets_are_their_own_reference(digits):
    inverted = Dataset("negatives", "made", IMAGE, 255 - digits.train, 255 - digits.test)
    protocol = PROTOCOLS["mnist_cnn_1k"]
    own = protocol.noise_floor(inverted, protocol.reference(inverted))
    digits_own = protocol.noise_floor(inverted, protocol.reference(digits))
    assert own["frechet"] < digits_own["frechet"] / 10


def test_fidelity_and_diversity_are_told_apart(digits):
    """Ones alone look real but miss most digits; noise looks like nothing and meets nothing."""
    protocol = PROTOCOLS["mnist_cnn_manifold"]
    reference = protocol.reference(digits)
    assert reference.features.shape == (500, classifier.FEATURES)
    floor = protocol.noise_floor(digits, reference)
    assert floor["real"] == 500
    assert min(floor[name] for name in ("precision", "recall", "coverage")) > 0.75
    assert floor["density"] == pytest.approx(1, abs=0.2)
    # Draws of 500 scatter by about 1 / 1000 of a point's kernel with itself.
    own = np.mean((np.square(reference.features).sum(axis=1) / classifier.FEATURES + 1) ** 3)
    assert abs(floor["kernel"]) < own / 500
    ones = np.resize(digits.train[digits.train_conditions["label"] == 1], (2500, 28, 28, 1))
    ones = protocol.measure([ones], reference)
    assert ones["precision"] > 0.7
    assert ones["recall"] < 0.3
    assert ones["coverage"] < 0.2
    assert ones["kernel"] > own / 50
    noise = np.random.default_rng(0).integers(256, size=(2500, 28, 28, 1), dtype=np.uint8)
    noise = protocol.measure([noise], reference)
    assert noise["precision"] < 0.05
    assert noise["coverage"] < 0.05


def test_at_most_2500_real_images_are_compared_with(digits, monkeypatch):
    monkeypatch.setattr(manifold, "REAL", 60)
    features = manifold.reference(digits).features
    every, _ = classifier.embed(digits.test)
    rows = [np.argmin(np.abs(every - one).sum(axis=1)) for one in features]
    assert len(set(rows)) == 60
    assert rows != sorted(rows)  # drawn, not the first

"""The Frechet distance in a random network's features: the network, and what it sees."""

import dataclasses
import hashlib

import numpy as np
import pytest
from scipy.signal import correlate

from gan_jax.core.errors import InputError
from gan_jax.data import Dataset, embedded
from gan_jax.data.images import resize
from gan_jax.examples import IMAGE
from gan_jax.metrics import PROTOCOLS, random_cnn
from gan_jax.metrics.batching import BATCH
from gan_jax.metrics.frechet import frechet_distance


@pytest.fixture(scope="module")
def colours():
    """Smooth images in colour: 600 and 500 of the same kind, none twice."""
    rng = np.random.default_rng(0)
    coarse = np.clip(rng.normal((150, 110, 80), 50, (1100, 4, 4, 3)), 0, 255).astype(np.uint8)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)
    return Dataset("patches", "made", IMAGE, images[:600], images[600:])


def in_double_precision(image: np.ndarray) -> np.ndarray:
    """Features `[64]` of a colour image `[32, 32, 3]`, from the definition."""
    hidden = image / 127.5 - 1
    *kernels, projection = random_cnn.weights()
    for kernel in kernels:
        side, (size, _, _, channels) = len(hidden) // 2, kernel.shape
        before = (size - 2) // 2  # of the size - 2 pixels of padding that stride 2 needs
        padded = np.pad(hidden, ((before, size - 2 - before),) * 2 + ((0, 0),))
        maps = [
            correlate(padded, kernel[..., channel].astype(np.float64), "valid")[..., 0]
            for channel in range(channels)
        ]
        hidden = np.maximum(np.stack(maps, axis=-1)[::2, ::2], 0)
        assert hidden.shape[:2] == (side, side)
    return hidden.reshape(-1) @ projection


def test_features_are_those_of_the_definition(colours):
    found = random_cnn.embed(colours.train[:3])
    expected = [in_double_precision(image) for image in colours.train[:3]]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_weights_are_the_same_on_every_machine_and_version():
    stored = b"".join(array.astype("<f4").tobytes() for array in random_cnn.weights())
    # Another digest means other numbers: name the protocol anew then, distances won't compare.
    assert hashlib.sha256(stored).hexdigest()[:16] == "5017d9f1a39c6580"


def test_activations_keep_their_size():
    for array in random_cnn.weights():
        inputs = np.prod(array.shape[:-1])
        assert np.mean(array**2) * inputs == pytest.approx(2, rel=0.06)


def test_a_grey_image_counts_as_the_colour_image_that_looks_like_it():
    grey = np.random.default_rng(0).integers(256, size=(5, 32, 32, 1), dtype=np.uint8)
    expected = random_cnn.embed(grey.repeat(3, axis=-1))
    np.testing.assert_allclose(random_cnn.embed(grey), expected, atol=1e-6)


def test_the_number_of_images_and_its_batches_change_nothing(colours):
    images = colours.train[: BATCH + 44]
    whole = random_cnn.embed(images)
    assert whole.shape == (BATCH + 44, random_cnn.FEATURES)
    np.testing.assert_allclose(whole[-50:], random_cnn.embed(images[-50:]), atol=1e-6)
    parts = random_cnn.gaussian([images[:30], images[30:]])
    np.testing.assert_allclose(parts.mean, whole.mean(axis=0, dtype=np.float64), atol=1e-6)
    expected = np.cov(whole.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(parts.covariance, expected, atol=1e-6)


def test_one_program_serves_all_numbers_of_images(colours):
    random_cnn.embed(colours.train[:1])
    compiled = random_cnn._embed_batch._cache_size()
    for count in (2, 100, BATCH, 600):
        random_cnn.embed(colours.train[:count])
    assert random_cnn._embed_batch._cache_size() == compiled


@pytest.mark.parametrize("side", [48, 28])
def test_other_sizes_are_resized(side):
    images = np.random.default_rng(0).integers(256, size=(3, side, side, 3), dtype=np.uint8)
    # Pillow's bilinear filter covers what an output pixel does, too; it rounds.
    expected = random_cnn.embed(resize(images, random_cnn.SIDE))
    np.testing.assert_allclose(random_cnn.embed(images), expected, atol=0.02)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 32, 32, 3)), np.zeros((2, 32, 32, 2), np.uint8), np.zeros((2, 32), np.uint8)],
)
def test_other_arrays_are_refused(wrong):
    with pytest.raises(ValueError, match="takes uint8"):
        random_cnn.embed(wrong)


def test_images_of_other_channels_are_refused(colours):
    two = dataclasses.replace(colours, train=colours.train[..., :2], test=colours.test[..., :2])
    with pytest.raises(InputError, match=r"measures images of 1 or 3 channels, but patches has"):
        PROTOCOLS["random_cnn_10k"].reference(two)


def without_colour(images):
    return images.mean(axis=-1, keepdims=True).repeat(3, axis=-1)


DEFECTS = {  # of images in colour [N, 32, 32, 3]
    "another tint": lambda images: images * (1, 0.8, 1),
    "no colour": without_colour,
    "channels swapped": lambda images: images[..., ::-1],
    "noise": lambda images: images + np.random.default_rng(1).normal(0, 30, images.shape),
    "less contrast": lambda images: (images - 127.5) * 0.7 + 127.5,
    "ten images again and again": lambda images: np.resize(images[:10], images.shape),
    "all the same": lambda images: np.resize(images[:1], images.shape),
}


@pytest.fixture(scope="module")
def reference(colours):
    return PROTOCOLS["random_cnn_10k"].reference(colours)


@pytest.fixture(scope="module")
def floor(colours, reference):
    return PROTOCOLS["random_cnn_10k"].noise_floor(colours, reference)


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_far_above_the_noise_floor(colours, reference, floor, defect):
    assert floor["num"] == 600
    spoiled = np.clip(defect(colours.train), 0, 255).astype(np.uint8)
    distance = frechet_distance(real=reference, generated=random_cnn.gaussian([spoiled]))
    assert distance > 2 * floor["frechet"]


def test_it_tells_digits_by_how_they_look_rather_than_by_which_they_are():
    digits = embedded.mnist_digits()
    reference = random_cnn.gaussian([digits.train[:2000]])

    def distance(images):
        return frechet_distance(real=reference, generated=random_cnn.gaussian([images]))

    others, labels = digits.train[2000:4000], digits.train_conditions["label"][2000:4000]
    floor = distance(others)
    assert distance(np.roll(others, 1, axis=2)) > 3 * floor  # moved by a pixel
    assert distance(others[labels == 1]) > 20 * floor
    assert distance(others[labels != 5]) < 3 * floor  # what the docstring of `measure` admits

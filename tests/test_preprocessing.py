"""What reaches the discriminator: packs, noise that fades, augmentation and its control."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.core.streams import example_keys, root
from gan_jax.game import augment
from gan_jax.game.augment import AUGMENTATIONS, Augmentation
from gan_jax.game.preprocessing import Noise, Preprocessing, packed

IMAGES = np.random.default_rng(0).uniform(-1, 1, (8, 8, 12, 1)).astype(np.float32)


def test_no_preprocessing_leaves_the_examples_as_they_are():
    assert Preprocessing()(IMAGES, root(0), {}) is IMAGES
    assert Preprocessing().initial() == {}


# Packs


def test_packs_are_neighbours_stacked_in_their_channels():
    x = np.arange(24).reshape(4, 3, 2)
    np.testing.assert_array_equal(packed(x, 2)[1, 2], [*x[2, 2], *x[3, 2]])
    assert packed(x, 4).shape == (1, 3, 8)
    points = np.arange(8).reshape(4, 2)
    np.testing.assert_array_equal(packed(points, 2), [[0, 1, 2, 3], [4, 5, 6, 7]])


def test_preprocessing_packs():
    assert Preprocessing(pack=2)(IMAGES, root(0), {}).shape == (4, 8, 12, 2)


# Noise


def test_noise_has_its_deviation_and_is_another_for_every_example():
    zeros = np.zeros((4000, 2), np.float32)
    noise = np.asarray(Preprocessing(noise=Noise(0.5, 0))(zeros, root(0), {}))
    np.testing.assert_allclose(np.std(noise), 0.5, rtol=0.05)
    assert len(np.unique(noise)) > 0.99 * noise.size


def test_noise_fades_linearly_over_the_discriminators_updates():
    preprocessing, zeros = Preprocessing(noise=Noise(0.5, 4)), np.zeros((100, 2), np.float32)
    memory, deviations = preprocessing.initial(), []
    for _ in range(6):
        deviations.append(np.std(preprocessing(zeros, root(0), memory)))
        memory = preprocessing.updated(memory, jnp.zeros(1))
    ratios = np.array(deviations) / deviations[0]
    np.testing.assert_allclose(ratios, [1, 0.75, 0.5, 0.25, 0, 0], atol=1e-6)


def test_devices_share_the_noise_of_the_global_batch():
    preprocessing = Preprocessing(noise=Noise(1.0, 0))
    alone = preprocessing(IMAGES, root(0), {})
    mapped = jax.pmap(
        lambda x: preprocessing._replace(axis_name="devices")(x, root(0), {}),
        axis_name="devices",
        devices=jax.devices()[:4],
    )(IMAGES.reshape(4, 2, *IMAGES.shape[1:]))
    np.testing.assert_allclose(mapped.reshape(IMAGES.shape), alone, rtol=1e-6)


# Augmentation


def applied(name, images=IMAGES, seed=0):
    keys = example_keys(root(seed), len(images))
    return np.asarray(jax.vmap(AUGMENTATIONS[name])(images, keys))


def test_translation_moves_and_fills_with_black():
    images = 2 + np.arange(96, dtype=np.float32).reshape(1, 8, 12, 1).repeat(400, axis=0)
    shifts = set()
    for image in applied("translation", images):
        rows, columns = np.nonzero(image[..., 0] != -1)
        top, left = rows[0], columns[0]
        row, column = divmod(int(image[top, left, 0]) - 2, 12)
        shifts.add((row - top, column - left))
        kept = image[image[..., 0] != -1]
        assert kept.size == (8 - abs(row - top)) * (12 - abs(column - left))
    assert {abs(row) for row, _ in shifts} == {0, 1}  # an eighth of 8
    assert {abs(column) for _, column in shifts} == {0, 1, 2}  # of 12, rounded
    assert len(shifts) == 3 * 5


def test_cutout_blanks_a_square_of_half_the_side():
    holes = applied("cutout", np.ones((400, 8, 12, 1), np.float32))[..., 0] == 0
    heights, widths = (np.max(np.sum(holes, axis=axis), axis=1) for axis in (1, 2))
    assert set(np.max(np.sum(holes, axis=1), axis=1)) == {2, 3, 4}  # in part outside
    assert set(np.max(np.sum(holes, axis=2), axis=1)) == {3, 4, 5, 6}
    np.testing.assert_array_equal(np.sum(holes, axis=(1, 2)), heights * widths)
    assert np.all(np.any(holes, axis=0))  # every pixel is blanked now and then


def test_brightness_shifts_and_contrast_stretches_around_the_mean():
    shifts = applied("brightness") - IMAGES
    np.testing.assert_allclose(shifts, shifts[:, :1, :1].repeat(8, 1).repeat(12, 2), atol=1e-6)
    assert np.all(np.abs(shifts) <= augment.BRIGHTNESS)
    means = IMAGES.mean(axis=(1, 2, 3), keepdims=True)
    factors = (applied("contrast") - means) / (IMAGES - means)
    np.testing.assert_allclose(
        factors, np.broadcast_to(factors[:, :1, :1], factors.shape), rtol=0.01
    )
    assert np.all((factors > 0.49) & (factors < 1.51))
    for values in (shifts, factors):
        assert len(np.unique(np.round(values[:, 0, 0, 0], 4))) == 8


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_let_gradients_through(name):
    gradient = jax.grad(lambda images: jnp.sum(jax.vmap(AUGMENTATIONS[name])(images, keys) ** 2))
    keys = example_keys(root(0), len(IMAGES))
    largest = np.max(np.abs(gradient(IMAGES)), axis=(1, 2, 3))
    assert np.all(largest > 0.5)
    assert np.all(np.isfinite(largest))


def augmentation(**changes):
    fields = {"names": tuple(AUGMENTATIONS), "probability": 1.0, "target": 0.0, "images": 100}
    return Augmentation(**fields | changes, batch_size=8)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_each_is_applied_with_its_probability(probability):
    policy = augmentation(names=("brightness",), probability=probability)
    images = np.zeros((2000, 1, 1, 1), np.float32)
    changed = np.asarray(policy(images, example_keys(root(0), 2000), None)) != 0
    assert (
        abs(np.mean(changed) - probability) <= 5 * (probability * (1 - probability) / 2000) ** 0.5
    )


def test_the_probability_goes_up_while_the_discriminator_is_surer_than_the_target():
    preprocessing = Preprocessing(augmentation=augmentation(target=0.5))
    memory, probabilities = preprocessing.initial(), []
    sure, unsure = jnp.array([1.0, 2, 3, 4]), jnp.array([1.0, -2, 3, -4])  # mean signs 1 and 0
    for logits in (sure, sure, unsure, unsure, unsure):
        memory = preprocessing.updated(memory, logits)
        probabilities.append(float(memory["probability"]))
    np.testing.assert_allclose(probabilities, [0.08, 0.16, 0.08, 0, 0], atol=1e-6)
    for _ in range(20):
        memory = preprocessing.updated(memory, sure)
    assert memory["probability"] == 1


def test_the_probability_is_adapted_by_all_devices():
    preprocessing = Preprocessing(augmentation=augmentation(target=0.1), axis_name="devices")
    logits = np.array([[3.0, 1], [1, -1], [-1, -1], [-1, 1]], np.float32)  # mean sign 0
    after = jax.pmap(
        lambda logits: preprocessing.updated({"probability": jnp.float32(0.5)}, logits),
        axis_name="devices",
        devices=jax.devices()[:4],
    )(logits)
    np.testing.assert_allclose(after["probability"], [0.42] * 4, rtol=1e-6)


def test_adaptive_augmentation_has_the_probability_in_its_memory_alone():
    preprocessing = Preprocessing(augmentation=augmentation(target=0.5, probability=1.0))
    np.testing.assert_array_equal(preprocessing(IMAGES, root(0), preprocessing.initial()), IMAGES)
    assert np.any(preprocessing(IMAGES, root(0), {"probability": jnp.float32(1)}) != IMAGES)

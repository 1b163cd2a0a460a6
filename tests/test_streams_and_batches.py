"""What is random in a run, and in which order it takes its data, follow from the seed alone."""

import itertools

import jax
import numpy as np
import pytest

from gan_jax.core.streams import example_keys, stream
from gan_jax.data.batches import Batches, Examples, take
from gan_jax.examples import IMAGE, POINT


def bits(keys):
    return np.asarray(jax.random.key_data(keys))


# Streams


def test_every_name_step_and_seed_has_its_own_key():
    keys = [
        bits(stream(jax.random.key(seed), name, step)).tobytes()
        for seed, name, step in itertools.product((0, 1), ("latents", "real", "fake"), (0, 1, 7))
    ]
    assert len(set(keys)) == len(keys)
    assert bits(stream(jax.random.key(1), "fake", 7)).tobytes() == keys[-1]


def test_a_stream_does_not_care_whether_its_step_is_traced():
    key = jax.random.key(3)
    traced = jax.jit(lambda step: stream(key, "real", step))(5)
    np.testing.assert_array_equal(bits(traced), bits(stream(key, "real", 5)))


@pytest.mark.parametrize("devices", [2, 4])
def test_devices_share_the_keys_of_the_global_batch(devices):
    key = jax.random.key(0)
    alone = bits(example_keys(key, 8))
    assert len({one.tobytes() for one in alone}) == 8
    mapped = jax.pmap(
        lambda _: jax.random.key_data(example_keys(key, 8 // devices, axis_name="devices")),
        axis_name="devices",
        devices=jax.devices()[:devices],
    )
    np.testing.assert_array_equal(np.concatenate(mapped(np.zeros(devices))), alone)


def test_example_keys_go_on_where_others_ended():
    key = jax.random.key(0)
    np.testing.assert_array_equal(
        bits(example_keys(key, 3, first=5)), bits(example_keys(key, 8))[5:]
    )


# Batches


@pytest.mark.parametrize(("num", "size"), [(12, 4), (14, 4), (5, 5)])
def test_an_epoch_is_a_permutation_without_replacement(num, size):
    batches = Batches(num, size, seed=0)
    assert batches.per_epoch == num // size
    for epoch in range(3):
        seen = batches.indices(epoch * batches.per_epoch, batches.per_epoch)
        assert seen.shape == (batches.per_epoch, size)
        assert seen.dtype == np.int32
        assert len(np.unique(seen)) == seen.size
        assert set(seen.ravel()) <= set(range(num))


def test_epochs_and_seeds_differ():
    orders = [
        tuple(Batches(40, 8, seed).indices(5 * epoch, 5).ravel())
        for seed in range(3)
        for epoch in range(3)
    ]
    assert len(set(orders)) == 9
    # The two examples that an epoch leaves out are others in the next ones.
    left_out = {
        tuple(sorted(set(range(42)) - set(Batches(42, 8, 0).indices(5 * epoch, 5).ravel())))
        for epoch in range(5)
    }
    assert len(left_out) > 1


def test_a_batch_follows_from_seed_and_update_alone():
    in_order = Batches(14, 4, seed=2).indices(0, 12)
    batches = Batches(14, 4, seed=2)
    for update in (11, 0, 7, 7, 2, 10):
        np.testing.assert_array_equal(batches.indices(update), in_order[update : update + 1])
    # Three at once, across the end of an epoch.
    np.testing.assert_array_equal(batches.indices(2, 3), in_order[2:5])
    assert batches.indices(3, 0).shape == (0, 4)


# Scales


def test_all_256_values_come_back():
    values = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)
    floats = IMAGE.to_model(values)
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats.ravel(), np.linspace(-1, 1, 256), atol=1e-6)
    back = IMAGE.to_data(floats)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, values)


def test_images_are_rounded_and_clipped():
    # 0.002 is 0.255 grey levels above the middle, 127.5; 2 / 255 is one level.
    floats = np.array([-1.5, -1 + 0.9 / 255, -1 + 1.1 / 255, -0.002, 0.002, 1.5], np.float32)
    images = IMAGE.to_data(floats.reshape(1, 1, -1, 1))
    assert images.ravel().tolist() == [0, 0, 1, 127, 128, 255]


def test_points_stay_as_they_are():
    points = np.array([[0.25, -7.0], [3.0, 1e-3]], np.float32)
    np.testing.assert_array_equal(POINT.to_model(points), points)
    np.testing.assert_array_equal(POINT.to_data(points), points)
    assert POINT.to_data(points).dtype == np.float32


def test_take():
    points = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    taken = take(Examples(points, {"label": np.array([7, 8, 9])}), np.array([2, 0]), POINT)
    np.testing.assert_array_equal(taken.x, points[[2, 0]])
    np.testing.assert_array_equal(taken.condition["label"], [9, 7])
    images = Examples(np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1))
    floats = take(images, np.array([2, 1, 0]), IMAGE).x
    np.testing.assert_allclose(floats.ravel(), [1, -0.6, -1], rtol=1e-6)

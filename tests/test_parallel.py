"""One, two and four devices train the same GAN, and what would drive them apart is found."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax.core.devices import Devices, any_host, join, replica_spread, to_host
from gan_jax.core.errors import InputError

MANY = [2, 4]
CNN = {
    "model.name": "cnn",
    "model.generator.width": 2,
    "model.discriminator.width": 2,
    "model.discriminator.dropout": 0.3,
}


def devices_of(count):
    return Devices(jax.devices()[:count])


@pytest.fixture(scope="module")
def trained(start):
    """Two rounds of the convolutional pair, by the count of devices: the state before, the state
    after, what the last round measured. Plain SGD, so that displacements are sums of gradients."""
    runs = {}
    for count in (1, *MANY):
        parts = start(CNN, devices=count, shape=(8, 8, 1))
        runs[count] = (parts.state, *parts.train(2))
    return runs


def test_there_are_four_devices():
    assert jax.device_count() == 4
    assert Devices().count == 4
    assert Devices().axis_name == devices_of(2).axis_name == "devices"
    assert devices_of(1).axis_name is None


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("count", MANY)
def test_gradients_are_those_of_one_device(trained, count, player):
    def displacement(count):
        before, after, _ = trained[count]
        params = getattr(before, player).params, to_host(getattr(after, player).params)
        return jax.tree.map(lambda old, new: new - np.asarray(old), *params)

    alone, together = displacement(1), displacement(count)
    largest = max(np.max(np.abs(leaf)) for leaf in jax.tree.leaves(alone))
    assert largest > 1e-3
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-4 * largest),
        alone,
        together,
    )


@pytest.mark.parametrize("count", MANY)
def test_statistics_averages_and_measurements_are_those_of_one_device(trained, count):
    def rest(count):
        _, state, measured = trained[count]
        collections = [player.model_state for player in (state.generator, state.discriminator)]
        return to_host((collections, state.ema, state.step, measured))

    alone, together = rest(1), rest(count)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5),
        alone,
        together,
    )


@pytest.mark.parametrize("count", MANY)
def test_replicas_are_equal_to_the_bit(trained, count):
    _, state, measured = trained[count]
    assert {len(leaf.addressable_shards) for leaf in jax.tree.leaves(state)} == {count}
    assert replica_spread(state) == 0
    assert replica_spread(measured) == 0


@pytest.mark.parametrize("count", [1, *MANY])
def test_a_donated_state_with_an_average_lives_on(trained, count):
    """Two rounds, the second on what the first gave back; the state before is nobody's to give."""
    before, after, measured = trained[count]
    assert after.ema is not None
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(before))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((before, after, measured)))


@pytest.mark.parametrize("count", [1, *MANY])
def test_the_state_is_donated_and_the_examples_are_not(count):
    devices = devices_of(count)

    def step(state, examples, indices):
        update = jnp.sum(examples[indices])
        if devices.axis_name:
            update = lax.pmean(update, devices.axis_name)
        return state + update, {"update": update}

    given = np.zeros(3, np.float32)
    state = devices.replicate(given)
    examples = devices.replicate(np.arange(8, dtype=np.float32))
    indices = devices.split(np.arange(8)[None])
    moved, measured = devices.compile(step)(state, examples, indices)
    np.testing.assert_array_equal(moved, np.full(3, 28 / count))
    assert measured["update"] == 28 / count
    assert state.is_deleted()
    assert not examples.is_deleted()
    np.testing.assert_array_equal(given, 0)


# The replicas' spread


@pytest.mark.parametrize("count", MANY)
def test_a_mean_forgotten_is_a_spread_found(count):
    """Each device adds the sum of its own rows, 0 to 3 and 4 to 7, or pairs of them."""
    devices = devices_of(count)
    program = devices.compile(lambda state, examples, rows: (state + jnp.sum(examples[rows]), {}))
    state, _ = program(
        {"w": devices.replicate(np.zeros(2, np.float32))}["w"],
        devices.replicate(np.arange(8, dtype=np.float32)),
        devices.split(np.arange(8)[None]),
    )
    assert (
        replica_spread({"sound": devices.replicate(np.ones(2)), "w": state})
        == {
            2: (4 + 5 + 6 + 7) - (0 + 1 + 2 + 3),
            4: (6 + 7) - (0 + 1),
        }[count]
    )


def replicas(*values):
    """An array that says it is replicated, with a value of each device's own."""
    devices = jax.devices()[: len(values)]
    sharding = jax.sharding.NamedSharding(
        jax.sharding.Mesh(np.array(devices), "devices"), jax.sharding.PartitionSpec()
    )
    shards = [
        jax.device_put(np.asarray(value), device)
        for value, device in zip(values, devices, strict=True)
    ]
    return jax.make_array_from_single_device_arrays(shards[0].shape, sharding, shards)


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([[1.0, 2.0], [1.0, 2.0]], 0),
        ([[1.0, 2.0], [1.0, 2.5], [0.0, 2.0]], 1),
        ([np.uint32([1]), np.uint32([3])], 2),  # no wrap-around
        ([np.zeros(0), np.zeros(0)], 0),
        ([[1.0, 2.0]], 0),  # one device
        ([[np.nan], [np.nan]], 0),
        ([[1.0], [np.nan]], np.inf),
        ([[np.nan], [1.0]], np.inf),
        ([[np.inf], [np.inf]], 0),
        ([[np.inf], [0.0]], np.inf),
    ],
)
def test_replica_spread(values, spread):
    assert replica_spread({"a": replicas([0.0], [0.0]), "b": replicas(*values)}) == spread


# Laying out a batch


@pytest.mark.parametrize("count", MANY)
def test_a_batch_that_does_not_divide_is_refused(start, count):
    with pytest.raises(InputError) as caught:
        devices_of(count).share(9)
    assert (caught.value.key, caught.value.value) == ("config.train.batch_size", 9)
    assert f"{count} devices" in caught.value.why
    with pytest.raises(InputError, match=r"train\.batch_size=9: does not divide"):
        start({"train.batch_size": 9}, devices=count)


def test_shares():
    assert [devices_of(count).share(8) for count in (1, *MANY)] == [8, 4, 2]


def test_rows_are_laid_out_in_order():
    rows = np.arange(12).reshape(2, 6)
    np.testing.assert_array_equal(devices_of(1).split(rows), rows)
    np.testing.assert_array_equal(
        devices_of(2).split(rows), [[[0, 1, 2], [6, 7, 8]], [[3, 4, 5], [9, 10, 11]]]
    )
    assert devices_of(4).split(np.zeros((0, 8), int)).shape == (4, 0, 2)


def test_to_host_owns_what_it_gives():
    on_devices = {"w": devices_of(2).replicate(np.arange(3.0, dtype=np.float32))}
    host = to_host(on_devices)
    assert type(host["w"]) is np.ndarray
    host["w"][:] = 0
    np.testing.assert_array_equal(on_devices["w"], [0, 1, 2])


# Hosts


def test_one_host_asks_itself():
    assert any_host(True) is True
    assert any_host(False) is False
    join(None, 1, 0)


@pytest.mark.parametrize(
    ("arguments", "key"),
    [((None, 1, 1), "--process_id"), (("host:1", 2, 2), "--process_id"), ((None, 2, 0), "--coor")],
)
def test_hosts_that_do_not_fit_together_are_refused(arguments, key):
    with pytest.raises(InputError) as caught:
        join(*arguments)
    assert caught.value.key.startswith(key)

"""Normalization: against plain numpy, and the same numbers on many devices."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models.norms import GROUP, NORMS, BatchNorm, norm


def test_batch_norm_by_hand():
    x = jnp.array([[1.0, 10.0], [3.0, 10.0]])
    params = {"scale": jnp.array([2.0, 1.0]), "bias": jnp.array([0.5, -1.0])}
    stats = {"mean": jnp.array([4.0, 0.0]), "var": jnp.array([2.0, 1.0])}
    variables = {"params": {"BatchNorm_0": params}, "batch_stats": {"BatchNorm_0": stats}}
    y, new = BatchNorm().apply(variables, x, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(y, [[-1.5, -1.0], [2.5, -1.0]], atol=2e-5)  # epsilon is 1e-5
    new = new["batch_stats"]["BatchNorm_0"]
    np.testing.assert_allclose(new["mean"], [0.9 * 4 + 0.1 * 2, 0.1 * 10], rtol=1e-6)
    np.testing.assert_allclose(new["var"], [0.9 * 2 + 0.1 * 1, 0.9 * 1], rtol=1e-6)
    in_use = BatchNorm().apply(variables, x, train=False)
    expected = [[2 * -3 / 2**0.5 + 0.5, 9.0], [2 * -1 / 2**0.5 + 0.5, 9.0]]
    np.testing.assert_allclose(in_use, expected, rtol=1e-4)


@pytest.mark.parametrize("count", [2, 4])
def test_batch_norm_is_that_of_the_global_batch(count):
    """Values, new statistics, and the gradient with respect to the input."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(8, 3, 5)) + 10 * np.arange(8)[:, None, None]).astype(np.float32)
    weights = rng.normal(size=x.shape).astype(np.float32)
    variables = BatchNorm().init(jax.random.key(0), x, train=False)

    def run(axis_name, x, weights):
        def loss(x):
            y, new = BatchNorm(axis_name).apply(variables, x, train=True, mutable=["batch_stats"])
            return jnp.sum(weights * y), (y, new)  # of the device; their sum is what counts

        return jax.grad(loss, has_aux=True)(x)

    gradient, (y, new) = run(None, x, weights)
    mapped = jax.pmap(
        lambda x, weights: run("devices", x, weights),
        axis_name="devices",
        devices=jax.devices()[:count],
    )
    shares = (count, 8 // count, 3, 5)
    on_many, (y_on_many, new_on_many) = mapped(x.reshape(shares), weights.reshape(shares))
    np.testing.assert_allclose(y_on_many.reshape(x.shape), y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(on_many.reshape(x.shape), gradient, rtol=1e-3, atol=1e-5)
    for device in range(count):
        jax.tree.map(
            lambda one, many, device=device: np.testing.assert_allclose(
                many[device], one, rtol=1e-5
            ),
            new,
            new_on_many,
        )


@pytest.mark.parametrize("name", ["batch", "local_batch", "none", "spectral"])
def test_norms_take_an_axis_name_and_leave_it_alone_in_use(name):
    """In use a network knows no other device, whatever it was trained on."""
    module: nn.Module = NORMS[name](axis_name="devices")
    x = jnp.arange(6.0).reshape(2, 3)
    variables = module.init(jax.random.key(0), x, train=False)
    y = module.apply(variables, x, train=False)
    np.testing.assert_allclose(y, x, rtol=1e-4)  # statistics at first: mean 0, variance 1
    if name in ("none", "spectral"):
        assert variables == {}
        assert module.apply(variables, x, train=True) is x


def normal(x, axes):
    x = x.astype(np.float64)
    variance = x.var(axis=axes, keepdims=True)
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(variance + 1e-5)


def grouped(x, size):
    groups = x.reshape(*x.shape[:-1], -1, size)
    return normal(groups, (*range(1, x.ndim - 1), -1)).reshape(x.shape)


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("layer", (3, 4, 5, 6), lambda x: normal(x, (1, 2, 3))),
        ("layer", (3, 6), lambda x: normal(x, (1,))),
        ("instance", (3, 4, 5, 6), lambda x: normal(x, (1, 2))),
        ("group", (3, 4, 5, 2 * GROUP), lambda x: grouped(x, GROUP)),
        ("group", (3, 2 * GROUP), lambda x: grouped(x, GROUP)),
        ("group", (3, 2, 2, 6), lambda x: grouped(x, 6)),  # fewer than a group
        ("group", (3, 2, 2, 38), lambda x: grouped(x, 19)),  # the next that divides them
        ("batch", (3, 4, 5, 6), lambda x: normal(x, (0, 1, 2))),
        ("local_batch", (3, 4, 5, 6), lambda x: normal(x, (0, 1, 2))),
    ],
)
def test_norms_are_those_of_numpy(name, shape, expected):
    x = 2 + np.random.default_rng(0).normal(size=shape).astype(np.float32)
    layer = norm("generator", name, None)
    y, _ = layer.init_with_output(jax.random.key(0), x, train=True)
    np.testing.assert_allclose(y, expected(x), atol=2e-5)


@pytest.mark.parametrize("name", ["group", "instance", "layer"])
def test_norms_of_an_example_are_the_same_in_use_and_scale_each_channel(name):
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype(np.float32)
    layer = norm("generator", name, None)
    variables = layer.init(jax.random.key(0), x, train=False)
    assert variables.keys() == {"params"}
    plain = layer.apply(variables, x, train=True)
    np.testing.assert_array_equal(layer.apply(variables, x, train=False), plain)
    np.testing.assert_allclose(layer.apply(variables, x[:1], train=True), plain[:1], atol=1e-6)
    scale, bias = np.arange(1.0, 5), np.arange(4.0)
    (name_in_flax,) = variables["params"]
    params = {name_in_flax: {"scale": jnp.float32(scale), "bias": jnp.float32(bias)}}
    scaled = layer.apply({"params": params}, x, train=True)
    np.testing.assert_allclose(scaled, plain * scale + bias, atol=1e-5)


def test_local_batch_norm_takes_each_devices_own_statistics():
    x = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
    layer = norm("generator", "local_batch", "devices")
    variables = layer.init(jax.random.key(0), x[0], train=False)
    run = jax.pmap(
        lambda x: layer.apply(variables, x, train=True, mutable=["batch_stats"]),
        axis_name="devices",
        devices=jax.devices()[:4],
    )
    y, new = run(x)
    np.testing.assert_allclose(y, [normal(share, (0,)) for share in x], atol=2e-3)
    (mean,) = (stats["mean"] for stats in new["batch_stats"].values())
    np.testing.assert_allclose(mean, 0.1 * x.mean(1), atol=1e-6)

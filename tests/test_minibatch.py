"""Batch layers: against plain numpy, and the same numbers on many devices."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.core.errors import InputError
from gan_jax.models import mlp
from gan_jax.models.minibatch import KERNEL_SIZE, KERNELS, MINIBATCH

X = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)


class Layer(nn.Module):
    """The layer by itself."""

    name_: str
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x):
        return MINIBATCH[self.name_](x, self.axis_name)


def test_none_gives_what_it_is_given():
    assert MINIBATCH["none"](X, None) is X


def test_standard_deviation_by_numpy():
    y = MINIBATCH["stddev"](jnp.asarray(X), None)
    np.testing.assert_array_equal(y[:, :5], X)
    np.testing.assert_allclose(y[:, 5], np.full(8, np.std(X, axis=0).mean()), rtol=1e-5)


def test_standard_deviation_of_a_collapsed_batch_has_a_gradient():
    total = jax.grad(lambda x: jnp.sum(MINIBATCH["stddev"](x, None)[:, -1]))
    assert np.all(np.isfinite(total(jnp.ones((4, 3)))))


def test_discrimination_by_numpy():
    layer = Layer("discrimination")
    variables = layer.init(jax.random.key(0), X)
    kernel = np.asarray(variables["params"]["minibatch"]["kernel"], np.float64)
    assert kernel.shape == (5, KERNELS * KERNEL_SIZE)
    matrices = (X @ kernel).reshape(8, KERNELS, KERNEL_SIZE)
    expected = np.zeros((8, KERNELS))
    for i in range(8):
        for j in range(8):
            expected[i] += np.exp(-np.abs(matrices[i] - matrices[j]).sum(-1))
    y = layer.apply(variables, X)
    np.testing.assert_array_equal(y[:, :5], X)
    np.testing.assert_allclose(y[:, 5:], expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["stddev", "discrimination"])
def test_one_and_four_devices_agree(name):
    """Values and the gradient with respect to the input and the parameters."""
    weights = np.random.default_rng(1).normal(size=(8, 5 + KERNELS)).astype(np.float32)
    variables = Layer(name).init(jax.random.key(0), X)

    def run(axis_name, x, weights):
        def loss(x, variables):
            y = Layer(name, axis_name).apply(variables, x)
            return jnp.sum(weights[:, : y.shape[1]] * y), y

        return jax.grad(loss, argnums=(0, 1), has_aux=True)(x, variables)

    (gradient, of_variables), y = run(None, X, weights)
    mapped = jax.pmap(partial(run, "devices"), axis_name="devices", devices=jax.devices()[:4])
    (on_many, shares), y_on_many = mapped(X.reshape(4, 2, 5), weights.reshape(4, 2, -1))
    np.testing.assert_allclose(y_on_many.reshape(y.shape), y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(on_many.reshape(X.shape), gradient, rtol=1e-3, atol=1e-5)
    for share, whole in zip(jax.tree.leaves(shares), jax.tree.leaves(of_variables), strict=True):
        np.testing.assert_allclose(share.sum(0), whole, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["stddev", "discrimination"])
def test_a_discriminator_sees_the_rest_of_the_batch_on_other_devices(name):
    module = mlp.Discriminator(6, minibatch=name)
    variables = module.init(jax.random.key(0), X, train=False)
    whole = module.apply(variables, X, train=True).logits
    mapped = jax.pmap(
        lambda x: module.clone(axis_name="devices").apply(variables, x, train=True).logits,
        axis_name="devices",
        devices=jax.devices()[:4],
    )
    np.testing.assert_allclose(mapped(X.reshape(4, 2, 5)).ravel(), whole, rtol=1e-4, atol=1e-5)
    assert np.max(np.abs(module.apply(variables, X[:2], train=True).logits - whole[:2])) > 1e-3


def test_an_unknown_one_is_refused():
    with pytest.raises(InputError) as caught:
        mlp.Discriminator(6, minibatch="batch").init(jax.random.key(0), X, train=False)
    assert caught.value.key == "config.model.discriminator.minibatch"
    assert caught.value.why == "unknown, choose from discrimination, none, stddev"

"""Spectral normalization: the singular values of numpy, the paper's gradient, what changes when."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import lax

from gan_jax.models import cnn
from gan_jax.models.spectral import Spectral


class Linear(nn.Module):
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x, condition=None, *, train):
        return nn.Dense(3, use_bias=False, name="layer")(x)


def step(module, variables, x, count=1):
    """The variables after some applications in training."""

    def one(variables, _):
        _, new = module.apply(variables, x, train=True, mutable=["batch_stats"])
        return variables | new, None

    return jax.jit(lambda variables: lax.scan(one, variables, length=count)[0])(variables)


def by_numpy(params):
    """The parameters with each kernel over its largest singular value."""
    flat = flatten_dict(params)
    for path, leaf in flat.items():
        if path[-1] == "kernel":
            singular = np.linalg.svd(np.asarray(leaf, np.float64).reshape(-1, leaf.shape[-1]))[1]
            flat[path] = leaf / singular[0].astype(np.float32)
    return unflatten_dict(flat)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (partial(cnn.Discriminator, 3, kernel=3), (2, 8, 8, 1)),
        (partial(cnn.Generator, (8, 8, 1), 3, norm="none"), (2, 4)),
    ],
    ids=["discriminator", "generator"],
)
def test_largest_singular_values_become_one(make, shape):
    """In dense layers, convolutions and transposed ones."""
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    module = Spectral(make)
    variables = step(module, module.init(jax.random.key(0), x, train=False), x, count=200)
    plain = jax.tree.leaves(make().apply({"params": by_numpy(own(variables))}, x, train=False))
    for train in (False, True):
        normalized, _ = module.apply(variables, x, train=train, mutable=["batch_stats"])
        np.testing.assert_allclose(jax.tree.leaves(normalized)[0], plain[0], rtol=1e-3, atol=1e-5)


def own(variables):
    (params,) = variables["params"].values()
    return params


def linear(x, axis_name=None):
    module = Spectral(Linear, axis_name)
    return module, module.init(jax.random.key(0), x, train=False)


X = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)


WEIGHTS = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)


def linear_loss(run):
    """Weighted outputs; its derivative by the kernel X' WEIGHTS, whatever the kernel."""
    return jnp.sum(WEIGHTS * run(X))


def gradient_penalty(run):
    """Squared gradients by the input; its derivative by the kernel 2 kernel WEIGHTS' WEIGHTS."""
    gradient = jax.grad(lambda x: jnp.sum(WEIGHTS * run(x)))(X)
    return jnp.sum(gradient**2)


@pytest.mark.parametrize(
    ("loss", "derivative"),
    [
        (linear_loss, lambda kernel: X.T.astype(np.float64) @ WEIGHTS),
        (gradient_penalty, lambda kernel: 2 * kernel @ (WEIGHTS.T @ WEIGHTS)),
    ],
    ids=["first", "second"],
)
def test_one_power_iteration_in_training_and_its_gradient(loss, derivative):
    """Algorithm 1 and equation 12 of the paper, in double precision."""
    module, variables = linear(X)
    kernel = np.asarray(own(variables)["layer"]["kernel"], np.float64)
    (right,) = (np.asarray(v, np.float64) for v in variables["batch_stats"]["right"].values())
    left = kernel @ right / np.linalg.norm(kernel @ right)
    right = left @ kernel / np.linalg.norm(left @ kernel)
    largest = left @ kernel @ right

    def run(params, x):
        return module.apply(variables | {"params": params}, x, train=True, mutable=["batch_stats"])

    y, new = run(variables["params"], X)
    np.testing.assert_allclose(y, X @ (kernel / largest), rtol=1e-5, atol=1e-6)
    (moved,) = new["batch_stats"]["right"].values()
    np.testing.assert_allclose(moved, right, rtol=1e-5)
    gradient = jax.grad(lambda params: loss(lambda x: run(params, x)[0]))(variables["params"])
    of_output = derivative(kernel / largest)
    expected = of_output - np.sum(of_output * kernel / largest) * np.outer(left, right)
    (found,) = jax.tree.leaves(gradient)
    np.testing.assert_allclose(found, expected / largest, rtol=1e-4, atol=1e-5)


def test_nothing_changes_in_evaluation():
    module, variables = linear(X)
    _, new = module.apply(variables, X, train=False, mutable=["batch_stats"])
    jax.tree.map(np.testing.assert_array_equal, new, {"batch_stats": variables["batch_stats"]})


def test_the_length_of_the_vector_does_not_count():
    """A generator's moving average shortens it."""
    module, variables = linear(X)
    shorter = variables | {"batch_stats": jax.tree.map(lambda v: 0.4 * v, variables["batch_stats"])}
    one, other = (module.apply(v, X, train=False) for v in (variables, shorter))
    np.testing.assert_allclose(other, one, rtol=1e-5)


def test_a_kernel_of_zeros_stays_zero_and_loses_no_vector():
    module, variables = linear(X)
    zeros = variables | {"params": jax.tree.map(jnp.zeros_like, variables["params"])}

    def total(params):
        return jnp.sum(module.apply(zeros | {"params": params}, X, train=False))

    y, new = module.apply(zeros, X, train=True, mutable=["batch_stats"])
    np.testing.assert_array_equal(y, jnp.zeros((4, 3)))
    assert all(abs(np.linalg.norm(v) - 1) < 1e-5 for v in jax.tree.leaves(new))
    (gradient,) = jax.tree.leaves(jax.grad(total)(zeros["params"]))
    np.testing.assert_allclose(gradient, np.tile(X.sum(0)[:, None], 3), rtol=1e-5)


def test_vectors_are_the_same_on_every_device():
    module, variables = linear(X, "devices")
    run = jax.pmap(
        lambda x: module.apply(variables, x, train=True, mutable=["batch_stats"]),
        axis_name="devices",
        devices=jax.devices()[:4],
    )
    y, new = run(X[:, None])
    alone, new_alone = linear(X)[0].apply(variables, X, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(y[:, 0], alone, rtol=1e-5, atol=1e-6)
    (many,), (one,) = (jax.tree.leaves(tree) for tree in (new, new_alone))
    assert all(np.array_equal(many[0], vector) for vector in many)
    np.testing.assert_allclose(many[0], one, rtol=1e-5)


def test_a_frozen_players_vectors_do_not_move(start):
    norms = {f"model.{player}.norm": "spectral" for player in ("generator", "discriminator")}
    parts = start(norms, devices=1)
    reals = jax.tree.map(lambda leaf: leaf[:8], parts.examples)
    gradient, update = parts.updates.discriminator_gradient, parts.updates.update_discriminator
    after, _ = jax.jit(lambda state: update(state, gradient(state, reals)))(parts.state)
    jax.tree.map(
        np.testing.assert_array_equal,
        after.generator.model_state,
        parts.state.generator.model_state,
    )
    for before, moved in zip(
        jax.tree.leaves(parts.state.discriminator.model_state),
        jax.tree.leaves(after.discriminator.model_state),
        strict=True,
    ):
        assert before.shape == (1,) or not np.array_equal(before, moved)

"""The quick transposed convolution is Flax's: values, parameters, first and second derivatives."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models.conv import ConvTranspose

CASES = {  # kernel, stride, channels in and out
    "the generators' own": ((4, 4), 2, 3, 5),
    "odd kernel": ((3, 3), 2, 5, 1),
    "large kernel": ((5, 5), 2, 1, 3),
    "no stride": ((3, 3), 1, 3, 2),
    "even kernel, no stride": ((4, 4), 1, 2, 3),
    "kernel as wide as the stride": ((2, 2), 2, 3, 3),
    "kernel narrower than the stride": ((2, 2), 3, 3, 1),
    "one pixel": ((1, 1), 2, 2, 3),
    "oblong kernel": ((2, 5), 3, 3, 2),
}


def both(kernel, stride, channels, features):
    """Ours, Flax's, parameters with a bias that counts, and an input."""
    ours = ConvTranspose(features, kernel, stride)
    theirs = nn.ConvTranspose(features, kernel, (stride, stride))
    rng = np.random.default_rng(0)
    shapes = {"kernel": (*kernel, channels, features), "bias": (features,)}
    params = {name: rng.normal(size=shape).astype("f") / 4 for name, shape in shapes.items()}
    return ours, theirs, params, rng.normal(size=(2, 4, 3, channels)).astype("f")


def derivatives(module, penalized=True):
    """A function to the values, both gradients, and those of a gradient penalty."""

    def loss(params, y):
        return jnp.sum(jnp.tanh(module.apply({"params": params}, y)) ** 2)

    def penalty(params, y):
        return jnp.sum(jax.grad(loss, argnums=1)(params, y) ** 2)

    def everything(params, y):
        found = {
            "values": module.apply({"params": params}, y),
            "gradients": jax.grad(loss, argnums=(0, 1))(params, y),
        }
        if penalized:
            found["second"] = jax.grad(penalty, argnums=(0, 1))(params, y)
        return found

    return everything


def assert_close(ours, theirs):
    """Equal up to rounding, which grows with the largest number of an array."""
    for name in theirs:
        for one, other in zip(
            jax.tree.leaves(ours[name]), jax.tree.leaves(theirs[name]), strict=True
        ):
            scale = np.max(np.abs(other))
            assert scale > 1e-3, "nothing to compare"
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * scale, err_msg=name)


@pytest.mark.parametrize("name", CASES)
def test_equals_flax_under_jit(name):
    kernel, stride, channels, features = CASES[name]
    ours, theirs, params, y = both(kernel, stride, channels, features)
    penalized = name in ("the generators' own", "oblong kernel")
    found = jax.jit(derivatives(ours, penalized))(params, y)
    assert found["values"].shape == (2, stride * 4, stride * 3, features)
    assert_close(found, jax.jit(derivatives(theirs, penalized))(params, y))


def test_equals_flax_under_vmap_over_trials():
    ours, theirs, params, y = both((4, 4), 2, 3, 2)
    trials = jax.tree.map(lambda leaf: np.stack([leaf, -0.5 * leaf]), (params, y))
    found = jax.jit(jax.vmap(derivatives(ours)))(*trials)
    each = [jax.tree.map(lambda leaf, i=i: leaf[i], trials) for i in range(2)]
    reference = jax.jit(derivatives(theirs))
    assert_close(found, jax.tree.map(lambda *pair: np.stack(pair), *(reference(*t) for t in each)))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_parameters_are_those_of_flax(case):
    ours, theirs, _, y = both(*case)
    found, expected = (jax.eval_shape(m.init, jax.random.key(3), y) for m in (ours, theirs))
    assert found == expected


def test_initial_parameters_are_those_of_flax():
    ours, theirs, _, y = both((2, 5), 3, 3, 2)
    found, expected = (module.init(jax.random.key(3), y) for module in (ours, theirs))
    jax.tree.map(np.testing.assert_array_equal, found, expected)

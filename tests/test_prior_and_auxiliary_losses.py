"""What fakes are made from, and the losses for reading it off them again."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.core.streams import example_keys, root
from gan_jax.game.auxiliary_losses import classification_loss, information_loss
from gan_jax.game.prior import DISTRIBUTIONS, Prior, normal
from gan_jax.models.output import DiscriminatorOutput


def test_a_prior_of_noise_alone_is_standard_normal_noise():
    keys = example_keys(root(0), 5)
    draw = Prior(3).draw(keys)
    np.testing.assert_array_equal(draw.z, normal(keys, 3))
    assert draw.condition is None
    assert (Prior(3).dimensions, Prior(3).codes) == (3, 0)


VARIANCE = {"normal": 1, "uniform": 1 / 3, "sphere": 1}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_noise_has_no_direction_and_its_variance(name):
    keys = example_keys(root(0), 4000)
    z = np.asarray(DISTRIBUTIONS[name](keys, 3))
    assert z.shape == (4000, 3)
    assert z.dtype == np.float32
    # Five standard deviations of a mean and of a (co)variance; none varies more than normal ones.
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=5 / 4000**0.5)
    np.testing.assert_allclose(np.cov(z.T), VARIANCE[name] * np.eye(3), atol=5 * (2 / 4000) ** 0.5)
    np.testing.assert_array_equal(DISTRIBUTIONS[name](keys[2:5], 3), z[2:5])
    np.testing.assert_array_equal(Prior(3, distribution=name).draw(keys).z, z)


def test_bounds_of_the_noise():
    keys = example_keys(root(0), 4000)
    assert np.ptp(DISTRIBUTIONS["uniform"](keys, 3)) == pytest.approx(2, abs=0.01)
    assert np.max(np.abs(DISTRIBUTIONS["uniform"](keys, 3))) <= 1
    lengths = np.linalg.norm(DISTRIBUTIONS["sphere"](keys, 5), axis=1)
    np.testing.assert_allclose(lengths, 5**0.5, rtol=1e-5)


def test_codes_follow_the_noise():
    prior, keys = Prior(3, classes=7, categories=4, continuous=2), example_keys(root(0), 4000)
    draw = jax.jit(prior.draw)(keys)
    assert draw.z.shape == (4000, prior.dimensions) == (4000, 9)
    np.testing.assert_array_equal(draw.z[:, :3], normal(keys, 3))
    np.testing.assert_array_equal(draw.z[:, 3:7], np.eye(4)[draw.condition["category"]])
    np.testing.assert_array_equal(draw.z[:, 7:], draw.condition["code"])
    assert np.all((draw.condition["code"] >= -1) & (draw.condition["code"] < 1))
    np.testing.assert_allclose(np.std(draw.condition["code"], axis=0), 1 / 3**0.5, rtol=0.05)
    for values, count in ((draw.labels, 7), (draw.condition["category"], 4)):
        shares = np.bincount(values, minlength=count) / 4000
        np.testing.assert_allclose(shares, 1 / count, atol=5 * (1 / count / 4000) ** 0.5)
    pairs = np.stack(
        [
            draw.labels,
            draw.condition["category"],
            draw.condition["code"][:, 0],
            draw.condition["code"][:, 1],
        ]
    )
    assert np.max(np.abs(np.corrcoef(pairs) - np.eye(4))) < 5 / 4000**0.5


def test_an_examples_draw_is_its_keys_own():
    prior, keys = Prior(3, classes=7, categories=4, continuous=2), example_keys(root(0), 8)
    whole, part = prior.draw(keys), prior.draw(keys[2:5])
    jax.tree.map(lambda one, other: np.testing.assert_array_equal(one[2:5], other), whole, part)


# Auxiliary losses


def test_classification_is_the_cross_entropy():
    logits = jnp.array([[0.0, 0, 0], [0, math.log(6), 0]])
    output = DiscriminatorOutput(jnp.zeros(2), class_logits=logits)
    found = classification_loss(output, jnp.array([2, 1]))
    np.testing.assert_allclose(found, [math.log(3), math.log(8 / 6)], rtol=1e-6)


def test_information_is_the_cross_entropy_and_half_the_squared_error():
    condition = {"category": jnp.array([1, 0]), "code": jnp.array([[0.5], [-1.0]])}
    read = jnp.array([[0.0, math.log(3), 0.0], [0, 0, 1]])
    found = information_loss(DiscriminatorOutput(jnp.zeros(2), codes=read), condition)
    expected = [math.log(4 / 3) + 0.125, math.log(2) + 2]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("left", ["category", "code"])
def test_information_of_one_kind_of_code_alone(left):
    condition = {left: {"category": jnp.array([1]), "code": jnp.ones((1, 2))}[left]}
    found = information_loss(DiscriminatorOutput(jnp.zeros(1), codes=jnp.zeros((1, 2))), condition)
    np.testing.assert_allclose(found, [{"category": math.log(2), "code": 1.0}[left]], 1e-6)


def test_several_discriminators_read_one_by_one():
    condition = {"category": jnp.array([1, 0, 1])}
    reads = jax.random.normal(root(0), (2, 3, 2))
    together = information_loss(DiscriminatorOutput(jnp.zeros((2, 3)), codes=reads), condition)
    alone = [
        information_loss(DiscriminatorOutput(jnp.zeros(3), codes=read), condition) for read in reads
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    together = classification_loss(
        DiscriminatorOutput(jnp.zeros((2, 3)), class_logits=reads), condition["category"]
    )
    np.testing.assert_allclose(together, alone, rtol=1e-6)

"""The losses against values worked out by hand, and what every entry of the table promises."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.game.losses import LOSSES, cross_entropy, non_saturating, saturating

LOG3 = math.log(3)  # the logit at which D = 3/4


@pytest.mark.parametrize(
    ("real", "fake", "value"),
    [
        (0.0, 0.0, math.log(4)),  # D = 1/2 on both
        (LOG3, -LOG3, 2 * math.log(4 / 3)),  # 3/4 on the real one, 1/4 on the fake
        (-LOG3, LOG3, 2 * math.log(4)),  # wrong on both
        (LOG3, LOG3, math.log(4 / 3) + math.log(4)),
    ],
)
def test_cross_entropy(real, fake, value):
    loss = cross_entropy(jnp.array([real]), jnp.array([fake]))
    np.testing.assert_allclose(loss, [value], rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "fake", "value"),
    [
        (saturating, 0.0, math.log(1 / 2)),
        (saturating, LOG3, math.log(1 / 4)),
        (saturating, -LOG3, math.log(3 / 4)),
        (non_saturating, 0.0, -math.log(1 / 2)),
        (non_saturating, LOG3, -math.log(3 / 4)),
        (non_saturating, -LOG3, -math.log(1 / 4)),
    ],
)
def test_generator_losses(loss, fake, value):
    np.testing.assert_allclose(loss(jnp.array([fake])), [value], rtol=1e-6)


def test_where_the_discriminator_is_sure_only_the_saturating_gradient_vanishes():
    """d/dl log(1 - D) = -D, and d/dl -log D = D - 1."""
    sure = -20.0
    share = 1 / (1 + math.exp(20))
    assert jax.grad(saturating)(sure) == pytest.approx(-share, rel=1e-5)
    assert jax.grad(non_saturating)(sure) == pytest.approx(share - 1, rel=1e-5)
    # Where the fakes pass for real it is the other way round.
    assert jax.grad(saturating)(-sure) == pytest.approx(share - 1, rel=1e-5)
    assert jax.grad(non_saturating)(-sure) == pytest.approx(-share, rel=1e-5)


def functions(name):
    """Both players' losses as functions of (real logits, fake logits)."""
    loss = LOSSES[name]
    return loss.discriminator, loss.generator


@pytest.mark.parametrize("logit", [1e4, -1e4])
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_finite_at_any_logit(name, logit):
    for function in functions(name):
        for other in (1e4, -1e4):
            value, gradients = jax.value_and_grad(function, argnums=(0, 1))(logit, other)
            assert np.isfinite(value)
            assert np.all(np.isfinite(gradients))
            assert np.all(np.abs(gradients) <= 1)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("name", LOSSES)
def test_contract(name, dtype):
    """One number an example, in the logits' type, each from its own example alone."""
    real, fake = jax.random.normal(jax.random.key(0), (2, 5), dtype)
    tolerance = 4 * float(jnp.finfo(dtype).eps)
    for function in functions(name):
        losses = function(real, fake)
        assert losses.shape == (5,)
        assert losses.dtype == dtype
        alone = [function(real[i : i + 1], fake[i : i + 1])[0] for i in range(5)]
        for same in (jax.jit(function)(real, fake), jax.vmap(function)(real, fake), alone):
            np.testing.assert_allclose(
                np.array(same, np.float32), np.array(losses, np.float32), rtol=tolerance
            )


@pytest.mark.parametrize("name", LOSSES)
def test_every_step_down_is_a_step_towards_the_goal(name):
    """D wants higher logits on reals and lower ones on fakes, G higher ones on fakes."""
    of_discriminator, of_generator = functions(name)
    real, fake = jax.grad(of_discriminator, argnums=(0, 1))(0.3, -0.4)
    assert real < 0 < fake
    assert jax.grad(of_generator, argnums=1)(0.3, -0.4) < 0

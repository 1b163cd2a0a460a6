"""Unrolled GANs against their definition, written out in plain JAX.

f_K(theta, phi) = f(theta, phi_K), phi_0 = phi, phi_{i+1} = phi_i - h grad_phi L_D(theta, phi_i)
(Metz et al., 2017, arXiv:1611.02163, equations 7 to 9). The networks are one affine layer, and two
with a tanh between them.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from configs import base
from gan_jax.core.streams import root
from gan_jax.data.batches import Examples
from gan_jax.examples import POINT
from gan_jax.game import averages, schemes
from gan_jax.game.losses import LOSSES
from gan_jax.game.objectives import Game
from gan_jax.game.prior import Prior
from gan_jax.game.schemes import Updates
from gan_jax.game.schemes.updates import round_key
from gan_jax.game.state import GANState, Player
from gan_jax.models.output import DiscriminatorOutput

H = 0.3  # the discriminator's learning rate
FAR = 1000.0  # the generator's: its way over it is its gradient, without what rounding leaves
REALS = np.random.default_rng(0).normal([1.0, -0.5], 0.7, (16, 2)).astype(np.float32)


class Affine(nn.Module):
    """z A + b."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, z, condition=None, *, train):
        return nn.Dense(2, name="first")(z)


class TwoLayers(nn.Module):
    """tanh(x A + b) C + d."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, x, condition=None, *, train):
        hidden = jnp.tanh(nn.Dense(5, name="first")(x))
        return DiscriminatorOutput(nn.Dense(1, name="second")(hidden)[:, 0])


def layer(inputs, outputs):
    kernel = np.random.default_rng(inputs).normal(size=(inputs, outputs)) / np.sqrt(inputs)
    return {"kernel": kernel.astype(np.float32), "bias": np.zeros(outputs, np.float32)}


def dense(params, x):
    return x @ params["kernel"] + params["bias"]


def logits(phi, x):
    return dense(phi["second"], jnp.tanh(dense(phi["first"], x)))[:, 0]


def cross_entropy(real, fake):
    return -jnp.mean(jnp.log(jax.nn.sigmoid(real)) + jnp.log(1 - jax.nn.sigmoid(fake)))


def critic(real, fake):
    return jnp.mean(fake) - jnp.mean(real)


def kl_bound(real, fake):
    return jnp.mean(jnp.exp(fake - 1)) - jnp.mean(real)


# The discriminator's loss, and f: the whole value, its negative, or a generator's loss of its own.
DEFINITIONS = {
    "minimax": (cross_entropy, lambda real, fake: -cross_entropy(real, fake)),
    "wasserstein": (critic, lambda real, fake: -critic(real, fake)),
    "fgan_kl": (kl_bound, lambda real, fake: -kl_bound(real, fake)),
    "non_saturating": (
        cross_entropy,
        lambda real, fake: -jnp.mean(jnp.log(jax.nn.sigmoid(fake))),
    ),
}


def trained(loss, steps):
    """The generator's gradient in a round of the scheme, and what the definition needs."""
    game = Game(Affine(), TwoLayers(), LOSSES[loss], Prior(3), len(REALS), POINT)
    optimizers = optax.sgd(FAR), optax.sgd(H)
    updates = Updates(game, *optimizers, averages.exponential(0.0))
    params = [{"first": layer(3, 2)}, {"first": layer(2, 5), "second": layer(5, 1)}]
    players = [
        Player(value, {}, optimizer.init(value), np.int32(0))
        for value, optimizer in zip(params, optimizers, strict=True)
    ]
    state = GANState(np.int32(0), jax.random.key_data(root(0)), *players, None)
    config = base.get_config().schedule
    config.update(scheme="unrolled", unroll=steps, discriminator=1, generator=1)
    (phase,) = schemes.build(config, updates, per_epoch=1)
    after, _ = jax.jit(phase.step)(state, Examples(REALS), np.arange(len(REALS))[None])
    gradient = jax.tree.map(lambda a, b: (a - b) / FAR, params[0], after.generator.params)
    z = game.fakes({"params": params[0]}, round_key(state))[1].z
    return gradient, after.discriminator.params, params, z


@pytest.mark.parametrize(
    ("loss", "steps"),
    [("minimax", 1), ("minimax", 6), *((loss, 2) for loss in DEFINITIONS)],
)
def test_the_generators_gradient_is_that_of_the_surrogate(loss, steps):
    found, after, (theta, phi), z = trained(loss, steps)
    discriminator_loss, f = DEFINITIONS[loss]

    def descended(theta, phi):
        def objective(phi):
            return discriminator_loss(logits(phi, REALS), logits(phi, dense(theta["first"], z)))

        return jax.tree.map(lambda p, g: p - H * g, phi, jax.grad(objective)(phi))

    def surrogate(theta):
        foreseen, _ = jax.lax.scan(lambda phi, _: (descended(theta, phi), None), phi, length=steps)
        return f(logits(foreseen, REALS), logits(foreseen, dense(theta["first"], z)))

    expected = jax.jit(jax.grad(surrogate))(theta)
    error = optax.tree.norm(optax.tree.sub(found, expected)) / optax.tree.norm(expected)
    assert error <= 1e-5
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        after,
        jax.jit(descended)(theta, phi),
    )


@pytest.mark.parametrize("name", LOSSES)
def test_a_zero_sum_loss_is_the_negative_of_the_discriminators_term_on_the_fakes(name):
    real, fake = np.random.default_rng(1).normal(0, 3, (2, 6)).astype(np.float32)
    loss = LOSSES[name]

    def total(fake):
        return jnp.sum(loss.generator(real, fake) + loss.discriminator(real, fake))

    assert loss.zero_sum == np.allclose(jax.grad(total)(fake), 0, atol=1e-6)
    if loss.zero_sum:
        value = loss.of_value()
        np.testing.assert_array_equal(value.generator(real, fake), -loss.discriminator(real, fake))
        assert value.relativistic
    else:
        assert loss.of_value() is loss

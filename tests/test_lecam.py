"""LeCam's penalty against its definition over several updates, in double precision.

As the published code has it (google/lecam-gan, stylegan2/lecam_loss.py): averages of decay 0.99
that take in the batch first and are divided by 1 - 0.99^t, and relu(D(x) - a_F)^2 +
relu(a_R - D(G(z)))^2.
"""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.core.streams import root
from gan_jax.data.batches import Examples
from gan_jax.game.penalties import PENALTIES, PenaltyInputs, WeightedPenalty

LECAM = WeightedPenalty(PENALTIES["lecam"], 1.0)
N = 6


def inputs(real_logits, fake_logits):
    points = Examples(np.zeros((N, 1), np.float32))
    return PenaltyInputs(
        lambda points: None, points, points, real_logits, fake_logits, root(0), None
    )


def logits(updates, shape=(N,)):
    """Real and fake logits [updates, 2, ...], whose means drift."""
    drift = np.linspace(1, 3, updates).reshape(-1, 1, *(1,) * len(shape))
    side = np.array([1.0, -0.5]).reshape(1, 2, *(1,) * len(shape))
    noise = np.random.default_rng(0).normal(0, 1.5, (updates, 2, *shape))
    return (drift * side + noise).astype(np.float32)


def penalized(drawn, discriminators=1):
    """The penalties of each update, and the memory afterwards."""

    def update(memory, pair):
        values, memory = LECAM(inputs(*pair), memory)
        return memory, values

    memory, values = jax.lax.scan(update, LECAM.initial(discriminators), drawn)
    return values, memory


def defined(drawn):
    biased, found = np.zeros(2), []
    for update, (real, fake) in enumerate(drawn.astype(np.float64), start=1):
        biased = 0.99 * biased + 0.01 * np.array([real.mean(), fake.mean()])
        of_real, of_fake = biased / (1 - 0.99**update)
        found.append(np.maximum(0, real - of_fake) ** 2 + np.maximum(0, of_real - fake) ** 2)
    return np.array(found), (of_real, of_fake)


def test_every_update_is_as_defined():
    drawn = logits(60)
    values, memory = penalized(drawn)
    expected, averages = defined(drawn)
    assert np.any(expected == 0)
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose([memory["real"], memory["fake"]], averages, rtol=1e-5)


def test_averages_of_a_constant_are_that_constant_from_the_first_update_on():
    values, memory = penalized(np.full((50, 2, N), [[[2.0], [-1.0]]], np.float32))
    np.testing.assert_allclose([memory["real"], memory["fake"]], [2, -1], rtol=1e-6)
    np.testing.assert_allclose(values, 18.0, rtol=1e-5)


def test_several_discriminators_have_averages_of_their_own():
    drawn = logits(5, (2, N))
    values, memory = penalized(drawn, discriminators=2)
    assert memory["real"].shape == (2,)
    alone = [penalized(drawn[:, :, k])[0] for k in range(2)]
    np.testing.assert_allclose(values, np.stack(alone, axis=1), rtol=1e-5)


def test_the_averages_are_constants_to_the_discriminator():
    real, fake = logits(1)[0]
    gradient = jax.grad(lambda real: jnp.sum(LECAM(inputs(real, fake), LECAM.initial())[0]))(real)
    np.testing.assert_allclose(gradient, 2 * np.maximum(0, real - fake.mean()), rtol=1e-4)

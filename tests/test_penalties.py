"""Penalties against closed forms: the logit a·x + c |x|^2 / 2 has the gradient a + c x."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.core.streams import root
from gan_jax.data.batches import Examples
from gan_jax.game.penalties import (
    PENALTIES,
    PenaltyInputs,
    WeightedPenalty,
    interpolates,
    perturbed_reals,
    squared_gradient_norms,
)

SLOPE, CURVE = np.array([[0.5, -1.0, 2.0]]), np.array([0.7])
N = 6


def quadratic(slope=SLOPE, curve=CURVE):
    """Examples [N, 3] to logits [N], or [K, N] for K slopes and curves."""

    def discriminate(points):
        x = points.x
        logits = slope.astype(np.float32) @ x.T
        logits += curve.astype(np.float32)[:, None] * jnp.sum(x**2, axis=1) / 2
        return logits[0] if len(slope) == 1 else logits

    return discriminate


def penalty_inputs(discriminate=None, axis_name=None):
    discriminate = discriminate or quadratic()
    real, fake = np.random.default_rng(0).normal(size=(2, N, 3)).astype(np.float32)
    real, fake = Examples(real), Examples(fake)
    logits = discriminate(real), discriminate(fake)
    return PenaltyInputs(discriminate, real, fake, *logits, root(3), axis_name)


def norms(points, slope=SLOPE[0], curve=CURVE[0]):
    return np.linalg.norm(slope + curve * np.asarray(points.x, np.float64), axis=1)


def lecam(inputs):
    real, fake = (np.asarray(logits, np.float64) for logits in inputs[3:5])
    # The averages begin at the batch's means.
    above, below = np.maximum(0, real - fake.mean()), np.maximum(0, real.mean() - fake)
    return above**2 + below**2


BY_HAND = {
    "gradient": lambda inputs: (norms(interpolates(inputs)) - 1) ** 2,
    "one_sided_gradient": lambda inputs: np.maximum(0, norms(interpolates(inputs)) - 1) ** 2,
    "zero_centred": lambda inputs: norms(interpolates(inputs)) ** 2 / 2,
    "r1": lambda inputs: norms(inputs.real) ** 2 / 2,
    "r2": lambda inputs: norms(inputs.fake) ** 2 / 2,
    "r1_r2": lambda inputs: (norms(inputs.real) ** 2 + norms(inputs.fake) ** 2) / 2,
    "dragan": lambda inputs: (norms(perturbed_reals(inputs)) - 1) ** 2,
    "lecam": lecam,
}


def penalties(name, inputs, weight=1.0, every=1):
    penalty = WeightedPenalty(PENALTIES[name], weight, every)
    return penalty(inputs, penalty.initial())[0]


@pytest.mark.parametrize("name", PENALTIES)
def test_values_are_those_worked_out_by_hand(name):
    expected = BY_HAND[name](penalty_inputs())
    assert expected.shape == (N,)
    np.testing.assert_allclose(penalties(name, penalty_inputs()), expected, rtol=1e-5)
    np.testing.assert_allclose(
        penalties(name, penalty_inputs(), weight=3.0), 3 * expected, rtol=1e-5
    )


def test_the_one_sided_penalty_is_the_two_sided_one_above_a_norm_of_one_and_nothing_below():
    gentle = penalty_inputs(quadratic(SLOPE / 20, CURVE / 20))
    assert np.all(penalties("gradient", gentle) > 0.5)
    np.testing.assert_array_equal(penalties("one_sided_gradient", gentle), 0)
    steep = penalty_inputs(quadratic(SLOPE * 20, CURVE))
    np.testing.assert_allclose(penalties("one_sided_gradient", steep), penalties("gradient", steep))


def test_interpolates_lie_on_the_lines_between_pairs():
    inputs = penalty_inputs()
    points = interpolates(inputs).x
    real, fake = inputs.real.x, inputs.fake.x
    shares = (points - fake) / (real - fake)
    np.testing.assert_allclose(shares, np.broadcast_to(shares[:, :1], shares.shape), atol=1e-4)
    assert np.all((shares >= 0) & (shares <= 1))
    assert len(np.unique(np.round(shares[:, 0], 4))) == N  # each pair has its own


def test_perturbed_reals_lie_within_half_a_deviation_above_the_reals():
    inputs = penalty_inputs()
    shift = np.asarray(perturbed_reals(inputs).x - inputs.real.x) / np.std(inputs.real.x)
    assert np.all((shift >= 0) & (shift < 0.5))
    assert np.unique(np.round(shift, 4)).size == shift.size


@pytest.mark.parametrize("name", PENALTIES)
def test_several_discriminators_are_penalized_one_by_one(name):
    slopes, curves = np.concatenate([SLOPE, -2 * SLOPE]), np.concatenate([CURVE, [0.0]])
    together = penalties(name, penalty_inputs(quadratic(slopes, curves)))
    alone = [
        penalties(name, penalty_inputs(quadratic(slopes[k : k + 1], curves[k : k + 1])))
        for k in range(2)
    ]
    assert together.shape == (2, N)
    np.testing.assert_allclose(together, alone, rtol=1e-5)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_flat_discriminator_has_finite_gradients(name):
    """Zero weights are where some networks begin, and the root of a norm has no slope there."""

    def total(weights):
        return jnp.sum(penalties(name, penalty_inputs(lambda points: points.x @ weights)))

    value, gradient = jax.value_and_grad(total)(jnp.zeros(3))
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


# LeCam's averages take in the batch, but as constants.
@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "lecam"])
def test_gradients_are_numerical_derivatives(name):
    def total(weights):
        def discriminate(points):
            return jnp.tanh(points.x @ weights) + jnp.sum(points.x**2, axis=1) * weights[0]

        return jnp.mean(penalties(name, penalty_inputs(discriminate)))

    weights, step = np.array([0.6, -0.8, 1.1], np.float32), 1e-2
    numerical = [
        (total(weights + step * axis) - total(weights - step * axis)) / (2 * step)
        for axis in np.eye(3, dtype=np.float32)
    ]
    gradient = jax.grad(total)(weights)
    np.testing.assert_allclose(gradient, numerical, rtol=0.02, atol=0.01)
    assert np.max(np.abs(gradient)) > 0.1


@pytest.mark.parametrize("name", ["r1", "lecam"])
def test_a_lazy_penalty_is_computed_in_every_nth_update_and_n_times_as_high(name):
    lazy, always = (
        WeightedPenalty(PENALTIES[name], 2.0, every=3),
        WeightedPenalty(PENALTIES[name], 2.0),
    )
    memory, found = lazy.initial(), []
    for _ in range(5):
        values, memory = lazy(penalty_inputs(), memory)
        found.append(values)
    first, _ = always(penalty_inputs(), always.initial())
    np.testing.assert_allclose(found[0], 3 * first, rtol=1e-6)
    for index in (1, 2, 4):
        np.testing.assert_array_equal(found[index], np.zeros(N))
    assert np.max(found[3]) > 0
    assert memory["updates"] == 5


def test_the_batchs_means_are_the_global_ones():
    """DRAGAN's deviation and LeCam's averages on two devices are those of one."""
    alone = penalty_inputs()
    halves = jax.tree.map(lambda leaf: leaf.reshape(2, N // 2, *leaf.shape[1:]), alone[1:5])

    def half(real, fake, real_logits, fake_logits):
        inputs = PenaltyInputs(
            quadratic(), real, fake, real_logits, fake_logits, root(3), "devices"
        )
        _, memory = PENALTIES["lecam"].values(inputs, dict(PENALTIES["lecam"].memory))
        return perturbed_reals(inputs).x, memory

    points, memory = jax.pmap(half, axis_name="devices", devices=jax.devices()[:2])(*halves)
    np.testing.assert_allclose(points.reshape(N, 3), perturbed_reals(alone).x, rtol=1e-5)
    _, expected = PENALTIES["lecam"].values(alone, dict(PENALTIES["lecam"].memory))
    for name, value in expected.items():
        np.testing.assert_allclose(memory[name], [value] * 2, rtol=1e-5)


def test_squared_gradient_norms_are_of_each_examples_own():
    inputs = penalty_inputs()
    np.testing.assert_allclose(
        squared_gradient_norms(inputs.discriminate, inputs.real), norms(inputs.real) ** 2, rtol=1e-5
    )


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("name", PENALTIES)
def test_contract(name, dtype):
    """One number an example in both types, compiled or not, and for many trials at once."""

    def total(weights):
        def discriminate(points):
            return jnp.tanh(points.x.astype(dtype) @ weights.astype(dtype)).astype(jnp.float32)

        return penalties(name, penalty_inputs(discriminate))

    trials = np.array([[0.6, -0.8, 1.1], [0.0, 0.3, 2.0]], np.float32)
    alone = np.stack([total(weights) for weights in trials])
    assert alone.shape == (2, N)
    assert np.all(np.isfinite(alone))
    tolerance = 8 * float(jnp.finfo(dtype).eps)
    for same in (
        jax.vmap(total)(trials),
        np.stack([jax.jit(total)(weights) for weights in trials]),
    ):
        np.testing.assert_allclose(same, alone, rtol=tolerance, atol=tolerance)
    gradients = jax.vmap(jax.grad(lambda weights: jnp.sum(total(weights))))(trials)
    assert np.all(np.isfinite(gradients))
    assert np.max(np.abs(gradients)) > 0.1

"""Every optimizer and every decay moves, and does with its hyperparameters what optax does."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from configs import base
from gan_jax.config.checks import checked
from gan_jax.core.errors import InputError
from gan_jax.game.optimizers import DECAYS, OPTIMIZERS, build, evaluation_params

RATE = 0.1

ACCEPTS = {
    "sgd": {"momentum"},
    "rmsprop": {"b2", "momentum"},
    **{
        name: {"b1", "b2"}
        for name in ("adam", "adamw", "adabelief", "nadam", "lion", "radam", "yogi")
    },
    "momentum": {"momentum"},
    "nesterov": {"momentum"},
    "optimistic_gradient_descent": set(),
    "optimistic_adam": {"b1", "b2"},
    "schedule_free": {"b1", "b2"},
    "muon": {"b1", "b2"},
}


def config(name, **values):
    return base.player(**{"learning_rate": RATE, "name": name, **values})


def path(optimizer, steps, gradient=lambda step: 1.0):
    """The positions of one parameter, from 0, under some gradients."""
    gradients = np.array([gradient(step) for step in range(steps)], np.float32)

    @jax.jit
    def run(gradients):
        def step(carry, gradient):
            param, state = carry
            update, state = optimizer.update(gradient, state, param)
            param = optax.apply_updates(param, update)
            return (param, state), param

        param = np.float32(0)
        return jax.lax.scan(step, (param, optimizer.init(param)), gradients)[1]

    return np.asarray(run(gradients))


def uneven(step):
    """Gradients of both signs: `lion` sees nothing else of them."""
    return 0.3 + np.sin(2 * step)


@pytest.mark.parametrize(
    ("name", "decay"),
    [
        (name, decay)
        for name in OPTIMIZERS
        for decay in (DECAYS if name != "schedule_free" else ["constant"])
    ],
)
def test_every_optimizer_moves_downhill_under_every_decay(name, decay):
    positions = path(build(config(name, decay=decay), "generator", 10), 3)
    assert np.all(np.diff(positions, prepend=0) < 0)


@pytest.mark.parametrize(
    ("decay", "shares"),
    [
        ("constant", [1, 1, 1, 1, 1, 1]),
        ("linear", [1, 0.75, 0.5, 0.25, 0, 0]),
        ("cosine", [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2, 0, 0]),
    ],
)
def test_decays_over_the_players_updates(decay, shares):
    """Four updates in the run; there is no fifth, at which a decaying rate would be zero."""
    sgd = build(config("sgd", decay=decay, momentum=0.0), "discriminator", 4)
    steps = -np.diff(path(sgd, 6), prepend=0)
    np.testing.assert_allclose(steps, RATE * np.array(shares), atol=1e-7)


def test_the_table_of_decays_is_tested_whole():
    assert set(DECAYS) == {"constant", "linear", "cosine"}


@pytest.mark.parametrize("hyperparameter", ["b1", "b2", "momentum"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_hyperparameters_reach_those_that_have_them(name, hyperparameter):
    one, other = (
        path(build(config(name, **{"b2": 0.9, hyperparameter: value}), "generator", 20), 20, uneven)
        for value in (0.3, 0.95)
    )
    if hyperparameter in ACCEPTS[name]:
        assert np.max(np.abs(one - other)) > 0.01 * RATE
    else:
        np.testing.assert_array_equal(one, other)


def test_values_by_hand():
    sgd = build(config("sgd", momentum=0.5), "generator", 10)
    np.testing.assert_allclose(path(sgd, 3), -RATE * np.cumsum([1, 1.5, 1.75]), rtol=1e-6)
    # With b1 = 0 Adam divides each gradient by the root of the mean square, corrected for its bias.
    adam = build(config("adam", b1=0.0, b2=0.5), "generator", 10)
    second = 2 / np.sqrt((0.25 * 1 + 0.5 * 4) / 0.75)
    found = path(adam, 2, lambda step: 1.0 + step)
    np.testing.assert_allclose(found, [-RATE, -RATE * (1 + second)], rtol=1e-5)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize(
    ("field", "choices"), [("name", sorted(OPTIMIZERS)), ("decay", ["constant", "cosine"])]
)
def test_unknown_names_are_refused(player, field, choices):
    wrong = base.get_config()
    wrong.optim[player][field] = "adm"
    with pytest.raises(InputError) as caught:
        checked(wrong)
    assert caught.value.key == f"config.optim.{player}.{field}"
    assert caught.value.value == "adm"
    assert ", ".join(choices) in caught.value.why


# Optimizers for games and for matrices


def test_momentum_by_hand():
    """u' = 0.5 u + 1; by Nesterov's the step is 0.5 u' + 1."""
    for name, steps in (("momentum", [1, 1.5, 1.75]), ("nesterov", [1.5, 1.75, 1.875])):
        found = path(build(config(name, momentum=0.5), "generator", 10), 3)
        np.testing.assert_allclose(found, -RATE * np.cumsum(steps), rtol=1e-6)


def test_optimistic_steps_by_hand():
    """2 g_t - g_{t-1}; for Adam with b1 = 0 and b2 = 0.5 each g over the root of its mean square,
    before the first of which there is none."""
    gradients = np.array([1.0, 2.0])
    found = path(
        build(config("optimistic_gradient_descent"), "generator", 10),
        2,
        lambda step: gradients[step],
    )
    np.testing.assert_allclose(found, -RATE * np.cumsum([1, 2 * 2 - 1]), rtol=1e-6)
    adam = build(config("optimistic_adam", b1=0.0, b2=0.5), "generator", 10)
    second = 2 / np.sqrt((0.25 * 1 + 0.5 * 4) / 0.75)
    expected = -RATE * np.cumsum([1, 2 * second - 1])
    np.testing.assert_allclose(path(adam, 2, lambda step: gradients[step]), expected, rtol=1e-5)


def test_muon_moves_a_matrix_by_an_orthogonal_one_and_the_rest_by_adam():
    """Newton and Schulz's iteration brings singular values of 1 and 1/3 near 1."""
    optimizer = build(config("muon", b1=0.0), "generator", 10)
    params = {"kernel": np.zeros((3, 3), np.float32), "bias": np.zeros(3, np.float32)}
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    gradients = {
        "kernel": np.float32(q * [1, 1, 1 / 3] @ q.T),
        "bias": np.array([3.0, -1, 2], np.float32),
    }
    updates, _ = jax.jit(optimizer.update)(gradients, optimizer.init(params), params)
    singular = np.linalg.svd(np.asarray(updates["kernel"]) / RATE)[1]
    assert np.all((singular > 0.6) & (singular < 1.3))
    np.testing.assert_allclose(updates["bias"], [-RATE, RATE, -RATE], rtol=1e-5)


@pytest.mark.parametrize(("field", "value"), [("decay", "cosine"), ("b1", 0.0), ("stop", 3)])
@pytest.mark.parametrize("name", ["schedule_free", "schedule_free_sgd"])
def test_schedule_free_refuses_what_has_no_meaning_for_it(name, field, value):
    with pytest.raises(InputError, match="schedule-free needs") as caught:
        build(config(name, **{field: value}), "generator", 10)
    assert caught.value.key == f"config.optim.generator.{field}"


@pytest.mark.parametrize("clip_weights", [0.0, 10.0])
def test_schedule_free_is_judged_at_the_mean_of_its_iterates(clip_weights):
    """With Adam's steps under a constant gradient z goes by the rate; x is the mean of z."""
    optimizer = build(config("schedule_free", clip_weights=clip_weights), "generator", 10)
    param, state = np.float32(0), optimizer.init(np.float32(0))
    for _ in range(4):
        update, state = optimizer.update(np.float32(1), state, param)
        param = optax.apply_updates(param, update)
    found = evaluation_params(state, param)
    np.testing.assert_allclose(found, -RATE * np.mean([1, 2, 3, 4]), rtol=1e-5)


def test_other_optimizers_are_judged_where_they_are():
    assert evaluation_params(optax.adam(0.1).init(np.float32(0)), np.float32(0)) is None


# Names that only optax knows


@pytest.mark.parametrize("name", ["adamax", "amsgrad", "ademamix", "novograd"])
def test_optaxs_other_optimizers_work_by_name(name):
    assert name not in OPTIMIZERS
    positions = path(build(config(name, decay="cosine"), "generator", 10), 3)
    assert np.all(np.diff(positions, prepend=0) < 0)


def test_hyperparameters_reach_optaxs_other_optimizers():
    one, other = (
        path(build(config("adamax", b1=b1), "generator", 9), 9, uneven) for b1 in (0, 0.9)
    )
    assert np.max(np.abs(one - other)) > 0.01 * RATE


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("lbfgs", "wants more than gradients"),  # a line search
        ("momo", "wants more than gradients"),  # the loss
        ("sm3", "wants more than gradients"),  # takes no schedule
        ("clip", "unknown"),
        ("scale_by_learning_rate", "unknown"),
        ("adam_", "unknown"),
        ("tree", "unknown"),
    ],
)
def test_what_is_no_optimizer_of_a_rate_and_gradients_is_refused(name, why):
    with pytest.raises(InputError, match=why) as caught:
        build(config(name), "discriminator", 10)
    assert caught.value.key == "config.optim.discriminator.name"
    assert "\n" not in str(caught.value)


# Warmup and clipping


@pytest.mark.parametrize(
    ("decay", "shares"),
    [("constant", [0.25, 0.5, 0.75, 1, 1]), ("linear", [0.25, 0.5, 0.75, 1, 0.5])],
)
def test_a_warmup_rises_linearly_to_the_rate_before_it_decays(decay, shares):
    sgd = build(config("sgd", decay=decay, warmup=3), "generator", 5)
    steps = -np.diff(path(sgd, 5), prepend=0)
    np.testing.assert_allclose(steps, RATE * np.array(shares), atol=1e-7)


def test_a_warmup_longer_than_the_run_is_refused():
    with pytest.raises(InputError, match=r"config\.optim\.generator\.warmup=5: .* 5 updates only"):
        build(config("sgd", warmup=5), "generator", 5)


def test_gradients_longer_than_the_bound_are_shortened_as_a_whole():
    sgd = build(config("sgd", clip=2.5), "generator", 10)
    params = {"a": np.zeros(1, np.float32), "b": np.zeros(1, np.float32)}
    for scale, share in ((1.0, 0.5), (0.4, 1.0)):
        gradients = {"a": np.float32([3 * scale]), "b": np.float32([-4 * scale])}
        updates, _ = sgd.update(gradients, sgd.init(params), params)
        for name, gradient in gradients.items():
            np.testing.assert_allclose(updates[name], -RATE * share * gradient, rtol=1e-6)


def test_clipped_weights_stay_in_their_bounds_and_are_the_plain_ones_inside():
    plain, clipped = (
        path(build(config("sgd", clip_weights=bound), "generator", 10), 5) for bound in (0, 0.25)
    )
    np.testing.assert_allclose(clipped, np.maximum(plain, -0.25), rtol=1e-6)
    adam = build(config("adam", learning_rate=10.0, clip_weights=0.01), "generator", 10)
    positions = path(adam, 20, uneven)
    assert np.max(np.abs(positions)) == pytest.approx(0.01, rel=1e-6)
    start = np.float32(3)  # an initial parameter out of bounds
    update, _ = adam.update(np.float32(-1), adam.init(start), start)
    np.testing.assert_allclose(start + update, 0.01, atol=1e-6)


# Stopping


@pytest.mark.parametrize("name", sorted({*OPTIMIZERS} - {"schedule_free"}))
def test_parameters_keep_their_bits_after_the_stop_and_are_the_plain_ones_before(name):
    """Whatever moments and weight decay would still do to them."""
    plain, stopped = (
        path(build(config(name, stop=stop), "generator", 9), 9, uneven) for stop in (0, 3)
    )
    np.testing.assert_array_equal(stopped, [*plain[:3], *(6 * [plain[2]])])
    assert plain[3] != plain[2]


# Updates that are differentiated


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_of_a_gradient_that_is_zero_has_a_finite_derivative(name):
    """Half of the gradient is that of dead units."""
    optimizer = build(config(name), "discriminator", 10, differentiable=True)
    params = [np.ones((2, 2), np.float32), np.ones(2, np.float32)]

    @jax.jit
    def end(scale):
        gradients = [scale * np.float32([[1, 0], [2, 0]]), scale * np.float32([3, 0])]
        updates, _ = optimizer.update(gradients, optimizer.init(params), params)
        return sum(map(jnp.sum, updates))

    assert np.isfinite(jax.grad(end)(np.float32(1)))

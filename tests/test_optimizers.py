"""Every optimizer and every decay moves, and does with its hyperparameters what optax does."""

import jax
import numpy as np
import optax
import pytest

from configs import base
from gan_jax.errors import InputError
from gan_jax.game.optimizers import DECAYS, OPTIMIZERS, build

RATE = 0.1

ACCEPTS = {
    "sgd": {"momentum"},
    "rmsprop": {"b2", "momentum"},
    **{
        name: {"b1", "b2"}
        for name in ("adam", "adamw", "adabelief", "nadam", "lion", "radam", "yogi")
    },
}


def config(name, **values):
    return base.player(RATE, name=name, **values)


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


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("name", OPTIMIZERS)
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
    wrong = base.player(RATE, **{field: "adm"})
    with pytest.raises(InputError) as caught:
        build(wrong, player, 10)
    assert caught.value.key == f"config.optim.{player}.{field}"
    assert caught.value.value == "adm"
    assert ", ".join(choices) in caught.value.why

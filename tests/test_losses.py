"""The losses against values worked out by hand, and what every entry of the table promises."""

import functools
import json
import math
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from games import Identity
from ml_collections import ConfigDict

from gan_jax.config import rules
from gan_jax.core.devices import to_host
from gan_jax.core.errors import InputError
from gan_jax.data.batches import Examples
from gan_jax.examples import POINT
from gan_jax.game.f_gan import exponential
from gan_jax.game.losses import LOSSES, Loss, cross_entropy, non_saturating, saturating
from gan_jax.game.objectives import Game
from gan_jax.game.prior import Prior
from gan_jax.run.sampling import make_accuracy

SMOOTHING = 0.1
FIXTURE = json.loads(Path(__file__).with_name("fixtures").joinpath("losses.json").read_text())
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
    """Both players' losses as functions of (real logits, fake logits), and the smoothed one."""
    loss = LOSSES[name]
    smoothed = [partial(loss.smoothed, smoothing=SMOOTHING)] if loss.smoothed else []
    return [loss.discriminator, loss.generator, *smoothed]


# Values and slopes of another implementation, in double precision


@pytest.mark.parametrize("name", LOSSES)
def test_values_and_slopes_are_those_of_the_definition(name):
    real, fake = (jnp.array(FIXTURE[side], jnp.float32) for side in ("real", "fake"))
    stored = FIXTURE["losses"][name].values()
    for function, expected in zip(functions(name), stored, strict=True):
        np.testing.assert_allclose(function(real, fake), expected["values"], rtol=1e-5, atol=1e-5)
        slopes = jax.grad(lambda *logits, of=function: jnp.mean(of(*logits)), (0, 1))(real, fake)
        np.testing.assert_allclose(np.stack(slopes), expected["slopes"], rtol=1e-4, atol=1e-7)


def test_the_definitions_are_of_all_losses():
    assert FIXTURE["losses"].keys() == LOSSES.keys()
    assert FIXTURE["smoothing"] == SMOOTHING


@pytest.mark.parametrize(
    ("name", "real", "fake", "discriminator", "generator"),
    [
        ("least_squares", 3.0, 2.0, (4 + 4) / 2, 1 / 2),
        ("wasserstein", 3.0, 2.0, -1, -2),
        ("hinge", 0.25, -0.25, 0.75 + 0.75, 0.25),
        ("hinge", 3.0, -2.0, 0, 2),
        ("hinge", -1.0, 2.0, 2 + 3, -2),
        ("relativistic_pairing", LOG3, 0.0, math.log(4 / 3), math.log(4)),
        ("relativistic_average", LOG3, 0.0, 2 * math.log(4 / 3), 2 * math.log(4)),
        ("fgan_kl", 2.0, 1.0, 1 - 2, -1),
        ("fgan_reverse_kl", -LOG3, 5.0, 3 + 5 - 1, 1 - 5),
        ("fgan_pearson", 3.0, 4.0, 16 / 4 + 4 - 3, -8),
        ("fgan_hellinger", -LOG3, LOG3, 3 + 3 - 2, -2),
        ("fgan_jensen_shannon", LOG3, -LOG3, 2 * math.log(4 / 3) - math.log(4), math.log(3 / 2)),
    ],
)
def test_values_by_hand(name, real, fake, discriminator, generator):
    loss, real, fake = LOSSES[name], jnp.array([real]), jnp.array([fake])
    np.testing.assert_allclose(loss.discriminator(real, fake), [discriminator], rtol=1e-6)
    np.testing.assert_allclose(loss.generator(real, fake), [generator], rtol=1e-6)


def test_the_relativistic_average_compares_with_means():
    """Reals 0 and 2 log 3, fakes 0 and 0: the reals' mean is log 3, the fakes' 0."""
    loss = LOSSES["relativistic_average"]
    real, fake = jnp.array([0.0, 2 * LOG3]), jnp.zeros(2)
    of_fake = math.log(4 / 3)  # -log(1 - sigmoid(0 - log 3))
    expected = [math.log(2) + of_fake, math.log(10 / 9) + of_fake]
    np.testing.assert_allclose(loss.discriminator(real, fake), expected, rtol=1e-6)
    # The generator's: -log sigmoid(0 - log 3), and -log(1 - sigmoid(real - 0)).
    expected = [math.log(4) + math.log(2), math.log(4) + math.log(10)]
    np.testing.assert_allclose(loss.generator(real, fake), expected, rtol=1e-6)


@pytest.mark.parametrize("x", [-3.0, 0.0, 19.5, 20.0])
def test_the_exponential_is_one_as_far_as_it_says(x):
    for derivative in (exponential, jax.grad(exponential)):
        assert derivative(x) == pytest.approx(math.exp(x), rel=1e-6)


def test_the_exponential_goes_on_as_its_tangent():
    for x in (20.5, 100.0, 1e4):
        assert exponential(x) == pytest.approx(math.exp(20) * (x - 19), rel=1e-6)
        assert jax.grad(exponential)(x) == pytest.approx(math.exp(20), rel=1e-6)


# What every entry promises


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_derivatives_are_finite_at_any_logit(name, dtype):
    logits = jnp.array([-1e4, -90.0, -20.0, 0.0, 0.3, 20.0, 21.0, 90.0, 1e4], dtype)
    real, fake = (side.ravel() for side in jnp.meshgrid(logits, logits))
    for function in functions(name):
        value, slopes = jax.vmap(jax.value_and_grad(function, (0, 1)))(real, fake)
        curvatures = jax.vmap(jax.hessian(function, (0, 1)))(real, fake)
        for derivative in jax.tree.leaves((value, slopes, curvatures)):
            assert derivative.dtype == dtype
            assert derivative.shape == real.shape
            assert np.all(np.isfinite(np.array(derivative, np.float32)))


@pytest.mark.parametrize("logit", [1e4, -1e4])
@pytest.mark.parametrize("name", [*(n for n in LOSSES if "fgan" not in n), "fgan_jensen_shannon"])
def test_slopes_are_at_most_one_but_for_the_squares(name, logit):
    for function in functions(name):
        for other in (1e4, -1e4):
            slopes = jax.grad(function, argnums=(0, 1))(logit, other)
            steepest = 2 if LOSSES[name].averages else 1  # it has a mean of one in both its terms
            assert np.all(np.abs(slopes) <= (1.1e4 if name == "least_squares" else steepest))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("name", LOSSES)
def test_contract(name, dtype):
    """One number an example, in the logits' type, each from its own example alone but where a loss
    says that it averages."""
    real, fake = jax.random.normal(jax.random.key(0), (2, 5), dtype)
    tolerance = 4 * float(jnp.finfo(dtype).eps)
    for function in functions(name):
        losses = function(real, fake)
        assert losses.shape == (5,)
        assert losses.dtype == dtype
        alone = [function(real[i : i + 1], fake[i : i + 1])[0] for i in range(5)]
        each = [jax.vmap(function)(real, fake), alone]
        if LOSSES[name].averages:
            assert not np.allclose(np.array(alone, np.float32), np.array(losses, np.float32))
            each = [jax.vmap(function)(real[None], fake[None])[0]]
        for same in (jax.jit(function)(real, fake), *each):
            np.testing.assert_allclose(
                np.array(same, np.float32),
                np.array(losses, np.float32),
                rtol=tolerance,
                atol=tolerance,
            )


@pytest.mark.parametrize("name", LOSSES)
def test_a_generator_that_says_so_does_without_real_logits(name):
    fake = jnp.array([0.3, -0.4])
    if LOSSES[name].relativistic:
        with pytest.raises(TypeError):
            LOSSES[name].generator(None, fake)
    else:
        losses = LOSSES[name].generator(jnp.ones(2), fake)
        np.testing.assert_array_equal(LOSSES[name].generator(None, fake), losses)


@pytest.mark.parametrize("name", LOSSES)
def test_every_step_down_is_a_step_towards_the_goal(name):
    """D wants higher logits on reals and lower ones on fakes, G higher ones on fakes."""
    of_discriminator, of_generator, *_ = functions(name)
    real, fake = jax.grad(of_discriminator, argnums=(0, 1))(0.3, 0.2)
    assert real < 0 < fake
    real, fake = jax.grad(of_generator, argnums=(0, 1))(0.3, 0.2)
    assert fake < 0
    assert (real > 0) == LOSSES[name].relativistic


# The best discriminator

RATIOS = [0.25, 0.8, 1.0, 3.0]  # density of the real examples over that of the fakes
BEST = {  # the logit that each loss asks for at a ratio u
    "minimax": math.log,
    "non_saturating": math.log,
    "least_squares": lambda u: u / (1 + u),
    "fgan_kl": lambda u: 1 + math.log(u),
    "fgan_reverse_kl": math.log,
    "fgan_pearson": lambda u: 2 * (u - 1),
    "fgan_hellinger": lambda u: math.log(u) / 2,
    "fgan_jensen_shannon": math.log,
}


@pytest.mark.parametrize("name", BEST)
def test_the_slope_vanishes_at_the_best_logit_and_nowhere_near(name):
    """At a point of ratio u an average of u reals and 1 fake pulls at the same logit."""
    slopes = jax.grad(LOSSES[name].discriminator, argnums=(0, 1))
    for ratio in RATIOS:
        best = BEST[name](ratio)
        pulls = {
            step: ratio * real + fake
            for step in (-0.1, 0.0, 0.1)
            for real, fake in [slopes(best + step, best + step)]
        }
        assert pulls[0.0] == pytest.approx(0, abs=1e-6)
        assert pulls[-0.1] < -1e-3 < 1e-3 < pulls[0.1]


@pytest.mark.parametrize("name", LOSSES)
def test_accuracies_count_from_where_real_and_fake_are_alike(name):
    assert LOSSES[name].threshold == pytest.approx(BEST.get(name, lambda ratio: 0)(1.0))


@pytest.mark.parametrize(("name", "share"), [("non_saturating", 1.0), ("least_squares", 0.5)])
def test_shares_taken_for_real_are_told_by_the_loss(name, share):
    logits = np.array([[0.2], [0.4], [0.6], [0.8]], np.float32)
    game = Game(Identity(False), Identity(True), LOSSES[name], Prior(1), 4, POINT)
    _, (_, measured) = game.discriminator_objective({}, {}, {}, Examples(logits), jax.random.key(0))
    assert measured["accuracy_real"] == share
    fakes, *_ = game.fakes({}, jax.random.key(0))
    assert measured["accuracy_fake"] == np.mean(fakes.x < LOSSES[name].threshold)
    assert make_accuracy(game)({}, Examples(logits)) == share


P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
DIVERGENCES = {
    "fgan_kl": np.sum(P * np.log(P / Q)),
    "fgan_reverse_kl": np.sum(Q * np.log(Q / P)),
    "fgan_pearson": np.sum((P - Q) ** 2 / Q),
    "fgan_hellinger": np.sum((np.sqrt(P) - np.sqrt(Q)) ** 2),
    "fgan_jensen_shannon": np.sum(P * np.log(2 * P / (P + Q)) + Q * np.log(2 * Q / (P + Q))),
    "least_squares": np.sum((P - Q) ** 2 / (P + Q)) / 8 - 1 / 4,
    "minimax": np.sum(P * np.log(P / (P + Q)) + Q * np.log(Q / (P + Q))),
}


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_least_loss_is_minus_the_divergence(name):
    """Of two distributions over three points; pairs are independent, so their mean is over all."""
    logits = np.array([BEST[name](ratio) for ratio in P / Q], np.float32)
    losses = LOSSES[name].discriminator(logits[:, None], logits[None])
    assert float(P @ np.asarray(losses) @ Q) == pytest.approx(-DIVERGENCES[name], rel=1e-5)


# Label smoothing


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("minimax", math.log(0.9 / 0.1)),
        ("non_saturating", math.log(0.9 / 0.1)),
        ("least_squares", 0.9),
    ],
)
def test_smoothing_moves_the_goal_of_reals_alone(name, best):
    config = ConfigDict({"loss": name, "smoothing": SMOOTHING})
    loss = rules.loss(config)
    gradients = jax.grad(loss.discriminator, argnums=(0, 1))
    assert gradients(best, 0.7)[0] == pytest.approx(0, abs=1e-6)
    assert gradients(best + 1, 0.7)[0] > 0.01
    plain = jax.grad(LOSSES[name].discriminator, argnums=(0, 1))
    assert plain(best, 0.7)[0] < -0.05
    assert gradients(best, 0.7)[1] == plain(best, 0.7)[1]
    assert loss.generator is LOSSES[name].generator


@pytest.mark.parametrize("name", LOSSES)
def test_only_labels_can_be_smoothed(name):
    config = ConfigDict({"loss": name, "smoothing": SMOOTHING})
    if LOSSES[name].smoothed is None:
        with pytest.raises(InputError, match=r"labels to smooth, only least_sq") as caught:
            rules.loss(config)
        assert (caught.value.key, caught.value.value) == ("config.smoothing", SMOOTHING)
    else:
        assert rules.loss(config).discriminator is not LOSSES[name].discriminator
    config.smoothing = 0.0
    assert rules.loss(config) is LOSSES[name]


# Means over several devices


@pytest.fixture(scope="module")
def trained(start):
    """A function of a count of devices to what two rounds of plain SGD move the players by, and
    what the last round measured but for accuracies: nothing pulls at the last bias, so that a logit
    may be 0 but for rounding."""

    @functools.cache
    def by(devices, means="over all"):
        parts = start({"loss": "relativistic_average"}, devices=devices)
        state, measured = parts.train(2)
        moved = {
            player: jax.tree.map(
                lambda old, new: np.asarray(new) - np.asarray(old),
                getattr(parts.state, player).params,
                to_host(getattr(state, player).params),
            )
            for player in ("generator", "discriminator")
        }
        return moved, {k: v for k, v in to_host(measured).items() if "accuracy" not in k}

    return by


def test_devices_agree_on_a_loss_of_means(trained):
    alone, together = trained(1), trained(4)
    largest = max(np.max(np.abs(leaf)) for leaf in jax.tree.leaves(alone[0]))
    assert largest > 1e-2
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-4 * largest),
        alone,
        together,
    )


def test_without_the_mean_over_devices_they_would_not(trained, monkeypatch):
    monkeypatch.setattr(Loss, "over", lambda loss, axis_name: loss)
    alone, together = trained(1)[0], trained(4, means="of each")[0]
    pairs = zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True)
    assert max(np.max(np.abs(one - other)) for one, other in pairs) > 1e-3

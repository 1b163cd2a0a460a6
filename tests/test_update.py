"""One player is updated, the other frozen: no gradient, no statistics, not a bit of it changes."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.traverse_util import flatten_dict

from gan_jax.config.setup import ema_decay
from gan_jax.core.errors import InputError
from gan_jax.core.streams import example_keys, stream
from gan_jax.data.batches import Examples
from gan_jax.game import update
from gan_jax.game.prior import normal
from gan_jax.game.schemes import SCHEMES
from gan_jax.game.schemes.extragradient import extrapolated
from gan_jax.game.schemes.simultaneous import both_gradients
from gan_jax.game.schemes.updates import round_key
from gan_jax.game.state import Player, init_state
from gan_jax.game.update import Gradient, freeze, update_player
from gan_jax.models import mlp

OPPONENT = {"generator": "discriminator", "discriminator": "generator"}


# Freezing


def gradient_of_the_frozen(parts, player, *quantities):
    """Largest derivative of what `player` learns in a round with respect to each array of its
    frozen opponent: parameters and statistics."""
    (phase,) = parts.phases
    opponent = getattr(parts.state, OPPONENT[player])

    def learned(params, model_state):
        frozen = opponent.replace(params=params, model_state=model_state)
        state = parts.state.replace(**{OPPONENT[player]: frozen})
        indices = parts.batches.indices(0, phase.batches)
        _, measured = phase.step(state, parts.examples, indices)
        return sum(measured[f"{player}/{quantity}"] for quantity in quantities)

    gradients = jax.jit(jax.grad(learned, argnums=(0, 1)))(opponent.params, opponent.model_state)
    return [np.max(np.abs(leaf)) for leaf in jax.tree.leaves(gradients)]


# What these players learn is a function of the opponent's parameters by design: the derivative of
# both players' joint field, or of the sum of their losses.
NOT_FROZEN = {"consensus", "symplectic", "joint"}


# A loss whose generator takes reals too in every scheme, and the two others where they meet code of
# their own: the unrolled generator minimizes the whole value where both losses are of one.
LOSSES = [(scheme, "relativistic_average") for scheme in sorted(SCHEMES.keys() - NOT_FROZEN)]
LOSSES += [("alternating", "minimax"), ("alternating", "non_saturating"), ("unrolled", "minimax")]


@pytest.mark.parametrize("player", OPPONENT)
@pytest.mark.parametrize(("scheme", "loss"), LOSSES)
def test_the_frozen_players_gradient_is_exactly_zero(start, scheme, loss, player):
    parts = start({"schedule.scheme": scheme, "loss": loss})
    largest = gradient_of_the_frozen(parts, player, "loss", "gradient_norm")
    assert largest == [0] * 8  # 2 dense layers and a norm of 2 arrays, 2 statistics


@pytest.mark.parametrize("player", OPPONENT)
@pytest.mark.parametrize("scheme", sorted(NOT_FROZEN))
def test_where_parameters_play_a_part_by_design_statistics_do_not(start, scheme, player):
    parts = start({"schedule.scheme": scheme})
    *of_parameters, mean, variance = gradient_of_the_frozen(parts, player, "gradient_norm")
    assert max(of_parameters) > 1e-3
    assert (mean, variance) == (0, 0)


@pytest.mark.parametrize("player", OPPONENT)
def test_without_freezing_it_is_not(start, monkeypatch, player):
    monkeypatch.setattr(update, "freeze", lambda variables: variables)
    assert max(gradient_of_the_frozen(start(), player, "loss")) > 1e-3


def test_freeze_keeps_values_and_holds_every_collection_constant():
    variables = {"params": {"kernel": jnp.arange(3.0)}, "batch_stats": {"mean": jnp.ones(2)}}
    jax.tree.map(np.testing.assert_array_equal, freeze(variables), variables)
    for held, expected in ((freeze, 0.0), (lambda same: same, 1.0)):
        gradient = jax.grad(lambda tree, held=held: sum(map(jnp.sum, jax.tree.leaves(held(tree)))))
        for leaf in jax.tree.leaves(gradient(variables)):
            np.testing.assert_array_equal(leaf, np.full(leaf.shape, expected))


@pytest.mark.parametrize("player", OPPONENT)
def test_an_update_leaves_the_opponent_and_only_the_generators_changes_the_average(start, player):
    parts = start()
    old = getattr(parts.state, player)
    gradient = Gradient(old.params, {"batch_stats": "new"}, {"loss": 1.0})
    if player == "generator":
        gradient = gradient._replace(model_state=old.model_state)
    state, measured = getattr(parts.updates, f"update_{player}")(parts.state, gradient)
    new = getattr(state, player)
    assert getattr(state, OPPONENT[player]) is getattr(parts.state, OPPONENT[player])
    assert new.model_state is gradient.model_state
    assert (int(old.updates), int(new.updates)) == (0, 1)
    np.testing.assert_allclose(  # the gradient given is the position, the rate 0.1
        new.params["Dense_0"]["kernel"], 0.9 * old.params["Dense_0"]["kernel"], rtol=1e-6
    )
    assert (state.ema is parts.state.ema) == (player == "discriminator")
    assert {name.split("/")[0] for name in measured} == {player}


# A game written by hand: points, a hidden layer with batch normalization in both players


def dense(params, number, x):
    return x @ params[f"Dense_{number}"]["kernel"] + params[f"Dense_{number}"]["bias"]


def network(params, x):
    x, norm = dense(params, 0, x), params["BatchNorm_0"]["BatchNorm_0"]
    x = (x - x.mean(axis=0)) / (x.var(axis=0) + 1e-5) ** 0.5
    x = x * norm["scale"] + norm["bias"]
    return dense(params, 1, x * (x > 0))


def noise(parts, player, update=0):
    alternates = parts.config.schedule.scheme in ("alternating", "lookahead")
    name = f"{player} turn" if alternates else "round"
    key = stream(jax.random.key(parts.config.seed), name, update)
    return normal(example_keys(stream(key, "latents"), parts.config.train.batch_size), 3)


def sigmoid(logits):
    return 1 / (1 + jnp.exp(-logits[:, 0]))


HAND_WRITTEN = {
    "minimax": lambda d_fake: jnp.mean(jnp.log(1 - d_fake)),
    "non_saturating": lambda d_fake: -jnp.mean(jnp.log(d_fake)),
}


def by_hand(parts, player):
    """The loss of `player` as a function of both players' parameters."""
    reals = parts.examples.x[parts.batches.indices(0)[0]]

    def loss(generator, discriminator):
        d_fake = sigmoid(network(discriminator, network(generator, noise(parts, player))))
        if player == "generator":
            return HAND_WRITTEN[parts.config.loss](d_fake)
        d_real = sigmoid(network(discriminator, reals))
        return -jnp.mean(jnp.log(d_real)) - jnp.mean(jnp.log(1 - d_fake))

    return loss


@pytest.mark.parametrize(
    ("player", "loss"),
    [("discriminator", "non_saturating"), *(("generator", loss) for loss in HAND_WRITTEN)],
)
def test_gradients_are_those_of_a_hand_written_loss(start, player, loss):
    parts = start({"loss": loss})
    params = parts.state.generator.params, parts.state.discriminator.params
    reals = parts.examples.x[parts.batches.indices(0)[0]]

    @jax.jit
    def both(state, *params):
        gradient_of = getattr(parts.updates, f"{player}_gradient")
        found = gradient_of(state, Examples(reals) if player == "discriminator" else None)
        which = list(OPPONENT).index(player)
        return found, jax.value_and_grad(by_hand(parts, player), which)(*params)

    found, (value, gradient) = both(parts.state, *params)
    np.testing.assert_allclose(found.measurements["loss"], value, rtol=1e-5)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6),
        found.params,
        gradient,
    )
    assert optax.tree.norm(gradient) > 0.01


def ahead(parts, indices):
    reals = parts.updates.batch(parts.examples, indices[0])
    key = round_key(parts.state, "extrapolation")
    gradients = both_gradients(parts.updates, parts.state, reals, key)
    return extrapolated(parts.updates, parts.state, *(gradient.params for gradient in gradients))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_statistics_and_measurements_come_from_a_players_own_updates_only(start, scheme):
    """In a round of one update each: the generator's from its one batch of fakes, the
    discriminator's from reals and then from the fakes of its own update."""
    parts = start({"schedule.scheme": scheme})
    (phase,) = parts.phases
    indices = parts.batches.indices(0, phase.batches)
    state, measured = jax.jit(phase.step)(parts.state, parts.examples, indices)
    base = parts.state
    if scheme == "extragradient":  # its second batch, at the point to which the first leads
        base, indices = jax.jit(lambda rows: ahead(parts, rows))(indices), indices[1:]
    old = jax.device_get((base.generator.params, base.discriminator.params))
    z = {player: np.asarray(noise(parts, player)) for player in OPPONENT}

    def first_layer(player):
        return player.model_state["batch_stats"]["BatchNorm_0"]["BatchNorm_0"]

    def averaged(*activations):
        mean, var = 0.0, 1.0
        for x in activations:
            mean, var = 0.9 * mean + 0.1 * x.mean(axis=0), 0.9 * var + 0.1 * x.var(axis=0)
        return {"mean": mean, "var": var}

    fakes = network(old[0], z["discriminator"])
    reals = parts.examples.x[indices[0]]
    expected = {
        "generator": averaged(dense(old[0], 0, z["generator"])),
        "discriminator": averaged(dense(old[1], 0, reals), dense(old[1], 0, fakes)),
    }
    for player, statistics in expected.items():
        found = first_layer(getattr(state, player))
        assert found.keys() == statistics.keys()
        for name, value in statistics.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-6)

    real_logits, fake_logits = network(old[1], reals), network(old[1], fakes)
    for name, value in {
        "accuracy_real": np.mean(real_logits > 0),
        "accuracy_fake": np.mean(fake_logits < 0),
        "logit_real": np.mean(real_logits),
        "logit_fake": np.mean(fake_logits),
    }.items():
        np.testing.assert_allclose(measured[f"discriminator/{name}"], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loss", HAND_WRITTEN)
def test_joint_descends_the_hand_written_losses_sum(start, loss):
    """Of the minimax loss the terms of fakes cancel, and the generator learns nothing."""
    parts = start({"schedule.scheme": "joint", "loss": loss})
    (phase,) = parts.phases
    before = parts.state.generator.params, parts.state.discriminator.params

    @jax.jit
    def both(state):
        def total(*params):
            return sum(by_hand(parts, player)(*params) for player in OPPONENT)

        after, measured = phase.step(state, parts.examples, parts.batches.indices(0))
        after = after.generator.params, after.discriminator.params
        return after, measured, jax.grad(total, (0, 1))(*before)

    after, measured, gradients = both(parts.state)
    jax.tree.map(
        lambda new, old, slope: np.testing.assert_allclose(new, old - 0.1 * slope, 1e-4, 1e-6),
        *(after, before, gradients),
    )
    assert measured["discriminator/gradient_norm"] > 0.01
    assert (measured["generator/gradient_norm"] < 1e-6) == (loss == "minimax")


# Updating


def test_an_update_is_a_step_of_the_optimizer():
    player = Player({"w": jnp.array([1.0, 2.0])}, {"batch_stats": 0.0}, None, jnp.int32(6))
    optimizer = optax.sgd(0.5)
    player = player.replace(opt_state=optimizer.init(player.params))
    gradient = Gradient({"w": jnp.array([3.0, -4.0])}, {"batch_stats": 7.0}, {"loss": 8.0})
    updated, measured = update_player(player, gradient, optimizer)
    np.testing.assert_array_equal(updated.params["w"], [-0.5, 4.0])
    assert updated.model_state == {"batch_stats": 7.0}
    assert updated.updates == 7
    assert updated.updates.dtype == jnp.int32
    assert measured == {
        "loss": 8.0,
        "gradient_norm": 5.0,
        "parameter_norm": pytest.approx((0.5**2 + 4**2) ** 0.5),
    }


# Both players at once


def test_both_gradients_are_one_backward_pass_of_the_frozen_losses_sum(start):
    parts = start({"schedule.scheme": "simultaneous"})
    state, game = parts.state, parts.updates.game
    key = round_key(state)

    @jax.jit
    def both(reals):
        def total(generator, discriminator):
            of_discriminator, _ = game.discriminator_objective(
                discriminator,
                state.discriminator.model_state,
                freeze({"params": generator, **state.generator.model_state}),
                reals,
                key,
            )
            of_generator, _ = game.generator_objective(
                generator,
                state.generator.model_state,
                freeze({"params": discriminator, **state.discriminator.model_state}),
                None,
                key,
            )
            return of_discriminator + of_generator

        once = jax.grad(total, argnums=(0, 1))(state.generator.params, state.discriminator.params)
        twice = both_gradients(parts.updates, state, reals, key)
        return once, [gradient.params for gradient in reversed(twice)]

    once, twice = both(parts.updates.batch(parts.examples, parts.batches.indices(0)[0]))
    assert min(optax.tree.norm(gradient) for gradient in once) > 0.01
    jax.tree.map(
        lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-7),
        list(once),
        twice,
    )


# The generator's start


@pytest.mark.parametrize(
    ("name", "shape", "norm", "layers"),
    [("mlp", (2,), "batch", 2), ("mlp", (2,), "spectral", 2), ("cnn", (4, 4, 1), "batch", 4)],
)
def test_the_initial_scale_is_a_factor_on_the_generators_kernels(start, name, shape, norm, layers):
    fields = {"model.name": name, "model.generator.norm": norm}
    plain, scaled = (
        start(fields | {"model.generator.initial_scale": scale}, shape=shape).state
        for scale in (1.0, 3.0)
    )
    jax.tree.map(np.testing.assert_array_equal, plain.discriminator, scaled.discriminator)
    jax.tree.map(np.testing.assert_array_equal, scaled.generator.params, scaled.ema["params"])
    before, after = (flatten_dict(state.generator.params) for state in (plain, scaled))
    kernels = {path for path in before if path[-1] == "kernel"}
    assert len(kernels) == layers
    for path, leaf in before.items():
        np.testing.assert_allclose(after[path], leaf * (3 if path in kernels else 1), rtol=1e-6)


# The generator's average


@pytest.mark.parametrize(("half_life", "batch_size"), [(10_000, 64), (16, 8), (512, 512)])
def test_half_of_an_average_outlives_its_half_life(half_life, batch_size):
    decay = ema_decay(half_life, batch_size)
    assert decay ** (half_life / batch_size) == pytest.approx(0.5)


def test_the_average_after_two_updates(start):
    """A half-life of 16 images at 8 an update: half is left after two updates."""
    parts = start({"ema.half_life": 16})
    kept = 0.5**0.5
    averages, positions, state = [parts.state.ema], [], parts.state
    for shift in (1.0, -3.0):
        player = jax.device_get(state.generator)
        gradient = Gradient(
            jax.tree.map(lambda leaf, shift=shift: np.full_like(leaf, shift), player.params),
            jax.tree.map(lambda leaf: leaf + 2, player.model_state),
            {},
        )
        state, _ = parts.updates.update_generator(state, gradient)
        positions.append(state.generator.variables)
        averages.append(state.ema)
    expected = jax.tree.map(
        lambda zeroth, first, second: (
            0.5 * zeroth + kept * (1 - kept) * first + (1 - kept) * second
        ),
        *jax.device_get((parts.state.generator.variables, *positions)),
    )
    assert expected.keys() == {"params", "batch_stats"}
    for found in (averages[-1], state.generator_variables()):
        jax.tree.map(
            lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7),
            found,
            expected,
        )


def test_the_first_average_is_a_copy(start):
    """Buffers given away twice would end the process."""
    generator, discriminator = mlp.Generator((1,), 1), mlp.Discriminator(1)
    players = (generator, optax.sgd(0.1)), (discriminator, optax.sgd(0.1))
    unbuilt = init_state(0, *players, latent=1, shape=(1,), average=True)
    for state in (unbuilt, start().state):
        jax.tree.map(np.testing.assert_array_equal, state.ema, state.generator.variables)
        addresses = [
            {leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(tree)}
            for tree in (state.ema, state.replace(ema=None))
        ]
        assert addresses[0].isdisjoint(addresses[1])


def test_no_average_where_none_is_wanted(start):
    parts = start({"ema.half_life": 0})
    assert parts.state.ema is None
    player = parts.state.generator
    state, _ = parts.updates.update_generator(
        parts.state, Gradient(player.params, player.model_state, {})
    )
    assert state.ema is None
    assert state.generator_variables() == state.generator.variables


def test_the_uniform_average_is_the_mean_of_all_iterates_after_updates(start):
    parts = start({"ema.kind": "uniform"})
    state, positions = parts.state, []
    for shift in (1.0, -3.0, 5.0):
        player = state.generator
        gradient = jax.tree.map(lambda leaf, shift=shift: jnp.full_like(leaf, shift), player.params)
        statistics = jax.tree.map(lambda leaf, shift=shift: leaf * shift, player.model_state)
        state, _ = parts.updates.update_generator(state, Gradient(gradient, statistics, {}))
        positions.append(state.generator.variables)
    jax.tree.map(
        lambda found, *all_: np.testing.assert_allclose(found, np.mean(all_, 0), atol=1e-6),
        state.generator_variables(),
        *jax.device_get(positions),
    )


def test_an_unknown_average_is_refused(start):
    with pytest.raises(InputError, match=r"config\.ema\.kind=median: unknown, choose from expon"):
        start({"ema.kind": "median"})


@pytest.mark.parametrize("half_life", [0, 16])
def test_a_schedule_free_generator_is_sampled_at_its_own_average(start, half_life):
    """By the method's own equations on the first bias, with Adam's first step, which is the rate
    against the gradient's sign: x_1 = z_1, x_2 = (x_1 + z_2) / 2, y = (1 - b1) z + b1 x."""
    own = {"optim.generator.name": "schedule_free", "optim.generator.b1": 0.5}
    parts = start(own | {"ema.half_life": half_life})
    state = parts.state
    for _ in range(2):
        ones = jax.tree.map(jnp.ones_like, state.generator.params)
        gradient = Gradient(ones, state.generator.model_state, {})
        state, _ = parts.updates.update_generator(state, gradient)
    zeroth, found, raw = (
        np.asarray(variables["params"]["Dense_0"]["bias"])
        for variables in (
            parts.state.generator.variables,
            state.generator_variables(),
            state.generator.variables,
        )
    )
    np.testing.assert_allclose(found, zeroth - 0.15, rtol=1e-5)  # z: -0.1, -0.2
    np.testing.assert_allclose(raw, zeroth - (0.5 * 0.2 + 0.5 * 0.15), rtol=1e-5)
    assert state.generator_variables()["batch_stats"] == state.generator.model_state["batch_stats"]

"""Which player is updated when, how often, on which examples, and from where.

Most of it on a game of two numbers: the generator t and the discriminator p, with t p the
generator's loss and -t p - p x the discriminator's, so that every round can be worked out by hand.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.serialization import from_state_dict, to_state_dict

from configs import base
from gan_jax.config.setup import build
from gan_jax.core.devices import Devices, replica_spread, to_host
from gan_jax.core.errors import InputError
from gan_jax.data import DataSpec
from gan_jax.data.batches import Batches, Examples
from gan_jax.examples import POINT
from gan_jax.game import averages, optimizers, schemes
from gan_jax.game.schemes import SCHEMES, Updates
from gan_jax.game.schemes.phase import total_updates, updates_per_round
from gan_jax.game.state import GANState, Player
from gan_jax.run.rounds import make_rounds

RATE = 0.1
ALTERNATING = sys.modules["gan_jax.game.schemes.alternating"]


class Bilinear:
    """The game of two numbers; with noise, the generator's loss is t p (1 + noise)."""

    axis_name = None
    kind = POINT
    generator_takes_reals = False

    def __init__(self, noise: float = 0.0):
        self.noise = noise

    def generator_objective(self, params, model_state, discriminator, reals, key):
        noise = self.noise * jax.random.normal(key) if self.noise else 0.0
        return params * discriminator["params"] * (1 + noise), (model_state, {})

    value_objective = generator_objective  # the two losses are not of one value

    def discriminator_objective(self, params, model_state, generator, reals, key):
        return -params * (generator["params"] + jnp.mean(reals.x)), (model_state, {})


def game(optimizer=None, **options):
    """The two players, and the state t = 1, p = 2 with an average that forgets a quarter."""
    optimizer = optimizer or optax.sgd(RATE)
    updates = Updates(Bilinear(**options), optimizer, optimizer, averages.exponential(0.75))
    generator, discriminator = (
        Player(value, {}, optimizer.init(value), np.int32(0))
        for value in (np.float32(1), np.float32(2))
    )
    key = jax.random.key_data(jax.random.key(0))
    return updates, GANState(np.int32(0), key, generator, discriminator, {"params": np.float32(1)})


def phases_of(updates, scheme="alternating", per_epoch=3, **fields):
    """A round of a scheme with some fields of `config.schedule`."""
    config = base.get_config().schedule
    config.update(scheme=scheme, **fields)
    return schemes.build(config, updates, per_epoch)


def train(phases, state, rounds, num=12, size=4, first=0):
    """The state after some rounds on the examples 0, 1, 2, … and the rows that they took."""
    devices, seen = Devices(jax.devices()[:1]), []
    devices.split = lambda rows: seen.append(rows) or rows
    examples = Examples(np.arange(num, dtype=np.float32))
    run_rounds = make_rounds(phases, devices, Batches(num, size, seed=0), examples)
    for step in range(first, first + rounds):
        state, measured = run_rounds(state, step)
    return state, measured, np.concatenate(seen)


def counts(state):
    return int(state.step), int(state.discriminator.updates), int(state.generator.updates)


# Alternating


@pytest.mark.parametrize(("k", "m"), [(1, 1), (3, 1), (1, 3), (6, 2), (6, 5), (1, 9)])
def test_a_round_is_k_updates_then_m(k, m):
    updates, state = game()
    phases = phases_of(updates, discriminator=k, generator=m)
    assert len(phases) == (1 if k + m <= 8 else 2)
    found, measured, rows = train(phases, state, rounds=2)
    assert counts(found) == (2, 2 * k, 2 * m)
    t, p, average = 1.0, 2.0, 1.0
    assert len(rows) == 2 * k
    for batches in np.split(rows, 2):
        for update in batches:
            p += RATE * (t + np.mean(update))
        for _ in range(m):
            loss, t = t * p, t - RATE * p
            average = 0.75 * average + 0.25 * t
    np.testing.assert_allclose(
        [found.generator.params, found.discriminator.params, found.ema["params"]],
        [t, p, average],
        rtol=1e-5,
        atol=1e-6,  # rounding of numbers around 1
    )
    np.testing.assert_allclose(measured["generator/loss"], loss, rtol=1e-5, atol=1e-6)
    assert measured.keys() == {
        f"{player}/{name}"
        for player in ("generator", "discriminator")
        for name in ("loss", "gradient_norm", "parameter_norm")
    }


def test_one_program_or_many_give_the_same_state(monkeypatch):
    updates, state = game(optax.adam(RATE), noise=0.5)
    fused = phases_of(updates, discriminator=2, generator=3)
    monkeypatch.setattr(ALTERNATING, "MOST_UPDATES_IN_A_PROGRAM", 4)
    split = phases_of(updates, discriminator=2, generator=3)
    assert [phase.repeats for phase in fused] == [1]
    assert [phase.repeats for phase in split] == [2, 3]
    (one, of_one, rows), (many, of_many, same_rows) = (
        train(phases, jax.tree.map(jnp.array, state), rounds=2) for phases in (fused, split)
    )
    assert counts(one) == (2, 4, 6)
    np.testing.assert_array_equal(rows, same_rows)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(other, one, rtol=1e-5),
        (one, of_one),
        (many, of_many),
    )


def test_every_update_draws_its_own_noise():
    """At a rate of 0 nothing but the noise changes the loss."""
    updates, state = game(optax.sgd(0.0), noise=1.0)
    losses = []
    for _ in range(3):
        losses.append(float(updates.generator_gradient(state, None).measurements["loss"]))
        state, _ = updates.update_generator(state, updates.generator_gradient(state, None))
    assert len(set(losses)) == 3


# The first rounds of another k


WARMUP = {"warmup_rounds": 2, "discriminator": 2}


@pytest.mark.parametrize(("warm", "programs"), [(3, 2), (9, 3)])
def test_the_first_rounds_have_more_updates_of_the_discriminator(warm, programs):
    """Batches follow each other without a gap, whatever the round's length."""
    updates, state = game()
    phases = phases_of(updates, warmup_discriminator=warm, **WARMUP)
    assert len(phases) == programs
    found, _, rows = train(phases, state, rounds=4)
    assert counts(found) == (4, 2 * warm + 2 * 2, 4)
    np.testing.assert_array_equal(rows, Batches(12, 4, seed=0).indices(0, 2 * warm + 2 * 2))
    t, p, rows = 1.0, 2.0, iter(rows)
    for k in (warm, warm, 2, 2):
        for _ in range(k):
            p += RATE * (t + np.mean(next(rows)))
        t -= RATE * p
    np.testing.assert_allclose([found.generator.params, found.discriminator.params], [t, p], 1e-5)


@pytest.mark.parametrize("step", [1, 3])
def test_a_run_with_a_warmup_goes_on_from_any_round(step):
    """The batches of a round depend on its number only: who starts there takes the same."""
    updates, state = game()
    phases = phases_of(updates, warmup_discriminator=9, **WARMUP)
    *_, rows = train(phases, state, rounds=4)
    *_, before = train(phases, game()[1], rounds=step)
    *_, after = train(phases, game()[1], rounds=4 - step, first=step)
    np.testing.assert_array_equal(np.concatenate([before, after]), rows)


def test_a_run_counts_the_updates_of_its_warmup(tiny):
    """25 rounds of 100 and then 5: the horizon of the critic's learning rate."""
    schedule = tiny({"schedule.warmup_rounds": 25, "schedule.discriminator": 5}).schedule
    assert total_updates(schedule, per_epoch=7, rounds=1000) == (25 * 100 + 975 * 5, 1000)
    assert total_updates(schedule, per_epoch=7, rounds=10) == (10 * 100, 10)


# Epochs


@pytest.mark.parametrize(("num", "programs"), [(12, 1), (40, 2)])
def test_an_epoch_for_the_discriminator_then_one_for_the_generator(num, programs):
    """Each example is seen once a round, in another order every round."""
    updates, state = game()
    per_epoch = num // 4
    phases = phases_of(updates, per_epoch=per_epoch, unit="epoch")
    assert len(phases) == programs
    state, _, rows = train(phases, state, rounds=2, num=num)
    assert counts(state) == (2, 2 * per_epoch, 2 * per_epoch)
    orders = rows.reshape(2, num)
    np.testing.assert_array_equal(np.sort(orders), [np.arange(num)] * 2)
    assert np.any(orders[0] != orders[1])


@pytest.mark.parametrize(("unit", "expected"), [("step", (3, 2)), ("epoch", (21, 14))])
def test_counts_of_a_round(tiny, unit, expected):
    config = tiny({"schedule.unit": unit, "schedule.discriminator": 3, "schedule.generator": 2})
    assert updates_per_round(config.schedule, per_epoch=7) == expected


def test_a_learning_rate_falls_over_the_players_own_updates(tiny):
    """Two rounds of 2:1, linearly to zero: 1, 3/4, 2/4, 1/4 for D; 1, 1/2 for G."""
    overrides = {"schedule.discriminator": 2, "train.steps": 2}
    decays = {f"optim.{player}.decay": "linear" for player in ("generator", "discriminator")}
    players = build(tiny(overrides | decays), DataSpec("made", POINT, (2,), 7 * 8)).players
    for optimizer, shares in (
        (players.discriminator_optimizer, [1, 0.75, 0.5, 0.25]),
        (players.generator_optimizer, [1, 0.5]),
    ):
        state = optimizer.init(np.float32(0))
        for share in shares:
            update, state = optimizer.update(np.float32(1), state)
            np.testing.assert_allclose(update, -0.1 * share, rtol=1e-6)


# Simultaneous


def test_simultaneous_takes_both_gradients_at_one_point():
    updates, state = game()
    found, measured, rows = train(phases_of(updates, "simultaneous"), state, rounds=2)
    assert counts(found) == (2, 2, 2)
    t, p, average = 1.0, 2.0, 1.0
    for row in rows:
        losses = [t * p, -p * (t + np.mean(row))]
        t, p = t - RATE * p, p + RATE * (t + np.mean(row))
        average = 0.75 * average + 0.25 * t
    np.testing.assert_allclose(
        [found.generator.params, found.discriminator.params, found.ema["params"]],
        [t, p, average],
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        [measured["generator/loss"], measured["discriminator/loss"]], losses, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("discriminator", 2), ("generator", 3), ("unit", "epoch"), ("warmup_rounds", 1)],
)
@pytest.mark.parametrize("scheme", sorted(SCHEMES.keys() - {"alternating", "lookahead"}))
def test_a_scheme_of_one_update_a_player_refuses_more(scheme, field, value):
    with pytest.raises(InputError, match=f"the scheme {scheme} has one update") as caught:
        phases_of(game()[0], scheme, **{field: value})
    assert caught.value.key == f"config.schedule.{field}"
    assert caught.value.value == value


# Joint


def test_joint_follows_what_does_not_cancel():
    """The losses t p and -p (t + x) sum to -p x, which is the discriminator's alone."""
    updates, state = game()
    found, measured, rows = train(phases_of(updates, "joint"), state, rounds=2)
    assert counts(found) == (2, 2, 2)
    p = 2.0
    for row in rows:
        losses = [p, -p * (1 + np.mean(row))]
        p += RATE * np.mean(row)
    np.testing.assert_allclose([found.generator.params, found.discriminator.params], [1, p], 1e-5)
    np.testing.assert_allclose(
        [measured["generator/loss"], measured["discriminator/loss"]], losses, rtol=1e-5
    )


# Extragradient


def test_extragradient_by_hand():
    """Its second gradient takes another batch, and Adam's moments know of that one only."""
    updates, state = game(optax.adam(RATE, b1=0.0, b2=0.5))
    found, measured, (one, two) = train(phases_of(updates, "extragradient"), state, rounds=1)
    assert counts(found) == (1, 1, 1)
    assert np.any(one != two)
    ahead = 1 - RATE, 2 + RATE  # Adam's first step is the rate against the gradient's sign
    gradients = ahead[1], -ahead[0] - np.mean(two)
    np.testing.assert_allclose(measured["discriminator/gradient_norm"], -gradients[1], rtol=1e-5)
    np.testing.assert_allclose(found.generator.opt_state[0].nu, 0.5 * gradients[0] ** 2, rtol=1e-5)
    assert found.generator.opt_state[0].count == 1
    np.testing.assert_allclose([found.generator.params, found.discriminator.params], ahead, 1e-5)


# Lookahead


@pytest.mark.parametrize("k", [1, 9])
def test_lookahead_pulls_both_players_back_every_few_rounds(k):
    """In a round of one program or of many, once."""
    updates, state = game()
    fields = {"discriminator": k, "lookahead_rounds": 3, "lookahead_share": 0.25}
    config = base.get_config().schedule
    config.update(scheme="lookahead", **fields)
    state = schemes.with_memory(config, state)
    ahead, _, rows = train(phases_of(updates, "lookahead", **fields), state, rounds=7)
    assert counts(ahead) == (7, 7 * k, 7)
    slow = fast = np.array([1.0, 2.0])
    for number, row in enumerate(rows, start=1):
        fast = fast + np.array([0, RATE * (fast[0] + np.mean(row))])
        if number % k == 0:
            fast = fast - np.array([RATE * fast[1], 0])
        if number % (3 * k) == 0:
            slow = fast = slow + 0.25 * (fast - slow)
    found = [ahead.generator.params, ahead.discriminator.params]
    np.testing.assert_allclose(found, fast, rtol=1e-4)
    memory = [ahead.memory["generator"], ahead.memory["discriminator"]]
    np.testing.assert_allclose(memory, slow, rtol=1e-4)


def test_lookahead_refuses_an_optimizer_that_averages_itself(start):
    own = {"optim.discriminator.name": "schedule_free", "schedule.scheme": "lookahead"}
    with pytest.raises(InputError, match=r"config\.schedule\.scheme=lookahead: schedule-free"):
        start(own)


# Players that stop


# Lookahead is refused, and with the joint gradient of this game neither player moves at all.
@pytest.mark.parametrize("scheme", sorted(SCHEMES.keys() - {"lookahead", "joint"}))
def test_players_that_have_stopped_stay_where_they_are(scheme):
    optimizer = optimizers.build(base.player(RATE, stop=2), "generator", 9, differentiable=True)
    config = base.get_config().schedule
    config.update(scheme=scheme)

    def after(rounds):
        updates, state = game(optimizer)
        state = schemes.with_memory(config, state)
        state, *_ = train(phases_of(updates, scheme), state, rounds)
        assert counts(state) == (rounds, rounds, rounds)
        return [float(state.generator.params), float(state.discriminator.params)]

    one, two, four = after(1), after(2), after(4)
    assert two == four
    assert all(a != b for a, b in zip(one, two, strict=True))


# Every scheme, as a run builds it


ADAM = {f"optim.{player}.name": "adam" for player in ("generator", "discriminator")}


REMEMBERS = ["extrapolation_from_past", "lookahead"]


@pytest.mark.parametrize("scheme", REMEMBERS)
def test_a_scheme_saved_and_restored_goes_on_as_if_uninterrupted(start, scheme):
    parts = start({"schedule.scheme": scheme, "schedule.lookahead_rounds": 2} | ADAM)
    examples = parts.devices.replicate(parts.examples)
    run_rounds = make_rounds(parts.phases, parts.devices, parts.batches, examples)
    states = [parts.devices.replicate(parts.state)]
    saved = None
    for step in range(5):
        state, _ = run_rounds(states.pop(), step)
        states.append(state)
        if step == 2:
            saved = to_state_dict(to_host(state))
    again = parts.devices.replicate(from_state_dict(parts.state, saved))
    for step in (3, 4):
        again, _ = run_rounds(again, step)
    jax.tree.map(np.testing.assert_array_equal, to_host(again), to_host(states[0]))
    assert all(np.any(leaf) for leaf in jax.tree.leaves(saved["memory"]))


def test_no_other_scheme_remembers_anything():
    for name in SCHEMES.keys() - {*REMEMBERS}:
        assert SCHEMES[name].memory(None) == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_and_four_devices_train_the_same(start, scheme):
    """The generator's norm averages over all devices inside of what is differentiated twice."""
    fields = {"schedule.scheme": scheme, "schedule.unroll": 2, "schedule.lookahead_rounds": 2}
    fields |= {"schedule.consensus_weight": 0.5, "model.discriminator.norm": "none"}
    (alone, of_alone), (together, of_together) = (
        start(fields, devices=devices).train(2) for devices in (1, 4)
    )
    assert counts(alone) == (2, 2, 2)
    assert all(np.isfinite(value) for value in of_alone.values())
    assert {value.shape for value in of_alone.values()} == {()}
    assert replica_spread(together) == 0
    for one, other in ((alone, together), (of_alone, of_together)):
        jax.tree.map(
            lambda one, other: np.testing.assert_allclose(other, one, rtol=2e-3, atol=2e-5),
            to_host(one),
            to_host(other),
        )


@pytest.mark.parametrize(
    ("key", "choices"),
    [
        ("schedule.scheme", "alternating, consensus, extragradient"),
        ("loss", "minimax, non_saturating"),
    ],
)
def test_an_unknown_name_is_refused(start, key, choices):
    with pytest.raises(InputError) as caught:
        start({key: "no such"})
    assert (caught.value.key, caught.value.value) == (f"config.{key}", "no such")
    assert choices in caught.value.why

"""What is measured of a state beside its samples: gradients, saturation, accuracy."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import Parts
from games import Identity
from scipy.special import expit, softmax

from gan_jax import data
from gan_jax.core.streams import example_keys, root, stream
from gan_jax.data.batches import Examples
from gan_jax.diagnostics import diagnose
from gan_jax.diagnostics.discriminator import accuracies, saturation
from gan_jax.diagnostics.gradients import cosine
from gan_jax.examples import POINT
from gan_jax.game.losses import LOSSES
from gan_jax.game.objectives import AGGREGATES, Game
from gan_jax.game.prior import Prior, normal
from gan_jax.game.schemes.updates import round_key
from gan_jax.game.state import GANState, Player
from gan_jax.models.output import DiscriminatorOutput
from gan_jax.report.recorder import read_rows
from gan_jax.run import train
from gan_jax.run.restore import restore
from gan_jax.run.sampling import make_accuracy
from gan_jax.run.workdir import Workdir, describe

PLAYERS = ("generator", "discriminator")


# Saturation

NOBODY = Player({}, {}, None, jnp.int32(3))
STATE = GANState(jnp.int32(3), jax.random.key_data(root(0)), NOBODY, NOBODY, None)
REALS = np.linspace(-2, 3, 16, dtype=np.float32)[:, None]


def fake_logits():
    """Those of the generator's next update, where a logit is a latent."""
    key = stream(stream(root(0), "generator turn", 3), "latents")
    return np.asarray(normal(example_keys(key, 16), 1))[:, 0].astype(np.float64)


DERIVATIVES = {
    "minimax": lambda real, fake: -expit(fake),
    "non_saturating": lambda real, fake: -expit(-fake),
    "least_squares": lambda real, fake: fake - 1,
    "wasserstein": lambda real, fake: -np.ones(16),
    "hinge": lambda real, fake: -np.ones(16),
    "relativistic_pairing": lambda real, fake: -expit(real - fake),
    "relativistic_average": lambda real, fake: (
        -expit(real.mean() - fake) - expit(real - fake.mean())
    ),
    "fgan_kl": lambda real, fake: -np.exp(fake - 1),
    "fgan_reverse_kl": lambda real, fake: -np.ones(16),
    "fgan_pearson": lambda real, fake: -(fake / 2 + 1),
    "fgan_hellinger": lambda real, fake: -np.exp(fake),
    "fgan_jensen_shannon": lambda real, fake: -expit(fake),
}


@pytest.mark.parametrize("name", LOSSES)
def test_saturation_is_the_losses_mean_derivative_at_the_fakes(name):
    game = Game(Identity(False), Identity(True), LOSSES[name], Prior(1), 16, POINT)
    reals = Examples(REALS) if game.generator_takes_reals else None
    expected = np.mean(DERIVATIVES[name](REALS[:, 0].astype(np.float64), fake_logits()))
    np.testing.assert_allclose(saturation(game, STATE, reals), expected, rtol=1e-5)


FACTORS = np.array([[-1.0], [0.5], [2.0]])


class Three(nn.Module):
    """Discriminators whose logits are multiples of the example."""

    @nn.compact
    def __call__(self, x, condition=None, *, train):
        return DiscriminatorOutput(FACTORS * x[:, 0])


@pytest.mark.parametrize("name", AGGREGATES)
def test_several_discriminators_saturate_as_their_losses_are_weighed(name):
    game = Game(
        Identity(False),
        Three(),
        LOSSES["non_saturating"],
        Prior(1),
        16,
        POINT,
        aggregate=AGGREGATES[name],
    )
    logits = FACTORS * fake_logits()
    losses, derivatives = np.log1p(np.exp(-logits)).mean(axis=1), -expit(-logits).mean(axis=1)
    shares = softmax(losses)
    weights = {
        "mean": np.ones(3) / 3,
        "hardest": losses == losses.max(),
        "softmax": shares * (1 + losses - shares @ losses),
    }
    expected = weights[name] @ derivatives
    np.testing.assert_allclose(saturation(game, STATE, None), expected, rtol=1e-5)


# Accuracies


def test_accuracies_are_shares_on_the_right_side_of_the_losses_even():
    game = Game(Identity(False), Identity(True), LOSSES["least_squares"], Prior(1), 16, POINT)
    fakes, *_ = game.fakes({}, round_key(STATE, "diagnostics"))
    reals = Examples(np.array([[0.2], [0.5], [0.6], [0.8]], np.float32))
    found = accuracies(game, STATE, reals, Examples(REALS))
    assert found == {
        "train": 0.5,  # what is undecided is not right
        "held_out": pytest.approx(np.mean(REALS > 0.5)),
        "generated": pytest.approx(np.mean(fakes.x < 0.5)),
    }
    assert 0 < found["generated"] < 1


UNEASY = {"noise.deviation": 9.0, "model.discriminator.dropout": 0.5}


@pytest.mark.parametrize(
    "overrides",
    [
        {"model.discriminator.pack": 2, "model.discriminator.count": 3, "loss": "least_squares"},
        {"model.classes": 2, "model.conditioning": "projection"},
    ],
    ids=["packs", "classes"],
)
def test_accuracies_are_those_of_a_run_in_evaluation(start, overrides):
    parts = start(UNEASY | overrides)
    game, state = parts.updates.game, parts.state.replace(ema=None)
    classes = parts.config.model.classes
    condition = {"label": np.arange(24, dtype=np.int32) % 2} if classes else None
    reals = Examples(9 * parts.examples.x, condition)
    held_out = jax.tree.map(lambda leaf: leaf[4:16], reals)

    @jax.jit
    def measured(state):
        fakes, *_ = game.fakes(state.generator.variables, round_key(state, "diagnostics"))
        return fakes, accuracies(game, state, reals, held_out)

    fakes, found = jax.device_get(measured(state))
    assert (fakes.condition is None) == (condition is None)
    taken_for_real = partial(make_accuracy(game), state.discriminator.variables)
    assert found == {
        "train": pytest.approx(taken_for_real(reals)),
        "held_out": pytest.approx(taken_for_real(held_out)),
        "generated": pytest.approx(1 - taken_for_real(fakes)),
    }
    assert any(0 < share < 1 for share in found.values())


# Gradients


def test_the_cosine_of_known_angles():
    right = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([[0.0]])}
    up = {"a": jnp.array([0.0, 0.0]), "b": jnp.array([[0.01]])}
    half = jax.tree.map(lambda one, other: one / 3 + other * 100, right, up)
    opposite = jax.tree.map(lambda leaf: -1e-15 * leaf, right)
    nothing = jax.tree.map(jnp.zeros_like, right)
    for other, expected in [(right, 1), (up, 0), (half, 0.5**0.5), (opposite, -1), (nothing, 0)]:
        np.testing.assert_allclose(jax.jit(cosine)(right, other), expected, atol=1e-6)


class Rows(NamedTuple):
    """Which examples the next round takes, which are measured, and which are held out."""

    round: np.ndarray
    reals: np.ndarray
    held_out: np.ndarray


def measured(updates, phase, examples, state, rows):
    """The state a round later and the diagnostics of the state."""
    after, _ = phase.step(state, examples, rows.round)
    reals, held_out = (updates.batch(examples, some) for some in (rows.reals, rows.held_out))
    return after, diagnose(updates, state, reals, held_out, lambda _: after)


OVERRIDES = {
    "loss": "relativistic_average",
    "model.generator.norm": "none",
    "model.discriminator.norm": "none",
    "optim.generator.learning_rate": 3.0,
}


class Diagnosed(NamedTuple):
    """A run's parts, what was measured of its first state, and the function that did."""

    parts: Parts
    rows: Rows
    measure: Callable
    after: GANState
    found: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def diagnosed(start):
    parts = start(OVERRIDES)
    (phase,) = parts.phases
    rows = Rows(parts.batches.indices(0, phase.batches), np.arange(12), np.arange(12, 24))
    measure = partial(measured, parts.updates, phase, parts.examples)
    compiled = jax.jit(measure)
    return Diagnosed(parts, rows, measure, *jax.device_get(compiled(parts.state, rows)))


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]).astype(np.float64)


def test_all_numbers_are_float32_scalars(diagnosed):
    dense = {f"gradient_norm/Dense_{number}" for number in range(2)}
    both = {"loss", "gradient_norm", "update_norm"} | dense
    names = {
        "generator": {"saturation", "gradient_cosine"} | both,
        "discriminator": {f"accuracy_{name}" for name in ("train", "held_out", "generated")} | both,
    }
    assert diagnosed.found.keys() == {f"{one}/{name}" for one in PLAYERS for name in names[one]}
    for value in diagnosed.found.values():
        assert (value.shape, value.dtype) == ((), np.float32)
        assert np.isfinite(value)


@pytest.mark.parametrize("player", PLAYERS)
def test_the_layers_squared_norms_add_up(diagnosed, player):
    found = diagnosed.found
    prefix = f"{player}/gradient_norm/"
    squares = [value**2 for name, value in found.items() if name.startswith(prefix)]
    assert len(squares) == 2
    np.testing.assert_allclose(sum(squares), found[f"{player}/gradient_norm"] ** 2, rtol=1e-5)


def test_norms_losses_and_the_cosine_are_those_of_two_states(diagnosed):
    parts, after, found = diagnosed.parts, diagnosed.after, diagnosed.found
    batch = parts.updates.batch(
        parts.examples, np.arange(8)
    )  # of the 12 reals as many as the game takes
    gradient_of = {name: jax.jit(getattr(parts.updates, f"{name}_gradient")) for name in PLAYERS}
    gradients = {}
    for player in PLAYERS:
        gradients[player] = gradient_of[player](parts.state, batch)
        way = flat(getattr(after, player).params) - flat(getattr(parts.state, player).params)
        expected = {
            "loss": gradients[player].measurements["loss"],
            "gradient_norm": np.linalg.norm(flat(gradients[player].params)),
            "gradient_norm/Dense_1": np.linalg.norm(flat(gradients[player].params["Dense_1"])),
            "update_norm": np.linalg.norm(way),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(found[f"{player}/{name}"], value, rtol=1e-4)
    one = flat(gradients["generator"].params)
    other = flat(gradient_of["generator"](after, batch).params)
    expected = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert abs(expected) < 0.99
    np.testing.assert_allclose(found["generator/gradient_cosine"], expected, atol=1e-4)


def test_trials_side_by_side_are_measured_as_alone_and_a_diverged_one_harms_no_other(diagnosed):
    state = diagnosed.parts.state
    lost = jax.tree.map(lambda leaf: leaf * np.nan, state.generator.params)
    lost = state.replace(generator=state.generator.replace(params=lost))
    trials = jax.tree.map(lambda *leaves: jnp.stack(leaves), state, diagnosed.after, lost)
    together = jax.jit(jax.vmap(diagnosed.measure, in_axes=(0, None)))
    _, found = together(trials, diagnosed.rows)
    for name, value in diagnosed.found.items():
        np.testing.assert_allclose(found[name][0], value, rtol=1e-4, atol=1e-5)
    for name in ("loss", "gradient_norm", "gradient_cosine", "saturation"):
        assert np.isnan(found[f"generator/{name}"][2])


def test_devices_measure_what_one_measures(start, diagnosed):
    """Of a loss that takes the means of the global batch; the axis is one of `vmap` here."""
    parts = start(OVERRIDES, devices=2)
    (phase,) = parts.phases
    share = parts.devices.share(parts.config.train.batch_size)
    updates = parts.updates.over(parts.devices.axis_name, share)
    measure = partial(measured, updates, phase, parts.examples, parts.state)
    first, rest, held_out = np.split(np.arange(24), [8, 12])
    shares = [parts.devices.split(rows) for rows in (first, rest, held_out, diagnosed.rows.round)]
    rows = Rows(shares[3], np.concatenate(shares[:2], axis=1), shares[2])
    _, found = jax.jit(jax.vmap(measure, axis_name=parts.devices.axis_name))(rows)
    for name, value in diagnosed.found.items():
        np.testing.assert_allclose(found[name], [value] * 2, rtol=1e-3, atol=1e-4, err_msg=name)


# In a run


def test_a_run_reports_them_and_trains_the_same(tiny, tmp_path):
    overrides = {
        "eval.protocol": "mixture_2500",
        "eval.every": 2,
        "log.every": 1,
        "train.steps": 2,
        "model.generator.norm": "none",
        "model.discriminator.norm": "none",
    }
    runs = [
        train.Run(tiny(overrides | {"eval.diagnostics": asked}), tmp_path / str(asked))
        for asked in (False, True)
    ]
    for run in runs:
        run.train()
    plain, rich = (read_rows(run.workdir.metrics) for run in runs)
    assert rich[0] == plain[0]
    more = {"generator/saturation", "generator/gradient_norm/Dense_0", "generator/update_norm"}
    assert rich[1].keys() - plain[1].keys() > more
    at_the_state = {f"{player}/{name}" for player in PLAYERS for name in ("loss", "gradient_norm")}
    for name in plain[1].keys() - at_the_state:
        assert rich[1][name] == plain[1][name]
    trained = [restore(run.workdir.path) for run in runs]
    jax.tree.map(np.testing.assert_array_equal, *(one.state for one in trained))
    # What was saved is all that it takes to measure it again.
    again, _ = runs[1].evaluator(trained[1].state, trained[1].generator)
    assert again.items() <= rich[1].items()


def test_they_may_be_asked_for_when_a_run_goes_on(tiny, tmp_path):
    dataset = data.load(tiny().data)
    for asked in (False, True, False):
        Workdir(tmp_path).open(describe(tiny({"eval.diagnostics": asked}), dataset))

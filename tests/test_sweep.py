"""Trials side by side: each is what it is alone, and nothing is lost or played twice."""

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import ring
from gan_jax import build, data
from gan_jax.hyperparameters import numbers, structure
from gan_jax.parallel import one_device
from gan_jax.rounds import make_rounds
from gan_jax.sweep.together import Together

ROUNDS = 6


def small(**overrides) -> ConfigDict:
    config = ring.get_config()
    for player in ("generator", "discriminator"):
        config.model[player].width = 8
        config.optim[player].decay = "constant"
    config.model.latent = 3
    config.train.batch_size = 12
    config.train.steps = ROUNDS
    config.eval.every = 3
    config.update_from_flattened_dict(overrides)
    return config


@pytest.fixture(scope="module")
def points():
    return data.load(ring.get_config().data)


def both(name: str) -> list[str]:
    return [f"optim.{player}.{name}" for player in ("generator", "discriminator")]


# What the trials have in common, and the two values of each number that differs.
ALIKE = {
    "adam": (
        {"penalty.name": "gradient"},
        {
            "seed": (0, 2**32 - 1),
            "schedule.discriminator": (1, 3),
            "schedule.generator": (2, 1),
            **dict.fromkeys(both("learning_rate"), (1e-3, 3e-3)),
            **dict.fromkeys(both("b1"), (0.5, 0.9)),
            **dict.fromkeys(both("b2"), (0.9, 0.99)),
            **dict.fromkeys(both("clip"), (0.1, 0.3)),
            **dict.fromkeys(both("clip_weights"), (0.5, 0.3)),
            "penalty.weight": (1.0, 10.0),
            "smoothing": (0.1, 0.2),
            "noise.deviation": (0.1, 0.3),
            "ema.half_life": (24, 48),
        },
    ),
    "a ratio where the generator takes reals": (
        {"loss": "relativistic_pairing"},
        {"schedule.discriminator": (1, 3), "schedule.generator": (2, 1)},
    ),
    "momentum, codes and classes": (
        {
            **dict.fromkeys(both("name"), "momentum"),
            "model.codes.categories": 3,
            "model.classes": 8,
            "model.conditioning": "auxiliary",
        },
        {
            **dict.fromkeys(both("momentum"), (0.5, 0.9)),
            "model.codes.weight": (0.5, 2.0),
            "model.auxiliary_weight": (0.5, 2.0),
        },
    ),
    "lookahead": (
        {"schedule.scheme": "lookahead", "schedule.lookahead_rounds": 2},
        {"schedule.lookahead_share": (0.2, 0.7)},
    ),
    "consensus": ({"schedule.scheme": "consensus"}, {"schedule.consensus_weight": (1.0, 5.0)}),
    "symplectic": ({"schedule.scheme": "symplectic"}, {"schedule.symplectic_weight": (0.1, 1.0)}),
}


def alone(config, points):
    """The state after the config's rounds, played as `gan_jax.main` plays them."""
    devices, batches = one_device(), build.batches(config, len(points.train))
    players = build.players(config, points.shape, batches.per_epoch)
    phases = build.phases(config, players, batches.per_epoch, devices)
    state = build.state(config, players, points.shape)
    play = make_rounds(phases, devices, batches, build.training(config.model, points))
    for step in range(config.train.steps):
        state, _ = play(state, step)
    return jax.device_get(state)


def furthest(one, other) -> float:
    """The largest difference between the parameters of two states' players."""
    pairs = [(one.generator, other.generator), (one.discriminator, other.discriminator)]
    gaps = [jax.tree.map(lambda a, b: np.abs(a - b).max(), a.params, b.params) for a, b in pairs]
    return max(jax.tree.leaves(gaps))


@pytest.mark.parametrize("case", ALIKE)
def test_a_trial_is_what_it_is_alone(case, points):
    shared, numbers_of = ALIKE[case]
    configs = [
        small(**shared, **{name: values[trial] for name, values in numbers_of.items()})
        for trial in range(2)
    ]
    assert structure(configs[0]) == structure(configs[1])
    side = Together(configs, points)
    trials, plays, finals = side.start(), 0, {}
    while plays < side.plays:
        trials, plays = side.play(trials, plays)
        host = side.to_host(trials)
        for trial in side.due(plays):
            finals[trial] = jax.tree.map(lambda leaf, trial=trial: leaf[trial], host.state)
    expected = [alone(config, points) for config in configs]
    for trial in range(2):
        assert finals[trial].step == expected[trial].step == ROUNDS
        leaves = jax.tree.leaves(finals[trial]), jax.tree.leaves(expected[trial])
        for one, other in zip(*leaves, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    rounding = max(map(furthest, finals.values(), [expected[trial] for trial in finals]))
    assert furthest(*expected) > 10 * rounding


def test_each_number_is_tried():
    """But for the probability of augmentation, which points have none of."""
    tried = set().union(*(numbers_of for _, numbers_of in ALIKE.values()))
    on = small(**{name: values[0] for name, values in ALIKE["adam"][1].items()})
    assert numbers(on).keys() - tried == {"augment.probability"}

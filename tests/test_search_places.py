"""Places whose trials change: each trial is what it is alone, whatever was there before it."""

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import ring_plain
from gan_jax import data
from gan_jax.config.setup import build
from gan_jax.core.devices import one_device
from gan_jax.run.rounds import make_rounds
from gan_jax.search.places import reassign
from gan_jax.sweep.vmapped import VmappedTrials

RATE = "optim.generator.learning_rate"
ROUNDS, EVERY = 4, 2


def small(**overrides) -> ConfigDict:
    config = ring_plain.get_config()
    for player in ("generator", "discriminator"):
        config.model[player].depth, config.model[player].width = 1, 4
        config.optim[player].decay = "constant"
    config.model.latent, config.train.batch_size = 2, 8
    config.train.steps, config.eval.every = ROUNDS, EVERY
    config.update_from_flattened_dict(overrides)
    return config


@pytest.fixture(scope="module")
def points():
    return data.load(ring_plain.get_config().data)


def alone(config, points, rounds, state=None):
    """The state of a config's run after some rounds more."""
    devices, setup = one_device(), build(config, points)
    run_rounds = make_rounds(setup.phases(devices), devices, setup.batches, setup.training(points))
    state = setup.first_state() if state is None else devices.replicate(state)
    for step in range(int(state.step), int(state.step) + rounds):
        state, _ = run_rounds(state, step)
    return jax.device_get(state)


def of(place, side, trials):
    return jax.tree.map(lambda leaf: leaf[place], side.to_host(trials).state)


def assert_same(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def trained(side, trials, steps):
    """The trials at the next evaluation of any."""
    while True:
        trials, steps = side.step(trials, steps)
        if side.due(steps):
            return trials, steps


def test_new_and_copied_trials_are_what_they_are_alone(points):
    first, second, third = small(seed=0), small(seed=1, **{RATE: 1e-2}), small(seed=2)
    new, changed = small(seed=7, **{RATE: 3e-3}), small(seed=2, **{RATE: 5e-3})
    side = before = VmappedTrials([first, second, third], points)
    trials, steps = trained(side, side.start(), np.zeros(3, int))
    copied = of(0, side, trials)
    configs = [first, new, changed]
    side, trials = reassign(side, trials, configs, [0, None, 0])
    steps[1] = 0
    trials, steps = trained(side, trials, steps)
    assert steps.tolist() == [ROUNDS, EVERY, ROUNDS]
    assert [(place, row["step"]) for place, row in side.evaluate(trials, steps)] == [
        (0, ROUNDS),
        (1, EVERY),
        (2, ROUNDS),
    ]
    unchanged, _ = trained(before, *trained(before, before.start(), 0))
    assert_same(of(0, side, trials), of(0, before, unchanged))
    assert_same(of(1, side, trials), alone(new, points, EVERY))
    # Its own seed draws what comes next.
    own = copied.replace(key=of(2, side, trials).key)
    assert_same(of(2, side, trials), alone(changed, points, EVERY, own))


def test_a_place_takes_a_trial_of_another_ratio(points):
    first, new = small(seed=0), small(seed=3, **{"schedule.discriminator": 2})
    side = VmappedTrials([first, first], points, later=[new])
    trials, steps = trained(side, side.start(), np.zeros(2, int))
    side, trials = reassign(side, trials, [first, new], [0, None])
    steps[1] = 0
    ends = {}
    while len(ends) < 2:
        trials, steps = trained(side, trials, steps)
        for place, row in side.evaluate(trials, steps):
            if row["step"] == ROUNDS:
                ends[place] = of(place, side, trials)
    assert_same(ends[1], alone(new, points, ROUNDS))

"""Trials side by side, and each alone, to their ends."""

from collections.abc import Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax.config.setup import build
from gan_jax.core.devices import one_device
from gan_jax.data import Dataset
from gan_jax.game.state import GANState
from gan_jax.run.rounds import make_rounds
from gan_jax.sweep.vmapped import VmappedTrials


def alone(config: ConfigDict, dataset: Dataset) -> GANState:
    """The state after the config's rounds, run as `gan_jax.main` does."""
    devices, setup = one_device(), build(config, dataset)
    phases, examples = setup.phases(devices), setup.training(dataset)
    state, run_rounds = setup.first_state(), make_rounds(phases, devices, setup.batches, examples)
    for step in range(config.train.steps):
        state, _ = run_rounds(state, step)
    return jax.device_get(state)


def side_by_side(side: VmappedTrials) -> dict[int, GANState]:
    """The state of each trial at its own end."""
    trials, steps, finals = side.start(), 0, {}
    while steps < side.steps:
        trials, steps = side.step(trials, steps)
        host = side.to_host(trials)
        for trial in side.due(steps):
            finals[trial] = jax.tree.map(lambda leaf, trial=trial: leaf[trial], host.state)
    return finals


def furthest(one: GANState, other: GANState) -> float:
    """The largest difference between the parameters of two states' players."""
    pairs = [(one.generator, other.generator), (one.discriminator, other.discriminator)]
    gaps = [jax.tree.map(lambda a, b: np.abs(a - b).max(), a.params, b.params) for a, b in pairs]
    return max(jax.tree.leaves(gaps))


def assert_each_is_alone(
    configs: Sequence[ConfigDict], dataset: Dataset, finals: dict[int, GANState]
) -> None:
    """Trials ended as they do alone, to rounding, and no two of them alike."""
    rounding = 0
    for trial, config in enumerate(configs):
        expected = alone(config, dataset)
        assert expected.step == finals[trial].step == config.train.steps
        leaves = jax.tree.leaves(finals[trial]), jax.tree.leaves(expected)
        for one, other in zip(*leaves, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
        rounding = max(rounding, furthest(finals[trial], expected))
    for trial in range(1, len(configs)):
        assert furthest(finals[trial - 1], finals[trial]) > 10 * rounding

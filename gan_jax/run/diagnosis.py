"""The diagnostics of a single run, whose rounds are programs of their own."""

from collections.abc import Callable

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax.config import build
from gan_jax.config.build import Players
from gan_jax.core.devices import one_device
from gan_jax.data import Dataset
from gan_jax.data.batches import Batches, take
from gan_jax.diagnostics import diagnose
from gan_jax.game.state import GANState
from gan_jax.run import rounds

JUDGED = 500  # training examples that the discriminator judges, at least; as many held-out ones


def make_diagnosis(
    config: ConfigDict, players: Players, dataset: Dataset
) -> Callable[[GANState], dict[str, float]]:
    """A function of a run's state to its diagnostics, always of the same examples.

    They are the first batches of the run. The round that is looked ahead is the one that the run
    would play next, with its batches and its noise. Nothing is compiled before the first call.

    Args:
        config: The run's config.
        players: Its networks and optimizers.
        dataset: Its data.
    """
    device = one_device()
    batches = build.batches(config, len(dataset.train))
    updates = build.updates(config, players, device)
    phases = build.phases(config, players, batches.per_epoch, device)
    examples, others = build.training(config.model, dataset), build.held_out(config.model, dataset)
    run_rounds = rounds.make_rounds(phases, device, batches, examples)
    reals = take(examples, diagnosed_rows(batches))
    held_out = take(others, held_out_rows(batches, len(others.x), updates.game.preprocessing.pack))

    @jax.jit
    def measured(state, after, reals, held_out):
        return diagnose(updates, state, reals, held_out, lambda _: after)

    def diagnosis(state: GANState) -> dict[str, float]:
        after, _ = run_rounds(device.replicate(state), int(state.step))
        found = jax.device_get(measured(state, after, reals, held_out))
        return {name: float(value) for name, value in found.items()}

    return diagnosis


def diagnosed_rows(batches: Batches) -> np.ndarray:
    """Indices int32 [N] of the training examples that are looked at: those of the first batches."""
    count = min(-(-JUDGED // batches.batch_size), batches.per_epoch)
    return batches.indices(0, count).ravel()


def held_out_rows(batches: Batches, num: int, pack: int) -> np.ndarray:
    """Indices [M] of the held-out examples, of `num`: as many, in whole packs."""
    num = min(len(diagnosed_rows(batches)), num)
    return np.arange(num - num % pack)

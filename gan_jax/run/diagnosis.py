"""The diagnostics of a single run, whose rounds are programs of their own."""

from collections.abc import Callable

import jax
import numpy as np

from gan_jax.config.setup import Setup
from gan_jax.core.devices import one_device
from gan_jax.data import Dataset
from gan_jax.data.batches import Batches, take
from gan_jax.diagnostics import diagnose
from gan_jax.game.state import GANState
from gan_jax.run import rounds

NUM_DIAGNOSED = 500  # training examples at least; as many held-out ones


def make_diagnosis(setup: Setup, dataset: Dataset) -> Callable[[GANState], dict[str, float]]:
    """A function of a run's state to its diagnostics, always of the same examples.

    They are the first batches of the run. The next round is the one that the run
    would make next, with its batches and its noise. Nothing is compiled before the first call.

    Args:
        setup: What the run is made of.
        dataset: Its data.
    """
    device, batches, kind = one_device(), setup.batches, dataset.kind
    examples, others = setup.training(dataset), setup.held_out(dataset)
    run_rounds = rounds.make_rounds(setup.phases(device), device, batches, examples)
    rows = held_out_rows(batches, len(others.x), setup.game.preprocessing.pack)
    reals, held_out = take(examples, diagnosed_rows(batches), kind), take(others, rows, kind)

    @jax.jit
    def measured(state, after, reals, held_out):
        return diagnose(setup.updates, state, reals, held_out, lambda _: after)

    def diagnosis(state: GANState) -> dict[str, float]:
        after, _ = run_rounds(device.replicate(state), int(state.step))
        found = jax.device_get(measured(state, after, reals, held_out))
        return {name: float(value) for name, value in found.items()}

    return diagnosis


def diagnosed_rows(batches: Batches) -> np.ndarray:
    """Indices int32 [N] of the training examples that are used: those of the first batches."""
    count = min(-(-NUM_DIAGNOSED // batches.batch_size), batches.per_epoch)
    return batches.indices(0, count).ravel()


def held_out_rows(batches: Batches, num: int, pack: int) -> np.ndarray:
    """Indices [M] of the held-out examples, of `num`: as many, in whole packs."""
    num = min(len(diagnosed_rows(batches)), num)
    return np.arange(num - num % pack)

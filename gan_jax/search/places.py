"""Places of a program whose trials change while it trains: new ones start, others are copied."""

from collections.abc import Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax.sweep.trial_program import TrialState
from gan_jax.sweep.vmapped import VmappedTrials


def reassign(
    side: VmappedTrials,
    trials: TrialState,
    configs: Sequence[ConfigDict],
    origins: Sequence[int | None],
) -> tuple[VmappedTrials, TrialState]:
    """Give places other trials or other hyperparameters; nothing is compiled.

    A place draws its batches and latents by its own seed from now on, also where it goes on from
    the state of another.

    Args:
        side: The trials' programs.
        trials: Where they stand, which is given away.
        configs: One a place, all of the structure that the places have.
        origins: Which place's state each place goes on with, its own or another's; None: it starts
            a trial anew.

    Returns:
        The programs and the states of the trials that are in the places now.
    """
    side = side.with_configs(configs)
    fresh, before = side.to_host(side.start()), side.to_host(trials)
    starts = np.array([origin is None for origin in origins])
    rows = np.array([place if one is None else one for place, one in enumerate(origins)])

    def chosen(new: np.ndarray, old: np.ndarray) -> np.ndarray:
        return np.where(starts.reshape(-1, *[1] * (new.ndim - 1)), new, old[rows])

    after = jax.tree.map(chosen, fresh, before)
    state = after.state.replace(key=fresh.state.key)
    return side, side.from_host(after.replace(numbers=fresh.numbers, state=state))

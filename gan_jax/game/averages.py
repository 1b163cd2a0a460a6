"""Averages of the generator along its path, to sample with."""

from collections.abc import Callable

import jax.numpy as jnp
import optax

from gan_jax.game.optimizers import evaluation_params
from gan_jax.game.state import Player, Variables

Average = Callable[[Variables, Player], Variables]
"""(the average so far, the player after its newest update) to the average one update on."""


def exponential(decay: float) -> Average:
    """The average of which a share `decay`, in [0, 1), outlives an update.

    Source: Yazici et al., 2019, arXiv:1806.04498, equation 5.
    """
    return lambda average, player: optax.incremental_update(player.variables, average, 1 - decay)


def uniform(decay: float) -> Average:
    """The mean of all iterates from the first update on; `decay` is of no matter.

    Source: Yazici et al., 2019, arXiv:1806.04498, equation 4.
    """
    del decay

    def average(average: Variables, player: Player) -> Variables:
        share = 1 / player.updates.astype(jnp.float32)
        return optax.incremental_update(player.variables, average, share)

    return average


AVERAGES = {"exponential": exponential, "uniform": uniform}


def update_average(average: Average, player: Player, so_far: Variables | None) -> Variables | None:
    """What to sample with after the generator's update, or None where that is itself.

    An optimizer that keeps an average of its own, as schedule-free does, has the say.
    """
    own = evaluation_params(player.opt_state, player.params)
    if own is not None:
        return {"params": own, **player.model_state}
    return None if so_far is None else average(so_far, player)

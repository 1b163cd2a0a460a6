"""Extragradient at the cost of one gradient a round."""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.game.schemes.extragradient import extrapolated
from gan_jax.game.schemes.phase import Phase, refuse_counts
from gan_jax.game.schemes.simultaneous import both_gradients, update_both
from gan_jax.game.schemes.updates import Updates, round_key
from gan_jax.game.state import GANState


def zero_gradients(state: GANState) -> dict[str, Any]:
    """Both players' gradients at the last extrapolated point: zeros before the first round."""
    return {
        name: jax.tree.map(jnp.zeros_like, getattr(state, name).params)
        for name in ("discriminator", "generator")
    }


def extrapolation_from_past(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """Extragradient that extrapolates by the last round's gradient in place of a new one.

    w~_t = w_t - h F(w~_{t-1}),  w_{t+1} = w_t - h F(w~_t),  F(w~_{-1}) = 0

    With gradient descent, w~ goes the path of optimistic gradient descent.

    Source: Popov, 1980; Gidel et al., 2019, arXiv:1802.10551, equations 14 and 15.

    Raises:
        InputError: If a player would be updated more than once a round.
    """
    del per_epoch
    refuse_counts(config)

    def phase(state, examples, indices):
        ahead = extrapolated(updates, state, **state.memory)
        reals = updates.batch(examples, indices[0])
        of_discriminator, of_generator = both_gradients(updates, ahead, reals, round_key(state))
        state, measured = update_both(updates, state, of_discriminator, of_generator)
        memory = {"discriminator": of_discriminator.params, "generator": of_generator.params}
        return state.replace(memory=memory), measured

    return (Phase(phase, repeats=1, batches=1),)

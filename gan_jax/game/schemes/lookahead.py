"""Some rounds ahead, then part of the way back."""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.core.errors import InputError
from gan_jax.game.optimizers import evaluation_params
from gan_jax.game.schemes.alternating import alternating
from gan_jax.game.schemes.phase import Phase, Step
from gan_jax.game.schemes.updates import Updates
from gan_jax.game.state import GANState


def slow_weights(state: GANState) -> dict[str, Any]:
    """Both players' slow weights, before the first round a copy of their parameters.

    Raises:
        InputError: If an optimizer holds iterates of its own that a pull would leave behind.
    """
    for player in (state.generator, state.discriminator):
        if evaluation_params(player.opt_state, player.params) is not None:
            why = "schedule-free optimizers average by themselves"
            raise InputError("config.schedule.scheme", "lookahead", why)
    return jax.tree.map(jnp.copy, _weights(state))


def lookahead(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """Alternating updates that end every n rounds by pulling both players back at once.

    slow' = slow + a (fast - slow),  fast' = slow',  with n = `config.lookahead_rounds` and
    a = `config.lookahead_share`

    The generator's average follows the fast weights.

    Source: Chavdarova et al., 2021, arXiv:2006.14567, algorithm 1.
    """
    every, share = config.lookahead_rounds, config.lookahead_share

    def pulled(step: Step) -> Step:
        def phase(state, examples, indices):
            before = state.step
            state, measured = step(state, examples, indices)
            due = (state.step > before) & (state.step % every == 0)
            return _pull(state, due, share), measured

        return phase

    phases = alternating(updates, config, per_epoch)
    return tuple(phase._replace(step=pulled(phase.step)) for phase in phases)


def _pull(state: GANState, due: jax.Array, share: float) -> GANState:
    fast = _weights(state)
    between = jax.tree.map(lambda slow, fast: slow + share * (fast - slow), state.memory, fast)

    def if_due(one, other):
        return jax.tree.map(lambda one, other: jnp.where(due, one, other), one, other)

    fast, slow = if_due(between, fast), if_due(between, state.memory)
    return state.replace(
        generator=state.generator.replace(params=fast["generator"]),
        discriminator=state.discriminator.replace(params=fast["discriminator"]),
        memory=slow,
    )


def _weights(state: GANState) -> dict[str, Any]:
    return {"generator": state.generator.params, "discriminator": state.discriminator.params}

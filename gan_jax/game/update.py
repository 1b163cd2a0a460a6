"""One player's update while the other is frozen: written once, used for both."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gan_jax.game.state import Player, Variables

Measurements = dict[str, jax.Array]
Objective = Callable[..., tuple[jax.Array, tuple[dict[str, Any], Measurements]]]


class Gradient(NamedTuple):
    """A player's gradient, and what comes with it.

    Attributes:
        params: Gradient of its loss, a tree like its parameters.
        model_state: Its new mutable collections.
        measurements: Scalars to log.
    """

    params: Any
    model_state: dict[str, Any]
    measurements: Measurements


def freeze(variables: Variables) -> Variables:
    """The same variables, parameters and mutable collections alike, held constant.

    The frozen player takes part in the other's loss without receiving any gradient. Its mutable
    collections stay put because an objective returns only those of the player that is updated.
    """
    return jax.tree.map(lax.stop_gradient, variables)


def make_gradient(
    objective: Objective, axis_name: str | None, *, frozen: bool = True
) -> Callable[..., Gradient]:
    """A player's gradient as a function of (player, opponent's variables, *inputs).

    Args:
        objective: (params, model_state, opponent's variables, *inputs) to
            (loss [], (new model_state, measurements)).
        axis_name: Mapped axis over which the batch is laid out, or None. All that comes out is the
            mean over it.
        frozen: Whether the opponent is held constant. Only schemes that differentiate a gradient
            by the opponent say no.
    """
    value_and_gradient = jax.value_and_grad(objective, has_aux=True)

    def gradient(player: Player, opponent: Variables, *inputs) -> Gradient:
        (loss, (model_state, measurements)), params = value_and_gradient(
            player.params, player.model_state, freeze(opponent) if frozen else opponent, *inputs
        )
        result = Gradient(params, model_state, {"loss": loss, **measurements})
        return result if axis_name is None else lax.pmean(result, axis_name)

    return gradient


def optimizer_step(
    player: Player, gradient: Any, optimizer: optax.GradientTransformation
) -> tuple[Any, Any]:
    """The player's parameters and its optimizer's state after a step by a gradient of its loss."""
    updates, opt_state = optimizer.update(gradient, player.opt_state, player.params)
    return optax.apply_updates(player.params, updates), opt_state


def update_player(
    player: Player, gradient: Gradient, optimizer: optax.GradientTransformation
) -> tuple[Player, Measurements]:
    """The player one update on, and what was measured on the way."""
    params, opt_state = optimizer_step(player, gradient.params, optimizer)
    updated = Player(params, gradient.model_state, opt_state, player.updates + jnp.int32(1))
    norms = {
        "gradient_norm": optax.tree.norm(gradient.params),
        "parameter_norm": optax.tree.norm(params),
    }
    return updated, gradient.measurements | norms

"""How strongly a player is pulled, where in its network, and whether the pull stays the same."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from gan_jax.game.state import Player
from gan_jax.game.update import Gradient, Measurements


def update_statistics(gradient: Gradient, before: Player, after: Player) -> Measurements:
    """A player's loss, the norms of its gradient in all and by module, and that of its way.

    Args:
        gradient: At the player before.
        before: The player.
        after: The player some updates later.
    """
    modules = {
        f"gradient_norm/{name}": optax.tree.norm(module) for name, module in gradient.params.items()
    }
    return {
        "loss": gradient.measurements["loss"],
        "gradient_norm": optax.tree.norm(gradient.params),
        **modules,
        "update_norm": optax.tree.norm(optax.tree.sub(after.params, before.params)),
    }


def cosine(one: Any, other: Any) -> jax.Array:
    """The cosine [] of the angle between two gradients, trees alike; 0 where one of them is 0."""
    return optax.tree.vdot(_unit(one), _unit(other))


def _unit(gradient: Any) -> Any:
    norm = optax.tree.norm(gradient)
    return optax.tree.scale(1 / jnp.where(norm == 0, 1, norm), gradient)

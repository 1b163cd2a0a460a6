"""Both players at once, and neither held constant."""

import jax
from jax import lax

from gan_jax.data.batches import Examples
from gan_jax.game.schemes.phase import Phase, refuse_counts
from gan_jax.game.schemes.simultaneous import update_both
from gan_jax.game.schemes.updates import Updates, round_key
from gan_jax.game.state import GANState
from gan_jax.game.update import Gradient


def joint(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """Both players descend the gradient of the sum of both losses: what freezing prevents.

    theta' = theta - h grad_theta (L_G + L_D),  phi' = phi - h grad_phi (L_G + L_D)

    A mistake to study, not a way to train. Each player also learns to lower the other's loss; in a
    zero-sum game the fakes' terms cancel, and nothing of the game is left.

    Source: none; in Goodfellow et al., 2014, arXiv:1406.2661, algorithm 1, each player descends its
    own loss only.

    Raises:
        InputError: If a player would be updated more than once a round.
    """
    del per_epoch
    refuse_counts(config)

    def phase(state, examples, indices):
        gradients = _gradients(
            updates, state, updates.batch(examples, indices[0]), round_key(state)
        )
        return update_both(updates, state, gradients["discriminator"], gradients["generator"])

    return (Phase(phase, repeats=1, batches=1),)


def _gradients(
    updates: Updates, state: GANState, reals: Examples, key: jax.Array
) -> dict[str, Gradient]:
    """Each player's gradient of the sum, and what it saw of its own loss."""
    game = updates.game
    objectives = {
        "generator": (game.generator_objective, "discriminator"),
        "discriminator": (game.discriminator_objective, "generator"),
    }

    def total(params):
        seen, losses = {}, 0.0
        for name, (objective, other) in objectives.items():
            opponent = getattr(state, other).replace(params=params[other]).variables
            own = getattr(state, name).model_state
            shown = reals if name == "discriminator" or game.generator_takes_reals else None
            loss, (own, measured) = objective(params[name], own, opponent, shown, key)
            seen[name] = own, {"loss": loss, **measured}
            losses += loss
        return losses, seen

    params = {name: getattr(state, name).params for name in objectives}
    gradients, seen = jax.grad(total, has_aux=True)(params)
    found = {name: Gradient(gradients[name], *seen[name]) for name in objectives}
    return found if game.axis_name is None else lax.pmean(found, game.axis_name)

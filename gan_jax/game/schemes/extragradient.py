"""Both players' gradients at an extrapolated point, applied where they were."""

from typing import Any

from gan_jax.game.schemes.phase import Phase, refuse_counts
from gan_jax.game.schemes.simultaneous import both_gradients, update_both
from gan_jax.game.schemes.updates import Updates, round_key
from gan_jax.game.state import GANState
from gan_jax.game.update import optimizer_step


def extragradient(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """Update each player by its gradient at the point to which both gradients lead.

    w~ = w - h F(w),  w' = w - h F(w~),  where F is both players' gradients

    The two gradients take a batch each. Both steps are the optimizers' own; the one to w~ leaves no
    trace in moments, counts or statistics (in algorithm 4 of Gidel et al. Adam's moments see it).

    Source: Korpelevich, 1976; Gidel et al., 2019, arXiv:1802.10551, equations 9 and 10.

    Raises:
        InputError: If a player would be updated more than once a round.
    """
    del per_epoch
    refuse_counts(config)

    def phase(state, examples, indices):
        of_discriminator, of_generator = both_gradients(
            updates, state, updates.batch(examples, indices[0]), round_key(state, "extrapolation")
        )
        ahead = extrapolated(updates, state, of_discriminator.params, of_generator.params)
        gradients = both_gradients(
            updates, ahead, updates.batch(examples, indices[1]), round_key(state)
        )
        return update_both(updates, state, *gradients)

    return (Phase(phase, repeats=1, batches=2),)


def extrapolated(updates: Updates, state: GANState, discriminator: Any, generator: Any) -> GANState:
    """The state with both players' parameters where gradients would take them.

    Args:
        updates: Both players' gradients and updates.
        state: Where they are.
        discriminator: A gradient, a tree like the discriminator's parameters.
        generator: Likewise.
    """
    first, _ = optimizer_step(state.discriminator, discriminator, updates.discriminator)
    second, _ = optimizer_step(state.generator, generator, updates.generator)
    return state.replace(
        discriminator=state.discriminator.replace(params=first),
        generator=state.generator.replace(params=second),
    )

"""Both players at once."""

import jax

from gan_jax.data.batches import Examples
from gan_jax.game.schemes.phase import Phase, refuse_counts
from gan_jax.game.schemes.updates import Updates, round_key
from gan_jax.game.state import GANState
from gan_jax.game.update import Gradient, Measurements


def simultaneous(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """Both gradients at one point and of one batch, then both updates.

    theta' = theta - h grad_theta L_G(theta, phi),  phi' = phi - h grad_phi L_D(theta, phi)

    Both use the same fakes, which the compiler therefore makes once.

    Source: Mescheder et al., 2017, arXiv:1705.10461, algorithm 1.

    Raises:
        InputError: If a player would be updated more than once a round.
    """
    del per_epoch
    refuse_counts(config)

    def phase(state, examples, indices):
        gradients = both_gradients(
            updates, state, updates.batch(examples, indices[0]), round_key(state)
        )
        return update_both(updates, state, *gradients)

    return (Phase(phase, repeats=1, batches=1),)


def both_gradients(
    updates: Updates, state: GANState, reals: Examples, key: jax.Array
) -> tuple[Gradient, Gradient]:
    """The discriminator's and the generator's gradient at one point, with the same noise."""
    of_discriminator = updates.discriminator_gradient(state, reals, key)
    seen = reals if updates.game.generator_takes_reals else None
    return of_discriminator, updates.generator_gradient(state, seen, key)


def update_both(
    updates: Updates, state: GANState, of_discriminator: Gradient, of_generator: Gradient
) -> tuple[GANState, Measurements]:
    """The state after both updates, which end the round."""
    state, first = updates.update_discriminator(state, of_discriminator)
    state, second = updates.update_generator(state, of_generator)
    return state.replace(step=state.generator.updates), first | second

"""A generator that foresees how the discriminator will answer."""

from gan_jax.game.schemes.phase import Phase, refuse_counts
from gan_jax.game.schemes.simultaneous import update_both
from gan_jax.game.schemes.updates import Updates, round_key
from gan_jax.game.update import Objective, make_gradient, update_player


def unrolled(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """The generator's gradient through `config.unroll` updates of the discriminator.

    phi_0 = phi,  phi_{i+1} = phi_i - h grad_phi L_D(theta, phi_i)
    theta' = theta - h d/dtheta f(theta, phi_U(theta, phi)),  phi' = phi_1

    f is the whole value where both losses are of one (`Loss.zero_sum`): minus the discriminator's
    loss without its penalty. The generator then also feels, through the foreseen discriminator,
    what becomes of the reals. Of other losses f is the generator's own.

    The derivative goes through the discriminator's optimizer. All its foreseen updates use the
    round's one batch and noise, as in the published code; only the first of them is made.

    Source: Metz et al., 2017, arXiv:1611.02163, equations 7 to 9; their notebook
        github.com/poolio/unrolled_gan, where the generator minimizes minus the unrolled `loss`.

    Raises:
        InputError: If a player would be updated more than once a round.
    """
    del per_epoch
    refuse_counts(config)

    def phase(state, examples, indices):
        reals, key = updates.batch(examples, indices[0]), round_key(state)
        of_discriminator = updates.discriminator_gradient(state, reals, key)
        generator_gradient = make_gradient(
            unrolled_objective(updates, config.unroll), updates.game.axis_name
        )
        of_generator = generator_gradient(state.generator, state.discriminator, reals, key)
        return update_both(updates, state, of_discriminator, of_generator)

    return (Phase(phase, repeats=1, batches=1),)


def unrolled_objective(updates: Updates, steps: int) -> Objective:
    """The surrogate f_K: the generator's objective of a discriminator `steps` = K updates on.

    It takes the discriminator as a `Player`. What that is at the start may be frozen; the updates
    are functions of the generator all the same.
    """
    game = updates.game
    discriminator_gradient = make_gradient(
        game.discriminator_objective, game.axis_name, frozen=False
    )

    def objective(params, model_state, discriminator, reals, key):
        generator = {"params": params, **model_state}
        for _ in range(steps):
            gradient = discriminator_gradient(discriminator, generator, reals, key)
            discriminator, _ = update_player(discriminator, gradient, updates.discriminator)
        return game.value_objective(params, model_state, discriminator.variables, reals, key)

    return objective

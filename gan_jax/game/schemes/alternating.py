"""One player after the other."""

import jax
from jax import lax

from gan_jax.game.schemes.phase import Phase, Step, updates_per_round, warmup_updates
from gan_jax.game.schemes.updates import Updates
from gan_jax.game.update import Measurements

# A round of more updates than this is dispatched update by update: one program of them all would
# take long to compile, and a loop inside the program makes convolutions slow on a CPU.
MOST_UPDATES_IN_A_PROGRAM = 8


def alternating(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """k discriminator updates, then m generator updates: each at the point that the last one left.

    Every update that needs real examples takes a batch of its own. The first
    `config.warmup_rounds` rounds may have another k: Arjovsky et al. give the critic 100 updates
    in each of the first 25, so that it is near its optimum when the generator's updates begin.

    Source: Goodfellow et al., 2014, arXiv:1406.2661, algorithm 1; the warmup is in the code that
    Arjovsky et al., 2017, arXiv:1701.07875, published.
    """
    k, m = updates_per_round(config, per_epoch)
    usual = _round(updates, k, m)
    if not config.warmup_rounds:
        return usual
    first = _round(updates, warmup_updates(config, per_epoch), m)
    return (
        *(phase._replace(end=config.warmup_rounds) for phase in first),
        *(phase._replace(first=config.warmup_rounds) for phase in usual),
    )


def one_update(updates: Updates, k: jax.Array, m: jax.Array) -> Step:
    """The update that is due, of whichever player, where k and m may be numbers of the program.

    A round is k + m such steps. Each takes a batch, which the generator may leave alone, and
    measures the loss and the norms of the player that was updated.
    """

    def discriminate(state, reals):
        state, measured = updates.update_discriminator(
            state, updates.discriminator_gradient(state, reals)
        )
        return state, _own("discriminator", measured)

    def generate(state, reals):
        reals = reals if updates.game.generator_takes_reals else None
        state, measured = updates.update_generator(state, updates.generator_gradient(state, reals))
        return state, _own("generator", measured)

    def step(state, examples, indices):
        done = state.discriminator.updates + state.generator.updates
        reals = updates.batch(examples, indices[0])
        state, measured = lax.cond(done % (k + m) < k, discriminate, generate, state, reals)
        return state.replace(step=state.generator.updates // m), measured

    return step


def _own(player: str, measured: Measurements) -> Measurements:
    return {name: measured[f"{player}/{name}"] for name in ("loss", "gradient_norm")}


def _round(updates: Updates, k: int, m: int) -> tuple[Phase, ...]:
    takes_reals = updates.game.generator_takes_reals

    def step(discriminator_updates: int, generator_updates: int) -> Phase:
        def phase(state, examples, indices):
            measured = {}
            for update in range(discriminator_updates):
                gradient = updates.discriminator_gradient(
                    state, updates.batch(examples, indices[update])
                )
                state, of_discriminator = updates.update_discriminator(state, gradient)
                measured |= of_discriminator
            for update in range(discriminator_updates, discriminator_updates + generator_updates):
                reals = updates.batch(examples, indices[update]) if takes_reals else None
                gradient = updates.generator_gradient(state, reals)
                state, of_generator = updates.update_generator(state, gradient)
                measured |= of_generator
            return state.replace(step=state.generator.updates // m), measured

        return Phase(
            phase, repeats=1, batches=discriminator_updates + takes_reals * generator_updates
        )

    if k + m <= MOST_UPDATES_IN_A_PROGRAM:
        return (step(k, m),)
    return (step(1, 0)._replace(repeats=k), step(0, 1)._replace(repeats=m))

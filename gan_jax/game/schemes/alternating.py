"""One player after the other."""

from gan_jax.data.batches import take
from gan_jax.game.schemes.moves import Moves
from gan_jax.game.schemes.phase import Phase, updates_a_round, warmup_updates

# A round of more updates than this is dispatched update by update: one program of them all would
# take long to compile, and a loop inside the program makes convolutions slow on a CPU.
MOST_UPDATES_IN_A_PROGRAM = 8


def alternating(moves: Moves, config, per_epoch: int) -> tuple[Phase, ...]:
    """k discriminator updates, then m generator updates: each at the point that the last one left.

    Every update that looks at real examples takes a batch of its own. The first
    `config.warmup_rounds` rounds may have another k: Arjovsky et al. give the critic 100 updates
    in each of the first 25, so that it is near its optimum when the generator begins to move.

    Source: Goodfellow et al., 2014, arXiv:1406.2661, algorithm 1; the warmup is in the code that
    Arjovsky et al., 2017, arXiv:1701.07875, published.
    """
    k, m = updates_a_round(config, per_epoch)
    usual = _round(moves, k, m)
    if not config.warmup_rounds:
        return usual
    first = _round(moves, warmup_updates(config, per_epoch), m)
    return (
        *(phase._replace(end=config.warmup_rounds) for phase in first),
        *(phase._replace(first=config.warmup_rounds) for phase in usual),
    )


def _round(moves: Moves, k: int, m: int) -> tuple[Phase, ...]:
    takes_reals = moves.game.generator_takes_reals

    def play(discriminator_updates: int, generator_updates: int) -> Phase:
        def phase(state, examples, indices):
            measured = {}
            for update in range(discriminator_updates):
                gradient = moves.look_discriminator(state, take(examples, indices[update]))
                state, of_discriminator = moves.move_discriminator(state, gradient)
                measured |= of_discriminator
            for update in range(discriminator_updates, discriminator_updates + generator_updates):
                reals = take(examples, indices[update]) if takes_reals else None
                gradient = moves.look_generator(state, reals)
                state, of_generator = moves.move_generator(state, gradient)
                measured |= of_generator
            return state.replace(step=state.generator.updates // m), measured

        return Phase(
            phase, repeats=1, batches=discriminator_updates + takes_reals * generator_updates
        )

    if k + m <= MOST_UPDATES_IN_A_PROGRAM:
        return (play(k, m),)
    return (play(1, 0)._replace(repeats=k), play(0, 1)._replace(repeats=m))

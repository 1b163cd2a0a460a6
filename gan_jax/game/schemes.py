"""Who moves when: a scheme turns the two players' moves into a round."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import optax

from gan_jax.data.batches import Examples, take
from gan_jax.errors import InputError
from gan_jax.game.objectives import Game
from gan_jax.game.state import GANState
from gan_jax.game.turn import Gradient, Measurements, make_gradient, move
from gan_jax.streams import restored_root, stream

# A round of more updates than this is dispatched update by update: one program of them all would
# take long to compile, and a loop inside the program makes convolutions slow on a CPU.
MOST_UPDATES_IN_A_PROGRAM = 8

Play = Callable[[GANState, Examples, jax.Array], tuple[GANState, Measurements]]


class Phase(NamedTuple):
    """A part of a round: one program, dispatched `repeats` times.

    Attributes:
        play: (state, examples, indices [batches, B]) to (state, measurements): a pure function.
        repeats: How often a round dispatches it.
        batches: How many batches of real examples one dispatch takes.
    """

    play: Play
    repeats: int
    batches: int


class Moves(NamedTuple):
    """The two players, ready to look at the game and to move.

    Attributes:
        game: The rules.
        generator: The generator's optimizer.
        discriminator: The discriminator's optimizer.
        ema_decay: Share of the generator's average that outlives one of its updates, in [0, 1).
    """

    game: Game
    generator: optax.GradientTransformation
    discriminator: optax.GradientTransformation
    ema_decay: float

    def look_discriminator(self, state: GANState, reals: Examples) -> Gradient:
        """The discriminator's gradient at the state, the generator frozen."""
        look = make_gradient(self.game.discriminator_objective, self.game.axis_name)
        key = _turn_key(state, "discriminator")
        return look(state.discriminator, state.generator.variables, reals, key)

    def look_generator(self, state: GANState, reals: Examples | None) -> Gradient:
        """The generator's gradient at the state, the discriminator frozen.

        The reals are None unless the game's `generator_takes_reals`.
        """
        look = make_gradient(self.game.generator_objective, self.game.axis_name)
        key = _turn_key(state, "generator")
        return look(state.generator, state.discriminator.variables, reals, key)

    def move_discriminator(
        self, state: GANState, gradient: Gradient
    ) -> tuple[GANState, Measurements]:
        """The state after the discriminator's update."""
        player, measured = move(state.discriminator, gradient, self.discriminator)
        return state.replace(discriminator=player), _named("discriminator", measured)

    def move_generator(self, state: GANState, gradient: Gradient) -> tuple[GANState, Measurements]:
        """The state after the generator's update, its average one update on too."""
        player, measured = move(state.generator, gradient, self.generator)
        ema = state.ema
        if ema is not None:
            ema = optax.incremental_update(player.variables, ema, 1 - self.ema_decay)
        return state.replace(generator=player, ema=ema), _named("generator", measured)


def _turn_key(state: GANState, name: str) -> jax.Array:
    return stream(restored_root(state.key), f"{name} turn", getattr(state, name).updates)


def _named(player: str, measurements: Measurements) -> Measurements:
    return {f"{player}/{name}": value for name, value in measurements.items()}


def alternating(moves: Moves, k: int, m: int) -> tuple[Phase, ...]:
    """k discriminator updates, then m generator updates (Goodfellow et al., 2014, algorithm 1).

    Every update that looks at real examples takes a batch of its own.
    """
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


def simultaneous(moves: Moves, k: int, m: int) -> tuple[Phase, ...]:
    """Both gradients at one point, then both updates (Mescheder et al., 2017, arXiv:1705.10461).

    Raises:
        InputError: If a player would move more than once a round.
    """
    for key, count in (("discriminator", k), ("generator", m)):
        if count != 1:
            raise InputError(
                f"config.schedule.{key}", count, "simultaneous play has one update a player a round"
            )

    def phase(state, examples, indices):
        reals = take(examples, indices[0])
        of_discriminator = moves.look_discriminator(state, reals)
        of_generator = moves.look_generator(
            state, reals if moves.game.generator_takes_reals else None
        )
        state, first = moves.move_discriminator(state, of_discriminator)
        state, second = moves.move_generator(state, of_generator)
        return state.replace(step=state.generator.updates), first | second

    return (Phase(phase, repeats=1, batches=1),)


SCHEMES = {"alternating": alternating, "simultaneous": simultaneous}

"""Both players' gradients and updates, of which schemes are made."""

from typing import NamedTuple

import jax
import optax

from gan_jax.core.streams import restored_root, stream
from gan_jax.data.batches import Examples, take
from gan_jax.game.averages import Average, update_average
from gan_jax.game.objectives import Game
from gan_jax.game.state import GANState
from gan_jax.game.update import Gradient, Measurements, make_gradient, update_player


class Updates(NamedTuple):
    """Both players' gradients and updates in a game.

    Attributes:
        game: The rules.
        generator: The generator's optimizer.
        discriminator: The discriminator's optimizer.
        average: How the generator's average follows it.
    """

    game: Game
    generator: optax.GradientTransformation
    discriminator: optax.GradientTransformation
    average: Average

    def over(self, axis_name: str | None, batch_size: int) -> "Updates":
        """The same on batches laid out over a mapped axis; see `Game.over`."""
        return self._replace(game=self.game.over(axis_name, batch_size))

    def batch(self, examples: Examples, indices: jax.Array) -> Examples:
        """The examples at `indices` [B] as the networks take them."""
        return take(examples, indices, self.game.kind)

    def discriminator_gradient(
        self, state: GANState, reals: Examples, key: jax.Array | None = None
    ) -> Gradient:
        """The discriminator's gradient at the state, the generator frozen.

        The noise is that of its turn, unless a key of other noise is given.
        """
        inputs = make_gradient(self.game.discriminator_objective, self.game.axis_name)
        key = update_key(state, "discriminator") if key is None else key
        return inputs(state.discriminator, state.generator.variables, reals, key)

    def generator_gradient(
        self, state: GANState, reals: Examples | None, key: jax.Array | None = None
    ) -> Gradient:
        """The generator's gradient at the state, the discriminator frozen.

        The reals are None unless the game's `generator_takes_reals`. The noise is that of its
        turn, unless a key of other noise is given.
        """
        inputs = make_gradient(self.game.generator_objective, self.game.axis_name)
        key = update_key(state, "generator") if key is None else key
        return inputs(state.generator, state.discriminator.variables, reals, key)

    def update_discriminator(
        self, state: GANState, gradient: Gradient
    ) -> tuple[GANState, Measurements]:
        """The state after the discriminator's update."""
        player, measured = update_player(state.discriminator, gradient, self.discriminator)
        return state.replace(discriminator=player), _named("discriminator", measured)

    def update_generator(
        self, state: GANState, gradient: Gradient
    ) -> tuple[GANState, Measurements]:
        """The state after the generator's update, its average one update on too."""
        player, measured = update_player(state.generator, gradient, self.generator)
        ema = update_average(self.average, player, state.ema)
        return state.replace(generator=player, ema=ema), _named("generator", measured)


def update_key(state: GANState, name: str) -> jax.Array:
    """Key of the noise of a player's next update."""
    return stream(restored_root(state.key), f"{name} turn", getattr(state, name).updates)


def round_key(state: GANState, name: str = "round") -> jax.Array:
    """Key of the noise that both players share in a round, or in its part `name`."""
    return stream(restored_root(state.key), name, state.step)


def _named(player: str, measurements: Measurements) -> Measurements:
    return {f"{player}/{name}": value for name, value in measurements.items()}

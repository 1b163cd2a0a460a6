"""What a trial does as pure functions of its hyperparameters, to be mapped over trials."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jax import lax
from ml_collections import ConfigDict

from gan_jax import build, diagnostics, rules, sampling
from gan_jax.build import Players
from gan_jax.data.batches import Examples, take
from gan_jax.game.schemes import Moves, Play, one_update
from gan_jax.game.state import GANState
from gan_jax.hyperparameters import RATIO, with_numbers
from gan_jax.parallel import one_device

Numbers = Mapping[str, jax.Array]


class Trial(struct.PyTreeNode):
    """A trial in play.

    Attributes:
        numbers: The hyperparameters that the program takes, by flattened name.
        state: The GAN.
        diverged_at: int32 [], the first round that measured something not finite, or -1.
    """

    numbers: Numbers
    state: GANState
    diverged_at: jax.Array


class Shared(NamedTuple):
    """What all trials look at.

    Attributes:
        training: The whole training set.
        held_out: Held-out examples.
    """

    training: Examples
    held_out: Examples


class Looks(NamedTuple):
    """Which training examples a trial's evaluation takes.

    Attributes:
        shown: int32 [N], those that both players are shown.
        ahead: int32 [batches, B], those of the next play.
    """

    shown: jax.Array
    ahead: jax.Array


class Program(NamedTuple):
    """What all trials of a program have in common.

    Attributes:
        template: Any of their configs.
        shape: Shape of an example.
        per_epoch: Batches in an epoch.
        by_turns: Whether a play is one update, of the player whose turn it is, not a round.
        samples: Examples of the generator that an evaluation takes.
    """

    template: ConfigDict
    shape: tuple[int, ...]
    per_epoch: int
    by_turns: bool
    samples: int

    def start(self, numbers: Numbers, _: None, __: None) -> Trial:
        """The trial before its first play."""
        config, players, _ = self._parts(numbers)
        return Trial(numbers, build.initial(config, players, self.shape), jnp.int32(-1))

    def play(self, trial: Trial, indices: jax.Array, shared: Shared) -> Trial:
        """The trial some plays on, which take the examples at indices [plays, batches, B]."""
        play = self._play(trial.numbers)

        def one(trial: Trial, row: jax.Array) -> tuple[Trial, None]:
            state, measured = play(trial.state, shared.training, row)
            finite = jnp.all(jnp.isfinite(jnp.stack(list(measured.values()))))
            holds = finite | (trial.diverged_at >= 0)
            diverged_at = jnp.where(holds, trial.diverged_at, state.step)
            return trial.replace(state=state, diverged_at=diverged_at), None

        return lax.scan(one, trial, indices)[0]

    def evaluate(
        self, trial: Trial, indices: Looks, shared: Shared
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """What is measured of a trial, and samples of its generator.

        Args:
            trial: The trial.
            indices: Of the examples that are looked at.
            shared: What all look at.
        """
        config, players, moves = self._parts(trial.numbers)
        state = trial.state
        variables, prior = state.generator_variables(), rules.prior(config.model)
        samples = sampling.examples(
            players.generator, prior, variables, config.seed, num=self.samples
        )
        measured = diagnostics.diagnose(
            moves,
            state,
            take(shared.training, indices.shown),
            shared.held_out,
            lambda state: self._round(trial.numbers)(state, shared.training, indices.ahead)[0],
        )
        counted = {
            "generator/updates": state.generator.updates,
            "discriminator/updates": state.discriminator.updates,
            "diverged_at": trial.diverged_at,
        }
        return measured | counted, samples.x

    def _parts(self, numbers: Numbers) -> tuple[ConfigDict, Players, Moves]:
        # A ratio that all trials share is part of the graph: their round has no branches.
        fixed = () if self.by_turns else RATIO
        own = {name: value for name, value in numbers.items() if name not in fixed}
        config = with_numbers(self.template, own)
        players = build.players(config, self.shape, self.per_epoch)
        return config, players, build.moves(config, players, one_device())

    def _play(self, numbers: Numbers) -> Play:
        config, players, moves = self._parts(numbers)
        if self.by_turns:
            return one_update(moves, config.schedule.discriminator, config.schedule.generator)
        (phase,) = build.phases(config, players, self.per_epoch, one_device())
        return phase.play

    def _round(self, numbers: Numbers) -> Play:
        """A play in which both players move, once each if they do so by turns."""
        if not self.by_turns:
            return self._play(numbers)
        moves = self._parts(numbers)[2]

        def play(state, examples, indices):
            reals = take(examples, indices[0])
            state, _ = moves.move_discriminator(state, moves.look_discriminator(state, reals))
            shown = reals if moves.game.generator_takes_reals else None
            return moves.move_generator(state, moves.look_generator(state, shown))

        return play

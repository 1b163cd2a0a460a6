"""What a trial does as pure functions of its hyperparameters, to be mapped over trials."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jax import lax
from ml_collections import ConfigDict

from gan_jax import diagnostics
from gan_jax.config import build, rules
from gan_jax.config.build import Players
from gan_jax.config.hyperparameters import RATIO, with_numbers
from gan_jax.core.devices import one_device
from gan_jax.data.batches import Examples, take
from gan_jax.game.schemes import Step, Updates, one_update
from gan_jax.game.state import GANState
from gan_jax.run import sampling

Numbers = Mapping[str, jax.Array]


class TrialState(struct.PyTreeNode):
    """A trial in play.

    Attributes:
        numbers: The hyperparameters that the program takes, by flattened name.
        state: The GAN.
        diverged_at: int32 [], the first round that measured something not finite, or -1.
    """

    numbers: Numbers
    state: GANState
    diverged_at: jax.Array


class SharedData(NamedTuple):
    """What all trials look at.

    Attributes:
        training: The whole training set.
        held_out: Held-out examples.
    """

    training: Examples
    held_out: Examples


class EvaluationIndices(NamedTuple):
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

    def start(self, numbers: Numbers, _: None, __: None) -> TrialState:
        """The trial before its first play."""
        config, players, _ = self._parts(numbers)
        return TrialState(numbers, build.initial(config, players, self.shape), jnp.int32(-1))

    def step(self, trial: TrialState, indices: jax.Array, shared: SharedData) -> TrialState:
        """The trial some plays on, which take the examples at indices [plays, batches, B]."""
        step = self._play(trial.numbers)

        def one(trial: TrialState, row: jax.Array) -> tuple[TrialState, None]:
            state, measured = step(trial.state, shared.training, row)
            finite = jnp.all(jnp.isfinite(jnp.stack(list(measured.values()))))
            holds = finite | (trial.diverged_at >= 0)
            diverged_at = jnp.where(holds, trial.diverged_at, state.step)
            return trial.replace(state=state, diverged_at=diverged_at), None

        return lax.scan(one, trial, indices)[0]

    def evaluate(
        self, trial: TrialState, indices: EvaluationIndices, shared: SharedData
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """What is measured of a trial, and samples of its generator.

        Args:
            trial: The trial.
            indices: Of the examples that are looked at.
            shared: What all look at.
        """
        config, players, updates = self._parts(trial.numbers)
        state = trial.state
        variables, prior = state.generator_variables(), rules.prior(config.model)
        samples = sampling.examples(
            players.generator, prior, variables, config.seed, num=self.samples
        )
        measured = diagnostics.diagnose(
            updates,
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

    def _parts(self, numbers: Numbers) -> tuple[ConfigDict, Players, Updates]:
        # A ratio that all trials share is part of the graph: their round has no branches.
        fixed = () if self.by_turns else RATIO
        own = {name: value for name, value in numbers.items() if name not in fixed}
        config = with_numbers(self.template, own)
        players = build.players(config, self.shape, self.per_epoch)
        return config, players, build.updates(config, players, one_device())

    def _play(self, numbers: Numbers) -> Step:
        config, players, updates = self._parts(numbers)
        if self.by_turns:
            return one_update(updates, config.schedule.discriminator, config.schedule.generator)
        (phase,) = build.phases(config, players, self.per_epoch, one_device())
        return phase.step

    def _round(self, numbers: Numbers) -> Step:
        """A play in which both players move, once each if they do so by turns."""
        if not self.by_turns:
            return self._play(numbers)
        updates = self._parts(numbers)[2]

        def step(state, examples, indices):
            reals = take(examples, indices[0])
            state, _ = updates.update_discriminator(
                state, updates.discriminator_gradient(state, reals)
            )
            shown = reals if updates.game.generator_takes_reals else None
            return updates.update_generator(state, updates.generator_gradient(state, shown))

        return step

"""What a trial does as pure functions of its hyperparameters, to be mapped over trials."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jax import lax

from gan_jax import diagnostics
from gan_jax.config.hyperparameters import RATIO
from gan_jax.config.setup import Setup
from gan_jax.data.batches import Examples
from gan_jax.examples.condition import Condition
from gan_jax.game.schemes import Step, one_update
from gan_jax.game.state import GANState
from gan_jax.run import sampling
from gan_jax.run.rounds import as_one_step

Numbers = Mapping[str, jax.Array]


class TrialState(struct.PyTreeNode):
    """A trial in training.

    Attributes:
        numbers: The hyperparameters that the program takes, by flattened name.
        state: The GAN.
        diverged_at: int32 [], the first round that measured something not finite, or -1.
    """

    numbers: Numbers
    state: GANState
    diverged_at: jax.Array


class SharedData(NamedTuple):
    """The data of all trials.

    Attributes:
        training: The whole training set.
        held_out: Held-out examples for the diagnostics, as the networks take them.
        conditions: The conditions that samples are made for, where the prior draws none.
    """

    training: Examples
    held_out: Examples
    conditions: Condition


class EvaluationIndices(NamedTuple):
    """Which training examples a trial's evaluation takes.

    Attributes:
        shown: int32 [N], those that the diagnostics take.
        ahead: int32 [batches, B], those of the next step.
    """

    shown: jax.Array
    ahead: jax.Array


class Program(NamedTuple):
    """What all trials of a program have in common.

    Attributes:
        template: What any of them is made of.
        by_turns: Whether a step is one update, of the player whose turn it is, not a round.
    """

    template: Setup
    by_turns: bool

    def start(self, numbers: Numbers, _: None, __: None) -> TrialState:
        """The trial before its first step."""
        return TrialState(numbers, self._setup(numbers).initial(), jnp.int32(-1))

    def step(self, trial: TrialState, indices: jax.Array, shared: SharedData) -> TrialState:
        """The trial some steps on, which take the examples at indices [steps, batches, B]."""
        step = self._step(self._setup(trial.numbers))

        def one(trial: TrialState, row: jax.Array) -> tuple[TrialState, None]:
            state, measured = step(trial.state, shared.training, row)
            finite = jnp.all(jnp.array([jnp.all(jnp.isfinite(x)) for x in measured.values()]))
            holds = finite | (trial.diverged_at >= 0)
            diverged_at = jnp.where(holds, trial.diverged_at, state.step)
            return trial.replace(state=state, diverged_at=diverged_at), None

        return lax.scan(one, trial, indices)[0]

    def sample(
        self, trial: TrialState, _: None, given: tuple[jax.Array, Condition]
    ) -> tuple[tuple[jax.Array, ...], Examples]:
        """Samples, after what their protocol measures of each.

        Args:
            trial: The trial.
            given: The number of the first sample, and `SharedData.conditions`.
        """
        setup, (first, conditions) = self._setup(trial.numbers), given
        generator, seed = trial.state.generator_variables(), setup.config.seed
        found = sampling.examples(
            setup.game, generator, seed, first, conditions, num=sampling.BATCH
        )
        return setup.protocol.kind.features(found.x), found

    def takes_for_real(self, trial: TrialState, _: None, examples: Examples) -> jax.Array:
        """Which real examples the discriminator takes for real; see `sampling.make_accuracy`."""
        game = self._setup(trial.numbers).game
        return sampling.taken_for_real(game, trial.state.discriminator.variables, examples)

    def diagnose(
        self, trial: TrialState, indices: EvaluationIndices, shared: SharedData
    ) -> dict[str, jax.Array]:
        """What is measured of a trial beside its samples.

        Args:
            trial: The trial.
            indices: Of the training examples that the evaluation takes.
            shared: The data of all trials.
        """
        setup, state = self._setup(trial.numbers), trial.state
        round_ = self._round(setup)
        measured = diagnostics.diagnose(
            setup.updates,
            state,
            setup.updates.batch(shared.training, indices.shown),
            shared.held_out,
            lambda state: round_(state, shared.training, indices.ahead)[0],
        )
        return measured | self.count(trial, indices, shared)

    def count(
        self, trial: TrialState, indices: EvaluationIndices, shared: SharedData
    ) -> dict[str, jax.Array]:
        """What is known of a trial where no diagnostics are asked for."""
        del indices, shared
        return {
            "generator/updates": trial.state.generator.updates,
            "discriminator/updates": trial.state.discriminator.updates,
            "diverged_at": trial.diverged_at,
        }

    def _setup(self, numbers: Numbers) -> Setup:
        # A ratio that all trials share is part of the graph: their round has no branches.
        fixed = () if self.by_turns else RATIO
        own = {name: value for name, value in numbers.items() if name not in fixed}
        return self.template.with_numbers(own)

    def _step(self, setup: Setup) -> Step:
        if self.by_turns:
            schedule = setup.config.schedule
            return one_update(setup.updates, schedule.discriminator, schedule.generator)
        return as_one_step(setup.make_round(setup.updates))

    def _round(self, setup: Setup) -> Step:
        """A step in which both players update, once each if they do so by turns."""
        if not self.by_turns:
            return self._step(setup)
        updates = setup.updates

        def step(state, examples, indices):
            reals = updates.batch(examples, indices[0])
            gradient = updates.discriminator_gradient(state, reals)
            state, _ = updates.update_discriminator(state, gradient)
            shown = reals if updates.game.generator_takes_reals else None
            return updates.update_generator(state, updates.generator_gradient(state, shown))

        return step

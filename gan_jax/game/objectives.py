"""The game: each player's loss as a function of its own parameters."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.core.errors import InputError
from gan_jax.core.streams import example_keys, stream
from gan_jax.data.batches import Examples
from gan_jax.examples import ExampleKind
from gan_jax.examples.condition import LABEL, Condition
from gan_jax.game.auxiliary_losses import classification_loss, information_loss
from gan_jax.game.losses import Loss
from gan_jax.game.penalties import PenaltyInputs, WeightedPenalty
from gan_jax.game.preprocessing import Preprocessing, packed
from gan_jax.game.prior import GeneratorInputs, Prior
from gan_jax.game.state import Variables
from gan_jax.models.output import DiscriminatorOutput

# How the losses [K] of several discriminators make the generator's.
AGGREGATES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "mean": jnp.mean,
    # Durugkar et al., 2017, arXiv:1611.01673, section 3: the hardest, and the soft maximum.
    # Not jnp.max, whose derivative divides by how many losses equal it: a compiled program that
    # rounds the two differently finds none.
    "hardest": lambda losses: losses[jnp.argmax(losses)],
    "softmax": lambda losses: jnp.sum(jax.nn.softmax(losses) * losses),
}


class Game(NamedTuple):
    """The rules that both players share.

    Attributes:
        generator: Maps the prior's draws to examples.
        discriminator: Maps examples to a `DiscriminatorOutput`.
        loss: The two players' losses.
        prior: The generator's inputs.
        batch_size: Examples an update on one device.
        kind: What an example is.
        axis_name: Mapped axis of the global batch, or None.
        preprocessing: What is done to examples before the discriminator takes them.
        penalty: The discriminator's penalty, or None.
        auxiliary_weight: Of the classification loss, where there is an auxiliary classifier.
        information_weight: Of the codes' loss, where there are codes.
        aggregate: Of `AGGREGATES`, where there are several discriminators.
    """

    generator: nn.Module
    discriminator: nn.Module
    loss: Loss
    prior: Prior
    batch_size: int
    kind: ExampleKind
    axis_name: str | None = None
    preprocessing: Preprocessing = Preprocessing()
    penalty: WeightedPenalty | None = None
    auxiliary_weight: float = 0.0
    information_weight: float = 0.0
    aggregate: Callable[[jax.Array], jax.Array] = jnp.mean

    def over(self, axis_name: str | None, batch_size: int) -> "Game":
        """The same game on batches laid out over a mapped axis.

        Args:
            axis_name: The axis, or None: a device has the whole batch.
            batch_size: Examples of a batch on each device.

        Raises:
            InputError: If these make no whole packs.
        """
        pack = self.preprocessing.pack
        if batch_size % pack:
            why = f"does not divide the {batch_size} examples that a device has of a batch"
            raise InputError("config.model.discriminator.pack", pack, why)
        return self._replace(
            generator=self.generator.clone(axis_name=axis_name),
            discriminator=self.discriminator.clone(axis_name=axis_name),
            loss=self.loss.over(axis_name),
            batch_size=batch_size,
            axis_name=axis_name,
            preprocessing=self.preprocessing._replace(axis_name=axis_name),
        )

    @property
    def generator_takes_reals(self) -> bool:
        """Whether the generator's update needs real examples, or their conditions."""
        return self.loss.relativistic or bool(self.prior.given)

    def fakes(
        self, variables: Variables, key: jax.Array, reals: Examples | None = None
    ) -> tuple[Examples, GeneratorInputs, dict[str, Any]]:
        """Fresh examples of the generator in training mode, what they were made from, and its new
        mutable collections; the reals lend their conditions to as many fakes."""
        keys = example_keys(stream(key, "latents"), self.batch_size, axis_name=self.axis_name)
        inputs = self.prior.draw(keys, reals.condition if reals else None)
        told = self.prior.told(inputs.condition)
        x, collections = _apply(self.generator, variables, inputs.z, told, stream(key, "generator"))
        return Examples(x, told), inputs, collections

    def preprocess(self, variables: Variables, examples: Examples, key: jax.Array) -> Examples:
        """Examples as the discriminator takes them in training."""
        memory = variables.get("preprocessing", {})
        x = self.preprocessing(examples.x, stream(key, "view"), memory)
        return Examples(x, packed(examples.condition, self.preprocessing.pack))

    def discriminate(
        self, variables: Variables, examples: Examples, key: jax.Array
    ) -> tuple[DiscriminatorOutput, dict[str, Any]]:
        """The discriminator's output for preprocessed examples in training mode, and its new
        mutable collections."""
        return _apply(self.discriminator, variables, examples.x, examples.condition, key)

    def discriminate_in_evaluation(
        self, variables: Variables, examples: Examples
    ) -> DiscriminatorOutput:
        """The discriminator's output with its running statistics, for examples in packs but
        otherwise as they are."""
        x, condition = packed(tuple(examples), self.preprocessing.pack)
        return self.discriminator.apply(variables, x, condition, train=False)

    def generator_forward(
        self,
        generator: Variables,
        discriminator: Variables,
        reals: Examples | None,
        key: jax.Array,
    ) -> tuple[jax.Array | None, DiscriminatorOutput, GeneratorInputs, dict[str, Any]]:
        """All that the generator's loss is made of: the real logits where its loss takes them,
        the output for its fakes, what they were made from, and its new mutable collections."""
        fakes, inputs, model_state = self.fakes(generator, key, reals)
        real = None
        if self.loss.relativistic:
            real_key = stream(key, "real")
            prepared = self.preprocess(discriminator, reals, real_key)
            real = self.discriminate(discriminator, prepared, real_key)[0].logits
        fake_key = stream(key, "fake")
        prepared = self.preprocess(discriminator, fakes, fake_key)
        fake, _ = self.discriminate(discriminator, prepared, fake_key)
        return real, fake, inputs, model_state

    def generator_loss(
        self, real: jax.Array | None, fake: DiscriminatorOutput, inputs: GeneratorInputs
    ) -> jax.Array:
        """The generator's loss [], of what `generator_forward` gives."""
        losses = jnp.mean(_each(self.loss.generator, real, fake.logits), axis=-1)
        losses += self._auxiliary_losses(fake, inputs)
        return self.aggregate(losses)

    def generator_objective(
        self, params, model_state, discriminator: Variables, reals: Examples | None, key: jax.Array
    ):
        """The generator's loss on fakes, and where it takes them reals, of a frozen opponent."""
        before = {"params": params, **model_state}
        real, fake, inputs, model_state = self.generator_forward(before, discriminator, reals, key)
        return self.generator_loss(real, fake, inputs), (model_state, {})

    def value_objective(
        self, params, model_state, discriminator: Variables, reals: Examples, key: jax.Array
    ):
        """`generator_objective` of the game's whole value where both players share one.

        See `Loss.of_value`; penalties are the discriminator's own and no part of it.
        """
        game = self._replace(loss=self.loss.of_value())
        return game.generator_objective(params, model_state, discriminator, reals, key)

    def discriminator_objective(
        self, params, model_state, generator: Variables, reals: Examples, key: jax.Array
    ):
        """The discriminator's loss on reals [N, ...] and on fakes of a generator held constant."""
        fakes, inputs, _ = self.fakes(generator, key, reals)
        before, keys = {"params": params, **model_state}, [stream(key, "real"), stream(key, "fake")]
        prepared = [
            self.preprocess(before, x, k) for x, k in zip((reals, fakes), keys, strict=True)
        ]
        real, model_state = self.discriminate(before, prepared[0], keys[0])
        fake, model_state = self.discriminate(
            {"params": params, **model_state}, prepared[1], keys[1]
        )
        losses = jnp.mean(_each(self.loss.discriminator, real.logits, fake.logits), axis=-1)
        losses += self._auxiliary_losses(fake, inputs)
        if real.class_logits is not None:
            labels = reals.condition[LABEL]
            losses += self.auxiliary_weight * jnp.mean(classification_loss(real, labels), axis=-1)
        measurements = {
            "accuracy_real": jnp.mean(real.logits > self.loss.threshold),
            "accuracy_fake": jnp.mean(fake.logits < self.loss.threshold),
            "logit_real": jnp.mean(real.logits),
            "logit_fake": jnp.mean(fake.logits),
        }
        memories = {}
        if self.penalty:
            penalty_inputs = PenaltyInputs(
                lambda points: self.discriminate(before, points, keys[0])[0].logits,
                *prepared,
                real.logits,
                fake.logits,
                stream(key, "penalty"),
                self.axis_name,
            )
            penalties, memories["penalty"] = self.penalty(penalty_inputs, before.get("penalty", {}))
            losses += jnp.mean(penalties, axis=-1)
            measurements["penalty"] = jnp.mean(penalties)
        memories["preprocessing"] = self.preprocessing.updated(
            before.get("preprocessing", {}), real.logits - self.loss.threshold
        )
        kept = {name: memory for name, memory in memories.items() if memory}
        # Each of several discriminators learns as if it were alone.
        return jnp.sum(losses), ({**model_state, **kept}, measurements)

    def _auxiliary_losses(
        self, fake: DiscriminatorOutput, inputs: GeneratorInputs
    ) -> jax.Array | float:
        total = 0.0
        if fake.class_logits is not None:
            losses = classification_loss(fake, inputs.condition[LABEL])
            total += self.auxiliary_weight * jnp.mean(losses, axis=-1)
        if fake.codes is not None:
            losses = information_loss(fake, inputs.condition)
            total += self.information_weight * jnp.mean(losses, axis=-1)
        return total


def _each(loss: Callable, real: jax.Array | None, fake: jax.Array) -> jax.Array:
    """The losses of one discriminator's logits [N], or one by one of several ones' [K, N]."""
    if fake.ndim == 1:
        return loss(real, fake)
    return jax.vmap(loss, in_axes=(None if real is None else 0, 0))(real, fake)


def _apply(
    module: nn.Module,
    variables: Variables,
    inputs: jax.Array,
    condition: Condition | None,
    key: jax.Array,
) -> tuple[Any, dict[str, Any]]:
    """The network in training mode: its outputs and its new mutable collections."""
    collections = [name for name in variables if name != "params"]
    return module.apply(
        variables, inputs, condition, train=True, mutable=collections, rngs={"dropout": key}
    )

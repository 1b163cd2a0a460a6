"""What each player sees of the game: its loss, as a function of its own parameters."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.core.streams import example_keys, stream
from gan_jax.data.batches import Examples
from gan_jax.game.auxiliary_losses import classification_loss, information_loss
from gan_jax.game.losses import Loss
from gan_jax.game.penalties import PenaltyInputs, WeightedPenalty
from gan_jax.game.preprocessing import Preprocessing, packed
from gan_jax.game.prior import GeneratorInputs, Prior
from gan_jax.game.state import Variables
from gan_jax.models.output import DiscriminatorOutput

# How the generator weighs the losses [K] that several discriminators give it.
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
        discriminator: Maps examples to an `DiscriminatorOutput`.
        loss: The two players' losses.
        prior: The generator's inputs.
        batch_size: Examples an update on one device.
        axis_name: Mapped axis of the global batch, or None.
        view: What the discriminator sees of examples.
        charge: The discriminator's penalty, or None.
        auxiliary: Weight of the classification term, where there is an auxiliary classifier.
        information: Weight of the codes' term, where there are codes.
        aggregate: Of `AGGREGATES`, where there are several discriminators.
    """

    generator: nn.Module
    discriminator: nn.Module
    loss: Loss
    prior: Prior
    batch_size: int
    axis_name: str | None
    preprocessing: Preprocessing = Preprocessing()
    penalty: WeightedPenalty | None = None
    auxiliary: float = 0.0
    information: float = 0.0
    aggregate: Callable[[jax.Array], jax.Array] = jnp.mean

    @property
    def generator_takes_reals(self) -> bool:
        """Whether the generator's loss looks at real examples."""
        return self.loss.relativistic

    def fakes(
        self, variables: Variables, key: jax.Array
    ) -> tuple[Examples, GeneratorInputs, dict[str, Any]]:
        """Fresh examples of the generator in training mode, what they were made from, and its new
        mutable collections."""
        keys = example_keys(stream(key, "latents"), self.batch_size, axis_name=self.axis_name)
        draw = self.prior.draw(keys)
        x, collections = _apply(
            self.generator, variables, draw.z, draw.labels, stream(key, "generator")
        )
        return Examples(x, draw.labels), draw, collections

    def preprocess(self, variables: Variables, examples: Examples, key: jax.Array) -> Examples:
        """Examples as the discriminator sees them."""
        return examples._replace(
            x=self.preprocessing(examples.x, stream(key, "view"), variables.get("view", {}))
        )

    def discriminate(
        self, variables: Variables, seen: Examples, key: jax.Array
    ) -> tuple[DiscriminatorOutput, dict[str, Any]]:
        """The discriminator's opinion in training mode, and its new mutable collections."""
        return _apply(self.discriminator, variables, seen.x, seen.labels, key)

    def discriminate_in_evaluation(
        self, variables: Variables, examples: Examples
    ) -> DiscriminatorOutput:
        """The discriminator's opinion in use, of examples in packs but otherwise as they are."""
        seen = packed(examples.x, self.preprocessing.pack)
        return self.discriminator.apply(variables, seen, examples.labels, train=False)

    def generator_forward(
        self,
        generator: Variables,
        discriminator: Variables,
        reals: Examples | None,
        key: jax.Array,
    ) -> tuple[jax.Array | None, DiscriminatorOutput, GeneratorInputs, dict[str, Any]]:
        """What the generator's turn brings to light: the real logits where its loss takes them,
        the opinion of its fakes, what they were made from, and its new mutable collections."""
        fakes, draw, model_state = self.fakes(generator, key)
        real = None
        if self.generator_takes_reals:
            real_key = stream(key, "real")
            seen = self.preprocess(discriminator, reals, real_key)
            real = self.discriminate(discriminator, seen, real_key)[0].logits
        fake_key = stream(key, "fake")
        fake, _ = self.discriminate(
            discriminator, self.preprocess(discriminator, fakes, fake_key), fake_key
        )
        return real, fake, draw, model_state

    def generator_loss(
        self, real: jax.Array | None, fake: DiscriminatorOutput, draw: GeneratorInputs
    ) -> jax.Array:
        """The generator's loss [], of what `generator_forward` gives."""
        losses = jnp.mean(_each(self.loss.generator, real, fake.logits), axis=-1)
        losses += self._terms_of_fakes(fake, draw)
        return self.aggregate(losses)

    def generator_objective(
        self, params, model_state, discriminator: Variables, reals: Examples | None, key: jax.Array
    ):
        """The generator's loss on fakes, and where it takes them reals, of a frozen opponent."""
        before = {"params": params, **model_state}
        real, fake, draw, model_state = self.generator_forward(before, discriminator, reals, key)
        return self.generator_loss(real, fake, draw), (model_state, {})

    def discriminator_objective(
        self, params, model_state, generator: Variables, reals: Examples, key: jax.Array
    ):
        """The discriminator's loss on reals [N, ...] and on fakes of a generator held constant."""
        fakes, draw, _ = self.fakes(generator, key)
        before, keys = {"params": params, **model_state}, [stream(key, "real"), stream(key, "fake")]
        seen = [self.preprocess(before, x, k) for x, k in zip((reals, fakes), keys, strict=True)]
        real, model_state = self.discriminate(before, seen[0], keys[0])
        fake, model_state = self.discriminate({"params": params, **model_state}, seen[1], keys[1])
        losses = jnp.mean(_each(self.loss.discriminator, real.logits, fake.logits), axis=-1)
        losses += self._terms_of_fakes(fake, draw)
        if real.classes is not None:
            losses += self.auxiliary * jnp.mean(classification_loss(real, reals.labels), axis=-1)
        measurements = {
            "accuracy_real": jnp.mean(real.logits > self.loss.threshold),
            "accuracy_fake": jnp.mean(fake.logits < self.loss.threshold),
            "logit_real": jnp.mean(real.logits),
            "logit_fake": jnp.mean(fake.logits),
        }
        memories = {}
        if self.penalty:
            inputs = PenaltyInputs(
                lambda points: self.discriminate(before, points, keys[0])[0].logits,
                *seen,
                real.logits,
                fake.logits,
                stream(key, "penalty"),
                self.axis_name,
            )
            penalties, memories["penalty"] = self.penalty(inputs, before.get("penalty", {}))
            losses += jnp.mean(penalties, axis=-1)
            measurements["penalty"] = jnp.mean(penalties)
        memories["view"] = self.preprocessing.after(
            before.get("view", {}), real.logits - self.loss.threshold
        )
        remembered = {name: memory for name, memory in memories.items() if memory}
        # Each of several discriminators learns as if it were alone.
        return jnp.sum(losses), ({**model_state, **remembered}, measurements)

    def _terms_of_fakes(
        self, fake: DiscriminatorOutput, draw: GeneratorInputs
    ) -> jax.Array | float:
        terms = 0.0
        if fake.classes is not None:
            terms += self.auxiliary * jnp.mean(classification_loss(fake, draw.labels), axis=-1)
        if fake.codes is not None:
            terms += self.information * jnp.mean(information_loss(fake, draw), axis=-1)
        return terms


def _each(loss: Callable, real: jax.Array | None, fake: jax.Array) -> jax.Array:
    """The losses of one discriminator's logits [N], or one by one of several ones' [K, N]."""
    if fake.ndim == 1:
        return loss(real, fake)
    return jax.vmap(loss, in_axes=(None if real is None else 0, 0))(real, fake)


def _apply(
    module: nn.Module,
    variables: Variables,
    inputs: jax.Array,
    labels: jax.Array | None,
    key: jax.Array,
) -> tuple[Any, dict[str, Any]]:
    """The network in training mode: its outputs and its new mutable collections."""
    collections = [name for name in variables if name != "params"]
    return module.apply(
        variables, inputs, labels, train=True, mutable=collections, rngs={"dropout": key}
    )

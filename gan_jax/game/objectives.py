"""What each player sees of the game: its loss, as a function of its own parameters."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.data.batches import Examples
from gan_jax.game.losses import Loss
from gan_jax.game.state import Variables
from gan_jax.streams import example_keys, latents, stream


class Game(NamedTuple):
    """The rules that both players share.

    Attributes:
        generator: Maps latents to examples.
        discriminator: Maps examples to an `Opinion`.
        loss: The two players' losses.
        latent: Dimensions of the latent.
        batch_size: Examples an update on one device.
        axis_name: Mapped axis of the global batch, or None.
    """

    generator: nn.Module
    discriminator: nn.Module
    loss: Loss
    latent: int
    batch_size: int
    axis_name: str | None

    def fakes(self, variables: Variables, key: jax.Array) -> tuple[jax.Array, dict[str, Any]]:
        """Fresh examples of the generator in training mode, and its new mutable collections."""
        keys = example_keys(stream(key, "latents"), self.batch_size, axis_name=self.axis_name)
        z = latents(keys, self.latent)
        return _apply(self.generator, variables, z, stream(key, "generator"))

    @property
    def generator_takes_reals(self) -> bool:
        """Whether the generator's loss looks at real examples."""
        return self.loss.relativistic

    def generator_objective(
        self, params, model_state, discriminator: Variables, reals: Examples | None, key: jax.Array
    ):
        """The generator's loss on fakes, and where it takes them reals, of a frozen opponent."""
        fakes, model_state = self.fakes({"params": params, **model_state}, key)
        real = None
        if self.generator_takes_reals:
            real, _ = _apply(self.discriminator, discriminator, reals.x, stream(key, "real"))
            real = real.logits
        fake, _ = _apply(self.discriminator, discriminator, fakes, stream(key, "fake"))
        return jnp.mean(self.loss.generator(real, fake.logits)), (model_state, {})

    def discriminator_objective(
        self, params, model_state, generator: Variables, reals: Examples, key: jax.Array
    ):
        """The discriminator's loss on reals [N, ...] and on fakes of a generator held constant."""
        fakes, _ = self.fakes(generator, key)
        variables = {"params": params, **model_state}
        real, model_state = _apply(self.discriminator, variables, reals.x, stream(key, "real"))
        variables = {"params": params, **model_state}
        fake, model_state = _apply(self.discriminator, variables, fakes, stream(key, "fake"))
        real, fake = real.logits, fake.logits
        measurements = {
            "accuracy_real": jnp.mean(real > self.loss.even),
            "accuracy_fake": jnp.mean(fake < self.loss.even),
            "logit_real": jnp.mean(real),
            "logit_fake": jnp.mean(fake),
        }
        return jnp.mean(self.loss.discriminator(real, fake)), (model_state, measurements)


def _apply(
    module: nn.Module, variables: Variables, inputs: jax.Array, key: jax.Array
) -> tuple[Any, dict[str, Any]]:
    """The network in training mode: its outputs and its new mutable collections."""
    collections = [name for name in variables if name != "params"]
    return module.apply(variables, inputs, train=True, mutable=collections, rngs={"dropout": key})

"""From a config to the rules of its game: losses, penalties, and what a discriminator sees."""

from functools import partial
from typing import Any

from flax import linen as nn
from ml_collections import ConfigDict

from gan_jax.errors import InputError, choose
from gan_jax.game.augment import AUGMENTATIONS, Augmentation
from gan_jax.game.losses import LOSSES, Loss
from gan_jax.game.objectives import AGGREGATES, Game
from gan_jax.game.penalties import PENALTIES, Charge
from gan_jax.game.prior import Prior
from gan_jax.game.views import Noise, View


def prior(config: ConfigDict) -> Prior:
    """The distribution of the generator's inputs; `config` is a run's field `model`."""
    return Prior(
        noise=config.latent,
        classes=config.classes,
        categories=config.codes.categories,
        continuous=config.codes.continuous,
    )


def charge(config: ConfigDict) -> Charge | None:
    """What the discriminator pays beside its loss; `config` is a run's field `penalty`.

    Raises:
        InputError: If the penalty is unknown.
    """
    if config.name == "none":
        return None
    penalty = choose("config.penalty.name", config.name, PENALTIES | {"none": None})
    return Charge(penalty, config.weight, config.every)


def view(config: ConfigDict, shape: tuple[int, ...]) -> View:
    """What the discriminator sees of examples of that shape, on one device.

    Raises:
        InputError: If an augmentation is unknown or not for such examples.
    """
    noise = config.noise
    return View(
        pack=config.model.discriminator.pack,
        noise=Noise(noise.deviation, noise.updates) if noise.deviation else None,
        augmentation=augmentation(config.augment, shape, config.train.batch_size),
    )


def augmentation(
    config: ConfigDict, shape: tuple[int, ...], batch_size: int
) -> Augmentation | None:
    """The augmentation of examples of that shape; `config` is a run's field `augment`.

    Raises:
        InputError: If one is unknown or not for such examples.
    """
    names = tuple(name for name in config.policy.split(",") if name)
    for name in names:
        choose("config.augment.policy", name, AUGMENTATIONS)
    if names and len(shape) != 3:
        raise InputError("config.augment.policy", config.policy, "augments images, not points")
    if not names:
        return None
    return Augmentation(names, config.probability, config.target, config.images, batch_size)


def memories(config: ConfigDict, shape: tuple[int, ...]) -> dict[str, Any]:
    """Collections that the discriminator has beside its network's, before the first round."""
    charged = charge(config.penalty)
    found = {
        "view": view(config, shape).initial(),
        "penalty": charged.initial() if charged else {},
    }
    return {name: memory for name, memory in found.items() if memory}


def loss(config: ConfigDict, axis_name: str | None) -> Loss:
    """The players' losses on batches that are laid out over a mapped axis, or are all there.

    Raises:
        InputError: If the name is unknown, or labels shall be smoothed where there are none.
    """
    chosen = choose("config.loss", config.loss, LOSSES)
    if config.smoothing:
        if chosen.smoothed is None:
            labelled = ", ".join(sorted(name for name in LOSSES if LOSSES[name].smoothed))
            why = f"{config.loss} has no labels to smooth, only {labelled} do: set it to 0"
            raise InputError("config.smoothing", config.smoothing, why)
        smoothed = partial(chosen.smoothed, smoothing=config.smoothing)
        chosen = chosen._replace(discriminator=smoothed)
    return chosen.over(axis_name)


def game(
    config: ConfigDict,
    generator: nn.Module,
    discriminator: nn.Module,
    share: int,
    axis_name: str | None,
) -> Game:
    """The rules of a run.

    Args:
        config: The run's config.
        generator: The network.
        discriminator: The network.
        share: Examples of a batch on each device.
        axis_name: Mapped axis over which batches are laid out, or None.

    Raises:
        InputError: If a name is unknown, or choices don't go together.
    """
    model, pack = config.model, config.model.discriminator.pack
    if share % pack:
        why = f"does not divide the {share} examples that a device has of a batch"
        raise InputError("config.model.discriminator.pack", pack, why)
    return Game(
        generator=generator.clone(axis_name=axis_name),
        discriminator=discriminator.clone(axis_name=axis_name),
        loss=loss(config, axis_name),
        prior=prior(model),
        batch_size=share,
        axis_name=axis_name,
        view=view(config, generator.shape)._replace(axis_name=axis_name),
        charge=charge(config.penalty),
        auxiliary=model.auxiliary_weight,
        information=model.codes.weight,
        aggregate=choose(
            "config.model.discriminator.aggregate", model.discriminator.aggregate, AGGREGATES
        ),
    )

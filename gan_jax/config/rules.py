"""From a config to the rules of its game: losses, penalties, and what a discriminator sees."""

from functools import partial
from typing import Any

from flax import linen as nn
from ml_collections import ConfigDict

from gan_jax.config.hyperparameters import is_on
from gan_jax.core.errors import InputError, choose
from gan_jax.game.augment import AUGMENTATIONS, Augmentation
from gan_jax.game.losses import LOSSES, Loss
from gan_jax.game.objectives import AGGREGATES, Game
from gan_jax.game.penalties import PENALTIES, WeightedPenalty
from gan_jax.game.preprocessing import Noise, Preprocessing
from gan_jax.game.prior import DISTRIBUTIONS, Prior


def check(config: ConfigDict, shape: tuple[int, ...] | None = None) -> None:
    """Whether the choices go together.

    Args:
        config: The run's config.
        shape: Shape of one example; None: not known yet.

    Raises:
        InputError: If two of them don't.
    """
    loss(config, None)
    preprocessing(config)
    if config.model.classes and config.model.conditioning == "none":
        why = "nobody is told of them, choose a config.model.conditioning"
        raise InputError("config.model.classes", config.model.classes, why)
    for player in ("generator", "discriminator"):
        stop = config.optim[player].stop
        if is_on(stop) and config.schedule.scheme == "lookahead":
            why = "lookahead would pull on a player that has stopped"
            raise InputError(f"config.optim.{player}.stop", stop, why)
    policy, pack = config.augment.policy, config.model.discriminator.pack
    if policy and shape is not None and len(shape) != 3:
        raise InputError("config.augment.policy", policy, "augments images, not points")
    if pack > 1 and config.model.classes:
        why = "the examples of a pack would have to be of one of config.model.classes"
        raise InputError("config.model.discriminator.pack", pack, why)
    if pack > 1 and (config.model.codes.categories or config.model.codes.continuous):
        why = "the examples of a pack would have to share config.model.codes"
        raise InputError("config.model.discriminator.pack", pack, why)


def prior(config: ConfigDict) -> Prior:
    """The distribution of the generator's inputs; `config` is a run's field `model`.

    Raises:
        InputError: If the noise's is unknown.
    """
    choose("config.model.prior", config.prior, DISTRIBUTIONS)
    return Prior(
        noise=config.latent,
        classes=config.classes,
        categories=config.codes.categories,
        continuous=config.codes.continuous,
        distribution=config.prior,
    )


def penalty(config: ConfigDict) -> WeightedPenalty | None:
    """What the discriminator pays beside its loss.

    Raises:
        InputError: If the penalty is unknown.
    """
    if config.penalty.name == "none":
        return None
    penalty = choose("config.penalty.name", config.penalty.name, PENALTIES | {"none": None})
    return WeightedPenalty(penalty, config.penalty.weight, config.penalty.every)


def preprocessing(config: ConfigDict) -> Preprocessing:
    """What the discriminator sees of examples, on one device.

    Raises:
        InputError: If an augmentation is unknown.
    """
    noise = Noise(config.noise.deviation, config.noise.updates)
    return Preprocessing(
        pack=config.model.discriminator.pack,
        noise=noise if is_on(noise.deviation) else None,
        augmentation=augmentation(config),
    )


def augmentation(config: ConfigDict) -> Augmentation | None:
    """The augmentation of what the discriminator sees.

    Raises:
        InputError: If one is unknown.
    """
    names = tuple(name for name in config.augment.policy.split(",") if name)
    for name in names:
        choose("config.augment.policy", name, AUGMENTATIONS)
    if not names:
        return None
    return Augmentation(
        names,
        config.augment.probability,
        config.augment.target,
        config.augment.images,
        config.train.batch_size,
    )


def discriminator_collections(config: ConfigDict) -> dict[str, Any]:
    """Collections that the discriminator has beside its network's, before the first round."""
    penalty_in_use = penalty(config)
    found = {
        "view": preprocessing(config).initial(),
        "penalty": penalty_in_use.initial() if penalty_in_use else {},
    }
    return {name: memory for name, memory in found.items() if memory}


def loss(config: ConfigDict, axis_name: str | None) -> Loss:
    """The players' losses on batches that are laid out over a mapped axis, or are all there.

    Raises:
        InputError: If the name is unknown, or labels shall be smoothed where there are none.
    """
    chosen = choose("config.loss", config.loss, LOSSES)
    if is_on(config.smoothing):
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
    pack = config.model.discriminator.pack
    if share % pack:
        why = f"does not divide the {share} examples that a device has of a batch"
        raise InputError("config.model.discriminator.pack", pack, why)
    return Game(
        generator=generator.clone(axis_name=axis_name),
        discriminator=discriminator.clone(axis_name=axis_name),
        loss=loss(config, axis_name),
        prior=prior(config.model),
        batch_size=share,
        axis_name=axis_name,
        preprocessing=preprocessing(config)._replace(axis_name=axis_name),
        penalty=penalty(config),
        auxiliary=config.model.auxiliary_weight,
        information=config.model.codes.weight,
        aggregate=choose(
            "config.model.discriminator.aggregate",
            config.model.discriminator.aggregate,
            AGGREGATES,
        ),
    )

"""From a config to the rules of its game: losses, penalties, preprocessing."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ml_collections import ConfigDict, FrozenConfigDict

from gan_jax.config.hyperparameters import is_on
from gan_jax.core.errors import InputError
from gan_jax.examples import ExampleKind
from gan_jax.examples.condition import LABEL
from gan_jax.game.augment import Augmentation
from gan_jax.game.losses import LOSSES, Loss
from gan_jax.game.objectives import AGGREGATES, Game
from gan_jax.game.penalties import PENALTIES, WeightedPenalty
from gan_jax.game.preprocessing import Noise, Preprocessing
from gan_jax.game.prior import Prior
from gan_jax.models.conditioning import CONDITIONINGS

Config = ConfigDict | FrozenConfigDict


def check_combinations(config: Config) -> None:
    """Whether the choices go together.

    Raises:
        InputError: If two of them don't.
    """
    loss(config)
    if config.model.classes and config.model.conditioning == "none":
        why = "nobody is told of them, choose a config.model.conditioning"
        raise InputError("config.model.classes", config.model.classes, why)
    for player in ("generator", "discriminator"):
        stop = config.optim[player].stop
        if is_on(stop) and config.schedule.scheme == "lookahead":
            why = "lookahead would pull on a player that has stopped"
            raise InputError(f"config.optim.{player}.stop", stop, why)
    pack = config.model.discriminator.pack
    if pack > 1 and config.model.classes:
        why = "the examples of a pack would have to be of one of config.model.classes"
        raise InputError("config.model.discriminator.pack", pack, why)
    if pack > 1 and (config.model.codes.categories or config.model.codes.continuous):
        why = "the examples of a pack would have to share config.model.codes"
        raise InputError("config.model.discriminator.pack", pack, why)


def prior(config: Config) -> Prior:
    """The distribution of the generator's inputs; `config` is a run's field `model`."""
    conditioning = CONDITIONINGS[config.conditioning]
    return Prior(
        noise=config.latent,
        classes=config.classes,
        categories=config.codes.categories,
        continuous=config.codes.continuous,
        distribution=config.prior,
        given=tuple(name for name in conditioning.takes if name != LABEL),
    )


def penalty(config: Config) -> WeightedPenalty | None:
    """The discriminator's penalty, or None."""
    if config.penalty.name == "none":
        return None
    chosen = PENALTIES[config.penalty.name]
    return WeightedPenalty(chosen, config.penalty.weight, config.penalty.every)


def preprocessing(config: Config) -> Preprocessing:
    """What is done to examples before the discriminator takes them, on one device."""
    noise = Noise(config.noise.deviation, config.noise.updates)
    return Preprocessing(
        pack=config.model.discriminator.pack,
        noise=noise if is_on(noise.deviation) else None,
        augmentation=augmentation(config),
    )


def augmentation(config: Config) -> Augmentation | None:
    """The augmentation of what the discriminator takes, or None."""
    names = tuple(filter(None, config.augment.policy.split(",")))
    if not names:
        return None
    return Augmentation(
        names,
        config.augment.probability,
        config.augment.target,
        config.augment.images,
        config.train.batch_size,
    )


def discriminator_collections(config: Config) -> dict[str, Any]:
    """Collections that the discriminator has beside its network's, before the first round."""
    penalty_in_use = penalty(config)
    count = config.model.discriminator.count
    found = {
        "preprocessing": preprocessing(config).initial(),
        "penalty": penalty_in_use.initial(count) if penalty_in_use else {},
    }
    return {name: memory for name, memory in found.items() if memory}


def loss(config: Config) -> Loss:
    """The players' losses.

    Raises:
        InputError: If labels shall be smoothed where there are none.
    """
    chosen = LOSSES[config.loss]
    if is_on(config.smoothing):
        if chosen.smoothed is None:
            labelled = ", ".join(sorted(name for name in LOSSES if LOSSES[name].smoothed))
            why = f"{config.loss} has no labels to smooth, only {labelled} do: set it to 0"
            raise InputError("config.smoothing", config.smoothing, why)
        smoothed = partial(chosen.smoothed, smoothing=config.smoothing)
        chosen = chosen._replace(discriminator=smoothed)
    return chosen


def game(config: Config, kind: ExampleKind) -> Callable[..., Game]:
    """The rules of a run on one device that has the whole batch, for any two networks.

    Args:
        config: The run's config.
        kind: What an example is.

    Returns:
        A function of the keywords `generator` and `discriminator`, the networks, to the game.
    """
    return partial(
        Game,
        loss=loss(config),
        prior=prior(config.model),
        batch_size=config.train.batch_size,
        kind=kind,
        preprocessing=preprocessing(config),
        penalty=penalty(config),
        auxiliary_weight=config.model.auxiliary_weight,
        information_weight=config.model.codes.weight,
        aggregate=AGGREGATES[config.model.discriminator.aggregate],
    )

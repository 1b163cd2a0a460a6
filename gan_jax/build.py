"""From a config to the parts of a run: only this file and the rooms' own builders read it."""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np
import optax
from ml_collections import ConfigDict

from gan_jax import models
from gan_jax.data import Dataset
from gan_jax.data.batches import Batches, Examples
from gan_jax.errors import InputError, choose
from gan_jax.game import optimizers
from gan_jax.game.augment import AUGMENTATIONS, Augmentation
from gan_jax.game.losses import LOSSES
from gan_jax.game.objectives import AGGREGATES, Game
from gan_jax.game.penalties import PENALTIES, Charge
from gan_jax.game.prior import Prior
from gan_jax.game.schemes import SCHEMES, Moves, Phase
from gan_jax.game.state import GANState, init_state
from gan_jax.game.views import Noise, View
from gan_jax.parallel import Devices


class Players(NamedTuple):
    """Both networks and their optimizers."""

    generator: nn.Module
    discriminator: nn.Module
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation


def batches(config: ConfigDict, num: int) -> Batches:
    """The batches of a training set of `num` examples.

    Raises:
        InputError: If a batch is larger than the set.
    """
    size = config.train.batch_size
    if size > num:
        raise InputError(
            "config.train.batch_size", size, f"the training set has {num} examples only"
        )
    return Batches(num, size, config.seed)


def training(config: ConfigDict, dataset: Dataset) -> Examples:
    """What a run trains on; `config` is its field `model`.

    Raises:
        InputError: If the data doesn't have the classes that the networks are told of.
    """
    return _examples(config.classes, dataset.name, dataset.train, dataset.train_labels)


def held_out(config: ConfigDict, dataset: Dataset) -> Examples:
    """What a run is judged on, as `training`."""
    return _examples(config.classes, dataset.name, dataset.test, dataset.test_labels)


def _examples(classes: int, name: str, x: np.ndarray, labels: np.ndarray | None) -> Examples:
    if not classes:
        return Examples(x)
    found = 0 if labels is None else int(labels.max()) + 1
    if classes != found:
        raise InputError("config.model.classes", classes, f"{name} has {found} classes")
    return Examples(x, labels)


def updates_a_round(config: ConfigDict, per_epoch: int) -> tuple[int, int]:
    """k and m: updates of the discriminator and of the generator in a round."""
    unit = {"step": 1, "epoch": per_epoch}[config.schedule.unit]
    return unit * config.schedule.discriminator, unit * config.schedule.generator


def players(config: ConfigDict, shape: tuple[int, ...], per_epoch: int) -> Players:
    """Both players of a run.

    Args:
        config: The run's config.
        shape: Shape of one example.
        per_epoch: Batches in an epoch.

    Raises:
        InputError: If a name is unknown, or a model can't make the shape.
    """
    inputs = prior(config.model)
    generator, discriminator = models.build(config.model, shape, inputs.classes, inputs.codes)
    k, m = updates_a_round(config, per_epoch)
    return Players(
        generator,
        discriminator,
        optimizers.build(config.optim.generator, "generator", m * config.train.steps),
        optimizers.build(config.optim.discriminator, "discriminator", k * config.train.steps),
    )


def state(config: ConfigDict, players: Players, shape: tuple[int, ...]) -> GANState:
    """The state before the first round."""
    inputs = prior(config.model)
    initial = partial(
        init_state,
        config.seed,
        (players.generator, players.generator_optimizer),
        (players.discriminator, players.discriminator_optimizer),
        latent=inputs.dimensions,
        shape=(*shape[:-1], shape[-1] * config.model.discriminator.pack),
        average=config.ema.half_life > 0,
        conditional=inputs.classes > 0,
        memories=memories(config, shape),
    )
    # It runs once: optimizing the program takes ten times as long as running it as it is.
    return jax.jit(initial, compiler_options={"xla_backend_optimization_level": "0"})()


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


def game(config: ConfigDict, players: Players, devices: Devices) -> Game:
    """The rules of a run.

    Raises:
        InputError: If a name is unknown, or choices don't go together.
    """
    model, pack = config.model, config.model.discriminator.pack
    share = devices.share(config.train.batch_size)
    if share % pack:
        why = f"does not divide the {share} examples that a device has of a batch"
        raise InputError("config.model.discriminator.pack", pack, why)
    return Game(
        generator=players.generator.clone(axis_name=devices.axis_name),
        discriminator=players.discriminator.clone(axis_name=devices.axis_name),
        loss=choose("config.loss", config.loss, LOSSES),
        prior=prior(model),
        batch_size=share,
        axis_name=devices.axis_name,
        view=view(config, players.generator.shape)._replace(axis_name=devices.axis_name),
        charge=charge(config.penalty),
        auxiliary=model.auxiliary_weight,
        information=model.codes.weight,
        aggregate=choose(
            "config.model.discriminator.aggregate", model.discriminator.aggregate, AGGREGATES
        ),
    )


def moves(config: ConfigDict, players: Players, devices: Devices) -> Moves:
    """Both players, ready to look at the game and to move.

    Raises:
        InputError: If a name is unknown, or the batch does not divide by the devices.
    """
    return Moves(
        game=game(config, players, devices),
        generator=players.generator_optimizer,
        discriminator=players.discriminator_optimizer,
        ema_decay=ema_decay(config.ema.half_life, config.train.batch_size),
    )


def phases(
    config: ConfigDict, players: Players, per_epoch: int, devices: Devices
) -> tuple[Phase, ...]:
    """A round of the run's scheme, as pure functions.

    Raises:
        InputError: If a name is unknown, or the batch does not divide by the devices.
    """
    if config.schedule.scheme == "simultaneous" and config.schedule.unit == "epoch":
        raise InputError("config.schedule.unit", "epoch", "simultaneous play goes by steps")
    scheme = choose("config.schedule.scheme", config.schedule.scheme, SCHEMES)
    return scheme(moves(config, players, devices), *updates_a_round(config, per_epoch))


def ema_decay(half_life: float, batch_size: int) -> float:
    """Share of the average that outlives an update, half of it outliving `half_life` images."""
    return 0.5 ** (batch_size / half_life) if half_life else 0.0

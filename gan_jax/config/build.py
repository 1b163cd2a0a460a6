"""From a config to the parts of a run: only this file and the rooms' own builders read it."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import numpy as np
import optax
from ml_collections import ConfigDict

from gan_jax import models
from gan_jax.config import rules
from gan_jax.config.fields import INT32
from gan_jax.config.hyperparameters import is_on
from gan_jax.core.devices import Devices
from gan_jax.core.errors import InputError, choose
from gan_jax.data import Dataset
from gan_jax.data.batches import Batches, Examples
from gan_jax.game import optimizers, schemes
from gan_jax.game.averages import AVERAGES
from gan_jax.game.schemes import Phase, Updates
from gan_jax.game.state import GANState, init_state


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


def players(config: ConfigDict, shape: tuple[int, ...], per_epoch: int) -> Players:
    """Both players of a run.

    Args:
        config: The run's config.
        shape: Shape of one example.
        per_epoch: Batches in an epoch.

    Raises:
        InputError: If a name is unknown, or a model can't make the shape.
    """
    rules.check(config, shape)
    inputs = rules.prior(config.model)
    generator, discriminator = models.build(config.model, shape, inputs.classes, inputs.codes)
    differentiable = schemes.chosen(config.schedule).differentiates
    rounds = config.train.steps
    of_discriminator, of_generator = schemes.total_updates(config.schedule, per_epoch, rounds)
    for count in (of_discriminator, of_generator):
        if isinstance(count, int) and count > INT32:  # a number of a program is none yet
            why = f"a player would have {count:,} updates, which are counted up to {INT32:,}"
            raise InputError("config.train.steps", rounds, why)
    return Players(
        generator,
        discriminator,
        optimizers.build(config.optim.generator, "generator", of_generator),
        optimizers.build(
            config.optim.discriminator,
            "discriminator",
            of_discriminator,
            differentiable=differentiable,
        ),
    )


def initial(config: ConfigDict, players: Players, shape: tuple[int, ...]) -> GANState:
    """The state before the first round, as a pure function.

    Raises:
        InputError: If the scheme does not go with an optimizer.
    """
    inputs = rules.prior(config.model)
    first = init_state(
        config.seed,
        (players.generator, players.generator_optimizer),
        (players.discriminator, players.discriminator_optimizer),
        latent=inputs.dimensions,
        shape=(*shape[:-1], shape[-1] * config.model.discriminator.pack),
        average=is_on(config.ema.half_life),
        conditional=inputs.classes > 0,
        discriminator_collections=rules.discriminator_collections(config),
        scale=config.model.generator.initial_scale,
    )
    return schemes.with_memory(config.schedule, first)


def state(config: ConfigDict, players: Players, shape: tuple[int, ...]) -> GANState:
    """The state before the first round; see `initial`."""
    # It runs once: optimizing the program takes ten times as long as running it as it is.
    options = {"xla_backend_optimization_level": "0"}
    return jax.jit(partial(initial, config, players, shape), compiler_options=options)()


def updates(config: ConfigDict, players: Players, devices: Devices) -> Updates:
    """Both players, ready to look at the game and to move.

    Raises:
        InputError: If a name is unknown, or the batch does not divide by the devices.
    """
    average = choose("config.ema.kind", config.ema.kind, AVERAGES)
    return Updates(
        game=rules.game(
            config,
            players.generator,
            players.discriminator,
            devices.share(config.train.batch_size),
            devices.axis_name,
        ),
        generator=players.generator_optimizer,
        discriminator=players.discriminator_optimizer,
        average=average(ema_decay(config.ema.half_life, config.train.batch_size)),
    )


def phases(
    config: ConfigDict, players: Players, per_epoch: int, devices: Devices
) -> tuple[Phase, ...]:
    """A round of the run's scheme, as pure functions.

    Raises:
        InputError: If a name is unknown, the batch does not divide by the devices, or the scheme
            can't be played as often as the config says.
    """
    return schemes.build(config.schedule, updates(config, players, devices), per_epoch)


def ema_decay(half_life: float, batch_size: int) -> float:
    """Share of the average that outlives an update, half of it outliving `half_life` images."""
    return 0.5 ** (batch_size / half_life) if is_on(half_life) else 0.0

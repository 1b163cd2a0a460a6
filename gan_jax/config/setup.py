"""The one reader of a run's config: from it to everything that a run is made of."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gan_jax import data, models
from gan_jax.config import rules
from gan_jax.config.checks import checked
from gan_jax.config.fields import INT32
from gan_jax.config.hyperparameters import is_on, with_numbers
from gan_jax.config.rules import Config
from gan_jax.core.devices import Devices
from gan_jax.core.errors import InputError, choose
from gan_jax.data import Dataset, DataSpec
from gan_jax.data.batches import Batches, Examples
from gan_jax.data.dataset import Conditions
from gan_jax.examples.condition import LABEL, Condition
from gan_jax.game import optimizers, schemes
from gan_jax.game.averages import AVERAGES
from gan_jax.game.objectives import Game
from gan_jax.game.preprocessing import packed
from gan_jax.game.schemes import Phase, Updates
from gan_jax.game.state import GANState, init_state
from gan_jax.metrics import PROTOCOLS, Protocol


class Players(NamedTuple):
    """Both networks and their optimizers."""

    generator: nn.Module
    discriminator: nn.Module
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything that a run is made of, but for its devices and folder.

    Attributes:
        config: The run's config, frozen.
        data: What is known of the data.
        batches: Which examples each update takes.
        players: Both networks and their optimizers.
        updates: Both players' gradients and updates on one device; `updates.game` are the rules.
        protocol: How samples are measured.
        make_round: From updates, which may be laid out over devices, to the phases of a round.
        initial: The state before the first round, as a pure function.
        dataset: The data themselves, or None where only the `data` spec is at hand.
    """

    config: Config
    data: DataSpec
    batches: Batches
    players: Players
    updates: Updates
    protocol: Protocol
    make_round: Callable[[Updates], tuple[Phase, ...]]
    initial: Callable[[], GANState]
    dataset: Dataset | None = None

    @property
    def game(self) -> Game:
        """The rules, on one device that has the whole batch."""
        return self.updates.game

    def first_state(self) -> GANState:
        """The state before the first round; see `initial`."""
        # It runs once: optimizing the program takes ten times as long as running it as it is.
        options = {"xla_backend_optimization_level": "0"}
        return jax.jit(self.initial, compiler_options=options)()

    def phases(self, devices: Devices) -> tuple[Phase, ...]:
        """A round of the run's scheme, on batches that are laid out over devices.

        Raises:
            InputError: If a batch does not divide by the devices, or their share not into packs.
        """
        share = devices.share(self.game.batch_size)
        return self.make_round(self.updates.over(devices.axis_name, share))

    def with_numbers(self, values: dict[str, Any]) -> "Setup":
        """The same with other numbers by flattened name, which may be arguments of a program."""
        return _assembled(with_numbers(self.config, values), self.data)

    def training(self, dataset: Dataset) -> Examples:
        """What a run trains on, with what the networks are told of it."""
        return self._examples(dataset.train, dataset.train_conditions)

    def held_out(self, dataset: Dataset) -> Examples:
        """The held-out examples, as `training`."""
        return self._examples(dataset.test, dataset.test_conditions)

    def _examples(self, x: Any, conditions: Conditions) -> Examples:
        return Examples(x, self.game.prior.told(conditions))


def build(config: Config, of: Dataset | DataSpec | None = None) -> Setup:
    """Read a config, check it, and put together what it describes.

    Args:
        config: The run's config, from wherever.
        of: Its data, or what is known of them; None: the data are loaded.

    Raises:
        InputError: If a field holds what it may not, choices don't go together, or the data can't
            be read or are not what the config needs.
    """
    config = checked(config)
    of = data.load(config.data) if of is None else of
    dataset, spec = (of, of.spec) if isinstance(of, Dataset) else (None, of)
    _check_data(config, spec)
    setup = replace(_assembled(config, spec), dataset=dataset)
    setup.make_round(setup.updates)  # a scheme refuses what it can't do
    return setup


def _check_data(config: Config, spec: DataSpec) -> None:
    if config.augment.policy and not spec.kind.augmentable:
        why = f"augments images, not {spec.kind.plural}"
        raise InputError("config.augment.policy", config.augment.policy, why)
    if config.train.batch_size > spec.num:
        why = f"the training set has {spec.num} examples only"
        raise InputError("config.train.batch_size", config.train.batch_size, why)
    if config.model.classes and config.model.classes != spec.classes:
        why = f"{spec.name} has {spec.classes} classes"
        raise InputError("config.model.classes", config.model.classes, why)
    for name in rules.prior(config.model).given:
        if name not in spec.conditions:
            why = f"needs the condition {name}, which {spec.name} doesn't have"
            raise InputError("config.model.conditioning", config.model.conditioning, why)


def _assembled(config: Config, spec: DataSpec) -> Setup:
    batches = Batches(spec.num, config.train.batch_size, config.seed)
    players = _players(config, spec, batches.per_epoch)
    average = AVERAGES[config.ema.kind]
    game = rules.game(config, spec.kind, players.generator, players.discriminator)
    return Setup(
        config=config,
        data=spec,
        batches=batches,
        players=players,
        updates=Updates(
            game=game.over(None, game.batch_size),
            generator=players.generator_optimizer,
            discriminator=players.discriminator_optimizer,
            average=average(ema_decay(config.ema.half_life, config.train.batch_size)),
        ),
        protocol=PROTOCOLS[config.eval.protocol],
        make_round=partial(schemes.build, config.schedule, per_epoch=batches.per_epoch),
        initial=partial(_initial, config, spec, players, game),
    )


def _players(config: Config, spec: DataSpec, per_epoch: int) -> Players:
    prior = rules.prior(config.model)
    generator, discriminator = models.build(
        config.model, spec.kind, spec.shape, prior.classes, prior.codes
    )
    differentiable = schemes.chosen(config.schedule).differentiates
    of_discriminator, of_generator = schemes.total_updates(
        config.schedule, per_epoch, config.train.steps
    )
    for count in (of_discriminator, of_generator):
        if isinstance(count, int) and count > INT32:  # a number of a program is none yet
            why = f"a player would have {count:,} updates, which are counted up to {INT32:,}"
            raise InputError("config.train.steps", config.train.steps, why)
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


def _initial(config: Config, spec: DataSpec, players: Players, game: Game) -> GANState:
    pack = game.preprocessing.pack
    condition = game.prior.told(_first_condition(spec))
    first = init_state(
        config.seed,
        (players.generator, players.generator_optimizer),
        (players.discriminator, players.discriminator_optimizer),
        latent=game.prior.dimensions,
        shape=(*spec.shape[:-1], spec.shape[-1] * pack),
        average=is_on(config.ema.half_life),
        conditions=(condition, packed(jax.tree.map(partial(_repeated, pack), condition), pack)),
        collections=rules.discriminator_collections(config),
        scale=config.model.generator.initial_scale,
    )
    return schemes.with_memory(config.schedule, first)


def _first_condition(spec: DataSpec) -> Condition:
    """The condition of one example, all zeros."""
    zeros = {
        name: jnp.zeros((1, *feature.shape), feature.dtype)
        for name, feature in spec.conditions.items()
    }
    return {LABEL: jnp.zeros(1, jnp.int32), **zeros}


def _repeated(count: int, leaf: jax.Array) -> jax.Array:
    return jnp.repeat(leaf, count, axis=0)


def ema_decay(half_life: float, batch_size: int) -> float:
    """Share of the average that outlives an update, half of it outliving `half_life` images."""
    return 0.5 ** (batch_size / half_life) if is_on(half_life) else 0.0


def with_protocol(setup: Setup, name: str) -> Setup:
    """The same, measured by another protocol.

    Raises:
        InputError: If there is none of that name.
    """
    return replace(setup, protocol=choose("--protocol", name, PROTOCOLS))

"""Combinations that papers warn of: they train, but not as one might hope, and a run says so."""

from collections.abc import Callable
from typing import NamedTuple

from ml_collections import ConfigDict, FrozenConfigDict

from gan_jax.config.fields import flatten

Config = ConfigDict | FrozenConfigDict


class Pitfall(NamedTuple):
    """A combination.

    Attributes:
        keys: The fields that make it.
        holds: Whether a config has it.
        why: What is wrong with it and what to do.
        source: Who says so.
    """

    keys: tuple[str, ...]
    holds: Callable[[Config], bool]
    why: str
    source: str


# Optimizers with a first moment of decay b1, and those with a momentum of their own field.
_WITH_B1 = ("adam", "adamw", "adabelief", "nadam", "radam", "yogi", "lion", "optimistic_adam")
_WITH_MOMENTUM = ("sgd", "momentum", "nesterov", "rmsprop")


def momentum(player: Config) -> float:
    """The decay of the first moment of an optimizer, `config.optim.<player>`; 0: it has none."""
    if player.name in _WITH_B1:
        return player.b1
    return player.momentum if player.name in _WITH_MOMENTUM else 0.0


def _batch_normalized(config: Config) -> bool:
    return config.model.discriminator.norm in ("batch", "local_batch")


def _unbounded_critic(config: Config) -> bool:
    bounds = (
        config.penalty.name != "none",
        config.optim.discriminator.clip_weights > 0,
        config.model.discriminator.norm == "spectral",
    )
    return config.loss == "wasserstein" and not any(bounds)


def _convolutional_with_much_momentum(config: Config) -> bool:
    players = (config.optim.generator, config.optim.discriminator)
    much = any(player.name in _WITH_B1 and player.b1 >= 0.9 for player in players)
    return config.model.name in ("cnn", "dcgan") and much


PITFALLS = (
    Pitfall(
        ("penalty.name", "model.discriminator.norm"),
        lambda config: (
            config.penalty.name in ("gradient", "one_sided_gradient") and _batch_normalized(config)
        ),
        "the penalty is on each example's own gradient, and batch normalization ties the examples "
        "of a batch together: layer normalization does not",
        "Gulrajani et al., 2017, arXiv:1704.00028, section 4",
    ),
    Pitfall(
        ("loss", "penalty.name"),
        _unbounded_critic,
        "nothing bounds the critic's slope, so its loss has no bound: set "
        "config.optim.discriminator.clip_weights, a penalty or spectral normalization",
        "Arjovsky et al., 2017, arXiv:1701.07875, section 3",
    ),
    Pitfall(
        ("loss", "optim.discriminator.name", "optim.discriminator.clip_weights"),
        lambda config: (
            config.loss == "wasserstein"
            and config.optim.discriminator.clip_weights > 0
            and momentum(config.optim.discriminator) > 0
        ),
        "a critic with clipped weights can become unstable under momentum: rmsprop without any "
        "is what the paper uses",
        "Arjovsky et al., 2017, arXiv:1701.07875, section 4",
    ),
    Pitfall(
        ("loss",),
        # Unrolling needs one value for both players, and foresees the saturation.
        lambda config: config.loss == "minimax" and config.schedule.scheme != "unrolled",
        "the generator's gradient vanishes where the discriminator is sure of its samples, as it "
        "is early in training: non_saturating has the same fixed point",
        "Goodfellow et al., 2014, arXiv:1406.2661, section 3",
    ),
    Pitfall(
        ("optim.generator.b1", "optim.discriminator.b1"),
        _convolutional_with_much_momentum,
        "a b1 of 0.9 made convolutional GANs oscillate, 0.5 steadied them",
        "Radford et al., 2015, arXiv:1511.06434, section 4",
    ),
    Pitfall(
        ("loss", "penalty.name"),
        lambda config: config.loss == "relativistic_pairing" and config.penalty.name == "none",
        "without a penalty this loss need not converge: r1_r2 makes it do so locally",
        "Huang et al., 2024, arXiv:2501.05441, section 2",
    ),
)


def warnings(config: Config) -> list[str]:
    """One line for each of `PITFALLS` that a checked config has."""
    return [_line(config, pitfall) for pitfall in PITFALLS if pitfall.holds(config)]


def _line(config: Config, pitfall: Pitfall) -> str:
    values = flatten(config)
    fields = ", ".join(f"config.{key}={values[key]}" for key in pitfall.keys)
    return f"warning: {fields}: {pitfall.why} ({pitfall.source})"

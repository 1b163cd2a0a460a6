"""The run's config: what a field may hold, and how it looks flattened."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from gan_jax.core.errors import InputError


class Rule(NamedTuple):
    """What a field may hold.

    Attributes:
        holds: Whether a value will do.
        says: The rule in words.
    """

    holds: Callable[[Any], bool]
    says: str


COUNT = Rule(lambda value: value >= 1, "must be at least 1")
NOT_NEGATIVE = Rule(lambda value: 0 <= value < float("inf"), "must be at least 0 and finite")
POSITIVE = Rule(lambda value: 0 < value < float("inf"), "must be above 0 and finite")
SHARE = Rule(lambda value: 0 <= value < 1, "must be at least 0 and below 1")
NAMED = Rule(lambda value: bool(value), "must name a choice")
ANY = Rule(lambda value: True, "")

_PLAYER_RULES = {
    "name": NAMED,
    "learning_rate": POSITIVE,
    "decay": NAMED,
    "b1": SHARE,
    "b2": SHARE,
    "momentum": Rule(lambda value: -1 < value < 1, "must be above -1 and below 1"),
    "warmup": NOT_NEGATIVE,
    "clip": NOT_NEGATIVE,
    "clip_weights": NOT_NEGATIVE,
    "stop": NOT_NEGATIVE,
}

RULES = {
    "seed": Rule(lambda value: 0 <= value < 2**32, "must be in [0, 2^32)"),
    "data.name": NAMED,
    "data.source": NAMED,
    "data.data_dir": NAMED,
    "data.raw_dir": ANY,
    "data.image_size": COUNT,
    "model.name": NAMED,
    "model.latent": COUNT,
    "model.prior": NAMED,
    "model.classes": NOT_NEGATIVE,
    "model.dtype": NAMED,
    "model.conditioning": NAMED,
    "model.generator.width": COUNT,
    "model.generator.depth": COUNT,
    "model.generator.activation": NAMED,
    "model.generator.norm": NAMED,
    "model.generator.initial_scale": POSITIVE,
    "model.discriminator.width": COUNT,
    "model.discriminator.depth": COUNT,
    "model.discriminator.activation": NAMED,
    "model.discriminator.kernel": COUNT,
    "model.discriminator.norm": NAMED,
    "model.discriminator.dropout": SHARE,
    "model.discriminator.minibatch": NAMED,
    "model.discriminator.count": COUNT,
    "model.discriminator.aggregate": NAMED,
    "model.discriminator.pack": COUNT,
    "model.codes.categories": NOT_NEGATIVE,
    "model.codes.continuous": NOT_NEGATIVE,
    "model.codes.weight": NOT_NEGATIVE,
    "model.auxiliary_weight": NOT_NEGATIVE,
    "loss": NAMED,
    "smoothing": SHARE,
    "penalty.name": NAMED,
    "penalty.weight": NOT_NEGATIVE,
    "penalty.every": COUNT,
    "noise.deviation": NOT_NEGATIVE,
    "noise.updates": NOT_NEGATIVE,
    "augment.policy": ANY,
    "augment.probability": Rule(lambda value: 0 <= value <= 1, "must be in [0, 1]"),
    "augment.target": SHARE,
    "augment.images": COUNT,
    **{f"optim.generator.{name}": rule for name, rule in _PLAYER_RULES.items()},
    **{f"optim.discriminator.{name}": rule for name, rule in _PLAYER_RULES.items()},
    "schedule.scheme": NAMED,
    "schedule.discriminator": COUNT,
    "schedule.generator": COUNT,
    "schedule.unit": Rule(lambda value: value in ("step", "epoch"), "choose from epoch, step"),
    "schedule.warmup_rounds": NOT_NEGATIVE,
    "schedule.warmup_discriminator": COUNT,
    "schedule.unroll": COUNT,
    "schedule.lookahead_rounds": COUNT,
    "schedule.lookahead_share": Rule(lambda value: 0 < value <= 1, "must be above 0, at most 1"),
    "schedule.consensus_weight": NOT_NEGATIVE,
    "schedule.symplectic_weight": NOT_NEGATIVE,
    "schedule.symplectic_align": ANY,
    "ema.kind": NAMED,
    "ema.half_life": NOT_NEGATIVE,
    "train.steps": COUNT,
    "train.batch_size": COUNT,
    "train.rounds_a_dispatch": NOT_NEGATIVE,
    "log.every": COUNT,
    "eval.every": COUNT,
    "eval.protocol": NAMED,
    "eval.diagnostics": ANY,
    "checkpoint.every": COUNT,
    "checkpoint.keep": COUNT,
}


def flatten(config: ConfigDict | dict, prefix: str = "") -> dict[str, Any]:
    """The config as {"train.steps": 1000, …}."""
    flat = {}
    for name, value in config.items():
        nested = isinstance(value, (ConfigDict, dict))
        flat |= flatten(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return flat


def check(config: ConfigDict, rules: Mapping[str, Rule] = RULES) -> None:
    """Check every field on its own; those that build something check what goes together.

    Args:
        config: The config.
        rules: What its fields may hold, by flattened name; a run's if not told otherwise.

    Raises:
        InputError: For the first field that is missing, unknown, or holds what it may not.
    """
    flat = flatten(config)
    for key in sorted(rules.keys() - flat.keys()):
        raise InputError(f"config.{key}", None, "missing, start from a file in configs/")
    for key, value in flat.items():
        if key not in rules:
            raise InputError(f"config.{key}", value, "no such field")
        if value is None:
            raise InputError(f"config.{key}", value, "must have a value")
        if not rules[key].holds(value):
            raise InputError(f"config.{key}", value, rules[key].says)

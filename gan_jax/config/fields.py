"""The run's config: what a field may hold, how it looks flattened, and the check of every field."""

import math
import numbers
from collections.abc import Callable, Collection, Mapping
from functools import reduce
from operator import ge, gt, le, lt
from typing import Any, NamedTuple

from ml_collections import ConfigDict, FrozenConfigDict

from gan_jax.core.errors import InputError
from gan_jax.core.names import did_you_mean, nearest_fields


class Rule(NamedTuple):
    """What a field may hold.

    Attributes:
        kind: Its type, one of `KINDS`.
        holds: Whether a value of that type will do.
        says: The rule in words.
    """

    kind: type
    holds: Callable[[Any], bool]
    says: str


# What a value of each type is called in messages.
KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
INT32 = 2**31 - 1  # what JAX and optax count in
HUGE = 10**9  # no rate, weight, bound or number of rounds is near it


def whole(low: int, high: int) -> Rule:
    """Whole numbers from `low` to `high`, both included."""
    return Rule(int, lambda value: low <= value <= high, f"must be from {low} to {high:,}")


def real(low: float, high: float, *, above: bool = False, below: bool = False) -> Rule:
    """Numbers between `low` and `high`, which are included unless it is `above` or `below`."""
    says = f"must be {'above' if above else 'at least'} {low:,}"
    says += f" and {'below' if below else 'at most'} {high:,}"
    past_low, short_of_high = (gt if above else ge), (lt if below else le)
    return Rule(float, lambda value: past_low(value, low) and short_of_high(value, high), says)


ROUNDS = whole(1, HUGE)
WIDTH = whole(1, 2**16)
BATCH = whole(1, 2**24)
RATE = real(0, 1e18, above=True)  # no size of it harms the program: studies want runs that diverge
WEIGHT = real(0, HUGE)
SHARE = real(0, 1, below=True)
SWITCH = Rule(bool, lambda value: True, "")
NAMED = Rule(str, bool, "must name a choice")
TEXT = Rule(str, lambda value: True, "")
_TURN = whole(1, 100_000)  # updates or epochs in a row
_LAYERS = whole(1, 1_000)
_CODES = whole(0, 2**16)

_PLAYER_RULES = {
    "name": NAMED,
    "learning_rate": RATE,
    "decay": NAMED,
    "b1": SHARE,
    "b2": SHARE,
    "momentum": real(-1, 1, above=True, below=True),
    "warmup": whole(0, INT32),
    "clip": WEIGHT,
    "clip_weights": WEIGHT,
    "stop": whole(0, INT32),
}

RULES = {
    "seed": whole(0, 2**32 - 1),
    "data.name": NAMED,
    "data.source": NAMED,
    "data.data_dir": NAMED,
    "data.raw_dir": TEXT,
    "data.image_size": whole(1, 4_096),
    "model.name": NAMED,
    "model.latent": WIDTH,
    "model.prior": NAMED,
    "model.classes": _CODES,
    "model.dtype": NAMED,
    "model.conditioning": NAMED,
    "model.generator.width": WIDTH,
    "model.generator.depth": _LAYERS,
    "model.generator.activation": NAMED,
    "model.generator.norm": NAMED,
    "model.generator.initial_scale": real(0, HUGE, above=True),
    "model.discriminator.width": WIDTH,
    "model.discriminator.depth": _LAYERS,
    "model.discriminator.activation": NAMED,
    "model.discriminator.kernel": whole(1, 4_096),
    "model.discriminator.norm": NAMED,
    "model.discriminator.dropout": SHARE,
    "model.discriminator.minibatch": NAMED,
    "model.discriminator.count": whole(1, 1_000),
    "model.discriminator.aggregate": NAMED,
    "model.discriminator.pack": whole(1, 1_000),
    "model.codes.categories": _CODES,
    "model.codes.continuous": _CODES,
    "model.codes.weight": WEIGHT,
    "model.auxiliary_weight": WEIGHT,
    "loss": NAMED,
    "smoothing": SHARE,
    "penalty.name": NAMED,
    "penalty.weight": WEIGHT,
    "penalty.every": whole(1, 2**24),  # updates are counted in float32
    "noise.deviation": WEIGHT,
    "noise.updates": whole(0, INT32),
    "augment.policy": TEXT,
    "augment.probability": real(0, 1),
    "augment.target": SHARE,
    "augment.images": whole(1, INT32),
    **{f"optim.generator.{name}": rule for name, rule in _PLAYER_RULES.items()},
    **{f"optim.discriminator.{name}": rule for name, rule in _PLAYER_RULES.items()},
    "schedule.scheme": NAMED,
    "schedule.discriminator": _TURN,
    "schedule.generator": _TURN,
    "schedule.unit": Rule(str, lambda value: value in ("step", "epoch"), "choose from epoch, step"),
    "schedule.warmup_rounds": whole(0, HUGE),
    "schedule.warmup_discriminator": _TURN,
    "schedule.unroll": whole(1, 1_000),
    "schedule.lookahead_rounds": ROUNDS,
    "schedule.lookahead_share": real(0, 1, above=True),
    "schedule.consensus_weight": WEIGHT,
    "schedule.symplectic_weight": WEIGHT,
    "schedule.symplectic_align": SWITCH,
    "ema.kind": NAMED,
    "ema.half_life": real(0, 10**15),
    "train.steps": ROUNDS,
    "train.batch_size": BATCH,
    "train.rounds_a_dispatch": whole(0, 10_000),
    "log.every": ROUNDS,
    "eval.every": ROUNDS,
    "eval.protocol": NAMED,
    "eval.diagnostics": SWITCH,
    "checkpoint.every": ROUNDS,
    "checkpoint.keep": ROUNDS,
}


def flatten(config: ConfigDict | dict, prefix: str = "") -> dict[str, Any]:
    """The config as {"train.steps": 1000, …}."""
    flat = {}
    for name, value in config.items():
        nested = isinstance(value, (ConfigDict, dict))
        flat |= flatten(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return flat


def check(
    config: ConfigDict | FrozenConfigDict, rules: Mapping[str, Rule] = RULES
) -> FrozenConfigDict:
    """Check every field on its own; `gan_jax.config.checks.checked` checks what goes together too.

    Args:
        config: The config, wherever it comes from.
        rules: What its fields may hold, by flattened name; a run's if not told otherwise.

    Returns:
        It with every number in its field's type (1 for a rate is 1.0, 1e4 for a count 10000), not
        to be changed any more.

    Raises:
        InputError: For the first field that is missing, unknown, or holds what it may not.
    """
    flat = flatten(config)
    for key, value in flat.items():
        if key not in rules:
            raise InputError(f"config.{key}", value, no_such_field(key, rules))
    for key in sorted(rules.keys() - flat.keys()):
        raise InputError(f"config.{key}", None, "missing, start from a file in configs/")
    read = config.to_dict()
    for key, value in flat.items():
        *groups, name = key.split(".")
        reduce(dict.__getitem__, groups, read)[name] = _read(key, value, rules[key])
    return FrozenConfigDict(read)


def no_such_field(key: str, fields: Collection[str]) -> str:
    """What to say of a key that is none of the fields: what was meant, where that can be told."""
    meant = did_you_mean(*(f"config.{field}" for field in nearest_fields(key, fields)))
    return f"no such field, {meant}".rstrip(" ,")


def _read(key: str, value: Any, rule: Rule) -> Any:
    """The value in its field's type.

    Raises:
        InputError: If it is of another, or the rule does not hold.
    """
    if value is None:
        raise InputError(f"config.{key}", value, "must have a value")
    read = _as(rule.kind, value)
    if read is None:
        raise InputError(f"config.{key}", value, f"must be {KINDS[rule.kind]}")
    if not rule.holds(read):
        raise InputError(f"config.{key}", value, rule.says)
    return read


def _as(kind: type, value: Any) -> Any:
    """The value as a bool, str, float or int, numpy's numbers included; None if it is none."""
    if kind in (bool, str) or isinstance(value, bool):
        return value if type(value) is kind else None
    if not isinstance(value, numbers.Real):
        return None
    if kind is int:
        return int(value) if abs(value) < math.inf and value == int(value) else None
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits: out of every range
        return math.inf

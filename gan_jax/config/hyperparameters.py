"""Which of a config's fields are numbers of a program, and which are its structure.

Trials that differ only in numbers are one compiled program: it takes the numbers as arguments.
What changes shapes or the graph starts another.
"""

from collections.abc import Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from gan_jax.config.fields import flatten

_PLAYERS = ("generator", "discriminator")

# Optimizers whose momenta are plain factors; others branch on them in Python.
_SMOOTH = (
    *("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "adabelief", "lion"),
    "optimistic_adam",
)
_ALWAYS = {
    "seed",
    *(f"optim.{player}.learning_rate" for player in _PLAYERS),
    "model.generator.initial_scale",
    "model.auxiliary_weight",
    "model.codes.weight",
    "penalty.weight",
    "augment.probability",
    "schedule.lookahead_share",
    "schedule.consensus_weight",
    "schedule.symplectic_weight",
}
# Off at 0, which is another graph.
_STOPS = tuple(f"optim.{player}.stop" for player in _PLAYERS)
_SWITCHES = {
    "smoothing",
    "noise.deviation",
    "ema.half_life",
    *(f"optim.{player}.{name}" for player in _PLAYERS for name in ("clip", "clip_weights")),
    *_STOPS,
}
RATIO = ("schedule.discriminator", "schedule.generator")
COUNTS = (*RATIO, *_STOPS)  # of updates: whole numbers
# Matters to who reports, not to who trains.
_REPORTS = {"log.every", "eval.every", "checkpoint.every", "checkpoint.keep"}


def is_on(number: Any) -> bool:
    """Whether a number that stands for "off" at 0 is on; a program's argument always is."""
    return isinstance(number, jax.core.Tracer) or number != 0


def numbers(config: ConfigDict) -> dict[str, float]:
    """The config's numbers by flattened name, as a program can take them."""
    flat = flatten(config)
    names = _ALWAYS | {name for name in _SWITCHES if is_on(flat[name])}
    for player in _PLAYERS:
        if config.optim[player].name in _SMOOTH:
            names |= {f"optim.{player}.{momentum}" for momentum in ("b1", "b2", "momentum")}
    if _may_vary_ratio(config):
        names |= set(RATIO)
    return {name: flat[name] for name in sorted(names)}


def structure(config: ConfigDict) -> dict[str, Any]:
    """The other fields: trials of one structure can be one program."""
    flat = flatten(config)
    apart = numbers(config).keys() | _REPORTS
    if _constant_rates(config):
        apart = apart | {"train.steps"}
    return {name: value for name, value in flat.items() if name not in apart}


def with_numbers(config: ConfigDict, values: Mapping[str, Any]) -> ConfigDict:
    """The config with numbers by flattened name in place of its own."""
    changed = ConfigDict(config.to_dict())
    with changed.ignore_type():
        changed.update_from_flattened_dict(values)
    return changed


def _constant_rates(config: ConfigDict) -> bool:
    """Whether no learning rate depends on how many updates a player has."""
    return all(
        config.optim[player].decay == "constant" and not config.optim[player].warmup
        for player in _PLAYERS
    )


def _may_vary_ratio(config: ConfigDict) -> bool:
    """Whether k and m can be numbers: taken turn by turn, nothing else depends on them."""
    schedule = config.schedule
    return (
        schedule.scheme == "alternating" and not schedule.warmup_rounds and _constant_rates(config)
    )

"""What a saved run has of its own: a loss, say, that was added to a table where it was trained.

Who only samples, measures or edits needs none of the rules that it was trained by. Where a table
of this program lacks one, another stands in for it; what the state holds of it is left as it is.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ml_collections import ConfigDict, FrozenConfigDict

from gan_jax.config.checks import CHOICES
from gan_jax.config.fields import flatten
from gan_jax.core.errors import InputError
from gan_jax.game import optimizers
from gan_jax.game.augment import AUGMENTATIONS

Path = tuple[str, ...]
_PLAYERS = ("generator", "discriminator")


class StandIn(NamedTuple):
    """What stands in for a choice.

    Attributes:
        name: A choice that every program has.
        holds: Where in a state there is something of it: the path of a subtree, or ().
    """

    name: str
    holds: Path = ()


STAND_INS: Mapping[str, StandIn] = {
    "loss": StandIn("non_saturating"),
    "penalty.name": StandIn("none", ("discriminator", "model_state", "penalty")),
    "schedule.scheme": StandIn("alternating", ("memory",)),
    "ema.kind": StandIn("exponential"),
    "augment.policy": StandIn("", ("discriminator", "model_state", "preprocessing")),
    **{f"optim.{player}.name": StandIn("sgd", (player, "opt_state")) for player in _PLAYERS},
    **{f"optim.{player}.decay": StandIn("constant", (player, "opt_state")) for player in _PLAYERS},
}


def unknown(config: ConfigDict | FrozenConfigDict) -> list[str]:
    """The keys of `STAND_INS` whose choice is in none of this program's tables."""
    values = flatten(config)
    return [key for key in STAND_INS if not _is_known(key, values[key])]


def known(config: ConfigDict | FrozenConfigDict) -> ConfigDict | FrozenConfigDict:
    """The config with a stand-in for each of its unknown choices; itself if it has none."""
    keys = unknown(config)
    if not keys:
        return config
    changed = ConfigDict(config.to_dict())
    changed.update_from_flattened_dict({key: STAND_INS[key].name for key in keys})
    return changed


def own_parts(config: ConfigDict | FrozenConfigDict) -> set[Path]:
    """Where a state of the run holds something of its unknown choices."""
    return {STAND_INS[key].holds for key in unknown(config)} - {()}


def _is_known(key: str, name: str) -> bool:
    if key in CHOICES:
        return name in CHOICES[key]
    if key == "augment.policy":
        return all(part in AUGMENTATIONS for part in name.split(",") if part)
    try:
        optimizers.chosen(f"config.{key}", name)
    except InputError:
        return False
    return True

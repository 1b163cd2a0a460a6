"""The one check that every config passes before anything is built of it, wherever it comes from."""

from collections import ChainMap
from collections.abc import Mapping
from types import MappingProxyType

from ml_collections import ConfigDict, FrozenConfigDict

from gan_jax.config import rules
from gan_jax.config.fields import check, flatten
from gan_jax.core.errors import choose
from gan_jax.data import DATASETS
from gan_jax.game import optimizers
from gan_jax.game.averages import AVERAGES
from gan_jax.game.losses import LOSSES
from gan_jax.game.objectives import AGGREGATES
from gan_jax.game.penalties import PENALTIES
from gan_jax.game.prior import DISTRIBUTIONS
from gan_jax.game.schemes import SCHEMES
from gan_jax.metrics import PROTOCOLS
from gan_jax.models import DTYPES, PAIRS
from gan_jax.models.activations import ACTIVATIONS
from gan_jax.models.conditioning import CONDITIONINGS
from gan_jax.models.minibatch import MINIBATCH
from gan_jax.models.norms import NORMS

_PLAYERS = ("generator", "discriminator")

# The tables themselves, so that what a user adds to one is a choice too.
CHOICES: Mapping[str, Mapping] = MappingProxyType(
    {
        "data.name": DATASETS,
        "model.name": PAIRS,
        "model.prior": DISTRIBUTIONS,
        "model.dtype": DTYPES,
        "model.conditioning": CONDITIONINGS,
        **{f"model.{player}.activation": ACTIVATIONS for player in _PLAYERS},
        **{f"model.{player}.norm": NORMS for player in _PLAYERS},
        "model.discriminator.minibatch": MINIBATCH,
        "model.discriminator.aggregate": AGGREGATES,
        "loss": LOSSES,
        "penalty.name": ChainMap(PENALTIES, {"none": None}),
        **{f"optim.{player}.decay": optimizers.DECAYS for player in _PLAYERS},
        "schedule.scheme": SCHEMES,
        "ema.kind": AVERAGES,
        "eval.protocol": PROTOCOLS,
    }
)


def checked(config: ConfigDict | FrozenConfigDict) -> FrozenConfigDict:
    """A run's config that can be built, as far as that can be told without its data.

    Its fields are known, none is missing, and each has a value of its type and in its range
    (`gan_jax.config.RULES`); each choice is in its table; and what is chosen goes together.

    Args:
        config: The config: from a file, a command line, Python or a run's record.

    Returns:
        It with every number in its field's type, not to be changed any more.

    Raises:
        InputError: For the first thing that is wrong; nothing has been read or written then.
    """
    config = check(config)
    values = flatten(config)
    for key, choices in CHOICES.items():
        choose(f"config.{key}", values[key], choices)
    for player in _PLAYERS:
        optimizers.chosen(f"config.optim.{player}.name", config.optim[player].name)
    rules.check(config)
    return config

"""Optimizers by name, all of them optax's, one for each player on its own."""

import inspect

import optax

from gan_jax.errors import choose

_NAMES = ("sgd", "rmsprop", "adam", "adamw", "adabelief", "nadam", "lion", "radam", "yogi")
OPTIMIZERS = {name: getattr(optax, name) for name in _NAMES}

DECAYS = {
    "constant": lambda rate, updates: rate,
    "linear": lambda rate, updates: optax.linear_schedule(rate, 0.0, updates),
    "cosine": lambda rate, updates: optax.cosine_decay_schedule(rate, updates),
}


def build(config, player: str, updates: int) -> optax.GradientTransformation:
    """The optimizer that `config.optim.<player>` describes.

    An optimizer is given those of the config's hyperparameters that it has: `sgd` takes `momentum`
    and leaves `b1` and `b2` alone.

    Args:
        config: The field `optim.<player>` of the run's config.
        player: "generator" or "discriminator".
        updates: The player's updates in the whole run, the horizon of a decaying learning rate.

    Raises:
        InputError: If the optimizer's or the decay's name is unknown.
    """
    key = f"config.optim.{player}"
    optimizer = choose(f"{key}.name", config.name, OPTIMIZERS)
    decay = choose(f"{key}.decay", config.decay, DECAYS)
    hyperparameters = {
        "b1": config.b1,
        "b2": config.b2,
        "decay": config.b2,  # by rmsprop's name
        "momentum": config.momentum,
    }
    accepted = inspect.signature(optimizer).parameters
    return optimizer(
        decay(config.learning_rate, updates),
        **{name: value for name, value in hyperparameters.items() if name in accepted},
    )

"""Optimizers by name, all of them optax's, one for each player on its own."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib

from gan_jax.config.hyperparameters import is_on
from gan_jax.core.errors import InputError, choose
from gan_jax.core.names import did_you_mean, nearest_choice

Rate = float | optax.Schedule


def schedule_free(
    learning_rate: Rate, b1: float, b2: float, eps_root: float = 0.0
) -> optax.GradientTransformation:
    """Adam whose first moment is replaced by interpolation between an iterate and its average.

    The parameters are y, where gradients are taken; the player is to be used at the average x,
    its `evaluation_params`.

    Args:
        learning_rate: Constant after its warmup.
        b1: Share of the average in y, above 0.
        b2: Adam's second-moment decay.
        eps_root: Added to Adam's second moment.

    Source: Defazio et al., 2024, arXiv:2405.15682, equations 3 to 5.
    """
    adam = optax.adam(learning_rate, b1=0.0, b2=b2, eps_root=eps_root)
    return optax.contrib.schedule_free(adam, learning_rate, b1=b1)


def muon(
    learning_rate: Rate, b1: float, b2: float, eps_root: float = 0.0
) -> optax.GradientTransformation:
    """Momentum b1 orthogonalized for matrices, Adam with b1 and b2 for all that is no matrix.

    Kernels of convolutions are none, having four axes.

    Source: Jordan et al., 2024, https://kellerjordan.github.io/posts/muon.
    """
    adam = {"adam_b1": b1, "adam_b2": b2, "adam_eps_root": eps_root}
    return optax.contrib.muon(learning_rate, beta=b1, **adam)


_NAMES = (
    *("sgd", "rmsprop", "adam", "adamw", "adabelief", "nadam", "lion", "radam", "yogi"),
    "optimistic_gradient_descent",
)
OPTIMIZERS = {
    **{name: getattr(optax, name) for name in _NAMES},
    "momentum": optax.sgd,
    "nesterov": partial(optax.sgd, nesterov=True),
    # Daskalakis et al., 2018, arXiv:1711.00141, algorithm 1, whose Adam has no Nesterov momentum.
    "optimistic_adam": partial(optax.optimistic_adam_v2, nesterov=False),
    "schedule_free": schedule_free,
    "muon": muon,
}

DECAYS = {
    "constant": lambda rate, updates: rate,
    "linear": lambda rate, updates: optax.linear_schedule(rate, 0.0, updates),
    "cosine": lambda rate, updates: optax.cosine_decay_schedule(rate, updates),
}


def build(
    config, player: str, updates: int, *, differentiable: bool = False
) -> optax.GradientTransformation:
    """The optimizer that `config.optim.<player>` describes.

    An optimizer is given those of the config's hyperparameters that it has: `sgd` takes `momentum`
    and leaves `b1` and `b2` alone. A name that is not in the table is looked up in optax.

    Args:
        config: The field `optim.<player>` of the run's config.
        player: "generator" or "discriminator".
        updates: The player's updates in the whole run, the horizon of a decaying learning rate.
        differentiable: Whether its updates will be differentiated. Adam's root of a second moment
            has no derivative at 0, where a gradient that is 0 puts it; it then gets an `eps_root`
            of 1e-16, the square of its `eps`.

    Raises:
        InputError: If the optimizer's or the decay's name is unknown, or what is asked for does
            not go together.
    """
    key = f"config.optim.{player}"
    optimizer = chosen(f"{key}.name", config.name)
    rate = _rate(config, key, updates)
    if config.name.startswith("schedule_free"):
        _check_schedule_free(config, key)
    hyperparameters = {
        "b1": config.b1,
        "b2": config.b2,
        "decay": config.b2,  # by rmsprop's name
        "momentum": config.momentum,
    }
    if differentiable:
        hyperparameters["eps_root"] = 1e-16
    accepted = inspect.signature(optimizer).parameters
    made = optimizer(
        rate, **{name: value for name, value in hyperparameters.items() if name in accepted}
    )
    if is_on(config.clip):
        made = optax.chain(optax.clip_by_global_norm(config.clip), made)
    if is_on(config.clip_weights):
        made = optax.chain(made, clip_weights(config.clip_weights))
    if is_on(config.stop):
        # The outermost: not even weight decay changes a player that has stopped.
        made = optax.conditionally_mask(made, lambda update: update < config.stop)
    return made


def chosen(key: str, name: str) -> Callable[..., optax.GradientTransformation]:
    """The optimizer of a name: of the table, or else optax's.

    Raises:
        InputError: If there is none, or optax's wants more than gradients and a learning rate.
    """
    return OPTIMIZERS.get(name) or _from_optax(key, name)


def clip_weights(bound: float) -> optax.GradientTransformation:
    """Shorten updates so that every parameter ends in [-bound, bound], to rounding.

    Last in a chain: it needs the parameters, and the updates as they will be added.

    Source: Arjovsky et al., 2017, arXiv:1701.07875, algorithm 1, line 7.
    """

    def shorten(updates, params):
        moved = optax.apply_updates(params, updates)
        inside = optax.tree.clip(moved, -bound, bound)
        return optax.tree.sub(inside, params)

    return optax.stateless(shorten)


def evaluation_params(opt_state: Any, params: Any) -> Any | None:
    """The parameters that the player is used with, where its optimizer has others, or None."""

    def is_schedule_free(node):
        return isinstance(node, optax.contrib.ScheduleFreeState)

    for node in jax.tree.leaves(opt_state, is_leaf=is_schedule_free):
        if is_schedule_free(node):
            return optax.contrib.schedule_free_eval_params(node, params)
    return None


def _rate(config, key: str, updates: int) -> Rate:
    """The learning rate over a player's updates: a linear rise to it, then its decay."""
    decay = choose(f"{key}.decay", config.decay, DECAYS)
    if not config.warmup:
        return decay(config.learning_rate, updates)
    if config.warmup >= updates:
        raise InputError(f"{key}.warmup", config.warmup, f"the player has {updates} updates only")
    # No update is wasted at a rate of 0: the first of n has 1/(n + 1), and the next after them 1.
    first = config.learning_rate / (config.warmup + 1)
    rise = optax.linear_schedule(first, config.learning_rate, config.warmup)
    rest = decay(config.learning_rate, updates - config.warmup)
    rest = rest if callable(rest) else optax.constant_schedule(rest)
    return optax.join_schedules([rise, rest], [config.warmup])


def _from_optax(key: str, name: str) -> Callable[..., optax.GradientTransformation]:
    """optax's function of that name, if it makes an optimizer from a learning rate."""
    for module in (optax, optax.contrib):
        found = getattr(module, name, None)
        public = inspect.isfunction(found) and not name.startswith(("_", "scale_by"))
        if public and "learning_rate" in inspect.signature(found).parameters:
            _try(found, key, name)
            return found
    choices = ", ".join(sorted(OPTIMIZERS))
    why = f"unknown, {did_you_mean(nearest_choice(name, OPTIMIZERS))}choose from {choices}"
    raise InputError(key, name, f"{why} or optax's with a learning rate")


def _try(optimizer: Callable[..., optax.GradientTransformation], key: str, name: str) -> None:
    """Refuse one that wants more than gradients and a scheduled rate, a loss for example."""
    params = {"kernel": jnp.zeros((2, 2)), "bias": jnp.zeros(2)}

    def move():
        made = optimizer(optax.constant_schedule(0.1))
        return made.update(params, made.init(params), params)

    try:
        jax.eval_shape(move)
    except Exception as error:
        why = "optax's wants more than gradients and a learning rate that may change"
        raise InputError(key, name, f"{why} ({type(error).__name__})") from error


def _check_schedule_free(config, key: str) -> None:
    """Refuse what schedule-free has no meaning for."""
    for field, constant in (("decay", "constant"), ("stop", 0)):
        if config[field] != constant:
            raise InputError(f"{key}.{field}", config[field], "schedule-free needs a constant rate")
    if config.b1 == 0:
        raise InputError(f"{key}.b1", config.b1, "schedule-free needs a b1 above 0")

"""Who is updated when: a scheme makes a round of both players' updates."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gan_jax.game.schemes.alternating import alternating, one_update
from gan_jax.game.schemes.extragradient import extragradient
from gan_jax.game.schemes.field import consensus, symplectic
from gan_jax.game.schemes.joint import joint
from gan_jax.game.schemes.lookahead import lookahead, slow_weights
from gan_jax.game.schemes.past import extrapolation_from_past, zero_gradients
from gan_jax.game.schemes.phase import Phase, Step, total_updates, updates_per_round
from gan_jax.game.schemes.simultaneous import simultaneous
from gan_jax.game.schemes.unrolled import unrolled
from gan_jax.game.schemes.updates import Updates
from gan_jax.game.state import GANState

__all__ = [
    "SCHEMES",
    "Phase",
    "Step",
    "Updates",
    "build",
    "chosen",
    "one_update",
    "total_updates",
    "updates_per_round",
    "with_memory",
]


class Scheme(NamedTuple):
    """A scheme.

    Attributes:
        build: (updates, `config.schedule`, batches in an epoch) to a round's phases.
        memory: What the scheme remembers between rounds, before the first: a function of the state.
        differentiates: Whether it differentiates the discriminator's optimizer.
    """

    build: Callable[[Updates, Any, int], tuple[Phase, ...]]
    memory: Callable[[GANState], Any] = lambda state: {}
    differentiates: bool = False


SCHEMES = {
    "alternating": Scheme(alternating),
    "simultaneous": Scheme(simultaneous),
    "joint": Scheme(joint),
    "extragradient": Scheme(extragradient),
    "extrapolation_from_past": Scheme(extrapolation_from_past, zero_gradients),
    "unrolled": Scheme(unrolled, differentiates=True),
    "lookahead": Scheme(lookahead, slow_weights),
    "consensus": Scheme(consensus),
    "symplectic": Scheme(symplectic),
}


def chosen(config) -> Scheme:
    """The scheme that `config.schedule` names."""
    return SCHEMES[config.scheme]


def build(config, updates: Updates, per_epoch: int) -> tuple[Phase, ...]:
    """A round of the scheme that `config.schedule` describes.

    Args:
        config: The field `schedule` of the run's config.
        updates: Both players' gradients and updates.
        per_epoch: Batches in an epoch.

    Raises:
        InputError: If the scheme can't update as often as the config says.
    """
    return chosen(config).build(updates, config, per_epoch)


def with_memory(config, state: GANState) -> GANState:
    """The state before the first round with what the scheme of `config.schedule` remembers.

    Raises:
        InputError: If the scheme does not go with an optimizer.
    """
    return state.replace(memory=chosen(config).memory(state))

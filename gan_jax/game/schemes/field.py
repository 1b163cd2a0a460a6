"""Schemes that adjust both players' joint gradient field by its own derivative.

With xi = (grad_theta L_G, grad_phi L_D), a function of both players' parameters at once, and J its
Jacobian, they descend xi + J^T xi times something. Nobody is frozen here: J is made of how either
player's gradient changes with the other.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gan_jax.data.batches import Examples
from gan_jax.game.schemes.phase import Phase, refuse_counts
from gan_jax.game.schemes.simultaneous import update_both
from gan_jax.game.schemes.updates import Updates, round_key
from gan_jax.game.state import GANState
from gan_jax.game.update import Gradient, make_gradient

Joint = dict[str, Any]
"""{"generator": a tree like its parameters, "discriminator": likewise}."""


class Field(NamedTuple):
    """The joint field at a point, over the global batch.

    Attributes:
        xi: Both players' gradients.
        seen: By player, its mutable collections afterwards and its measurements.
        transposed: v to J^T v.
        forward: v to J v.
    """

    xi: Joint
    seen: dict[str, tuple[Any, dict[str, jax.Array]]]
    transposed: Callable[[Joint], Joint]
    forward: Callable[[Joint], Joint]


def consensus(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """Both gradients and gamma times that of their squared norm: xi + gamma grad |xi|^2 / 2.

    grad |xi|^2 / 2 is J^T xi; gamma is `config.consensus_weight`.

    Source: Mescheder et al., 2017, arXiv:1705.10461, algorithm 2, where v = -xi is the field.

    Raises:
        InputError: If a player would be updated more than once a round.
    """
    del per_epoch
    weight = config.consensus_weight

    def adjust(field: Field) -> Joint:
        return optax.tree.add_scale(field.xi, weight, field.transposed(field.xi))

    return _adjusted(updates, config, adjust)


def symplectic(updates: Updates, config, per_epoch: int) -> tuple[Phase, ...]:
    """Symplectic gradient adjustment: xi + lambda A^T xi, with A = (J - J^T) / 2.

    lambda is `config.symplectic_weight`. With `config.symplectic_align` its sign is that of
    <xi, g> <A^T xi, g> / d + 1/10, where g = J^T xi and d counts the parameters: towards stable
    fixed points and away from unstable ones.

    Source: Balduzzi et al., 2018, arXiv:1802.05642, algorithms 1 and 2.

    Raises:
        InputError: If a player would be updated more than once a round.
    """
    del per_epoch
    weight, align = config.symplectic_weight, config.symplectic_align

    def adjust(field: Field) -> Joint:
        xi, pulled = field.xi, field.transposed(field.xi)
        turned = optax.tree.scale(0.5, optax.tree.sub(pulled, field.forward(xi)))
        sign = 1.0
        if align:
            towards = optax.tree.vdot(xi, pulled) * optax.tree.vdot(turned, pulled)
            sign = jnp.sign(towards / optax.tree.size(xi) + 0.1)
        return optax.tree.add_scale(xi, weight * sign, turned)

    return _adjusted(updates, config, adjust)


def joint_field(updates: Updates, state: GANState, reals: Examples, key: jax.Array) -> Field:
    """The joint field at the state.

    Args:
        updates: Both players' gradients and updates.
        state: The point.
        reals: A batch of real examples.
        key: Of the noise, which both players share.
    """
    game = updates.game
    generator_gradient = make_gradient(game.generator_objective, None, frozen=False)
    discriminator_gradient = make_gradient(game.discriminator_objective, None, frozen=False)
    seen = reals if game.generator_takes_reals else None

    def field(params: Joint):
        generator = state.generator.replace(params=params["generator"])
        discriminator = state.discriminator.replace(params=params["discriminator"])
        gradients = {
            "generator": generator_gradient(generator, discriminator.variables, seen, key),
            "discriminator": discriminator_gradient(discriminator, generator.variables, reals, key),
        }
        return (
            {name: gradient.params for name, gradient in gradients.items()},
            {
                name: (gradient.model_state, gradient.measurements)
                for name, gradient in gradients.items()
            },
        )

    def mean(tree):
        return tree if game.axis_name is None else lax.pmean(tree, game.axis_name)

    point = {"generator": state.generator.params, "discriminator": state.discriminator.params}
    xi, transpose, learned = jax.vjp(field, point, has_aux=True)
    xi, learned = mean((xi, learned))

    def forward(tangent: Joint) -> Joint:
        return mean(jax.jvp(field, (point,), (tangent,), has_aux=True)[1])

    return Field(xi, learned, lambda cotangent: mean(*transpose(cotangent)), forward)


def _adjusted(updates: Updates, config, adjust: Callable[[Field], Joint]) -> tuple[Phase, ...]:
    refuse_counts(config)

    def phase(state, examples, indices):
        field = joint_field(updates, state, updates.batch(examples, indices[0]), round_key(state))
        params = adjust(field)
        gradients = {name: Gradient(params[name], *field.seen[name]) for name in params}
        return update_both(updates, state, gradients["discriminator"], gradients["generator"])

    return (Phase(phase, repeats=1, batches=1),)

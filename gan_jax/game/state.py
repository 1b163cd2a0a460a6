"""What a GAN in training is, as one immutable tree of arrays."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax
from flax.traverse_util import path_aware_map
from jax.typing import ArrayLike

from gan_jax.core.streams import root, stream
from gan_jax.examples.condition import Condition
from gan_jax.game.optimizers import evaluation_params

Variables = dict[str, Any]
"""What `flax.linen.Module.apply` takes: {"params": …, "batch_stats": …, …}."""


class Player(flax.struct.PyTreeNode):
    """One of the two networks, with what its updates need.

    Attributes:
        params: The network's parameters.
        model_state: Its mutable collections by name ({"batch_stats": …} or {}).
        opt_state: Its optimizer's state.
        updates: int32 [], how often it has been updated.
    """

    params: Any
    model_state: dict[str, Any]
    opt_state: Any
    updates: jax.Array

    @property
    def variables(self) -> Variables:
        """Parameters and mutable collections, as the network's `apply` takes them."""
        return {"params": self.params, **self.model_state}


class GANState(flax.struct.PyTreeNode):
    """A GAN in training.

    Attributes:
        step: int32 [], rounds done.
        key: uint32 [2], the root key's data; every stream of random numbers is derived from it.
        generator: The generator.
        discriminator: The discriminator.
        ema: Moving average of the generator's variables, or None.
        memory: What the scheme remembers from round to round, a tree of arrays.
    """

    step: jax.Array
    key: jax.Array
    generator: Player
    discriminator: Player
    ema: Variables | None
    memory: Any = flax.struct.field(default_factory=dict)

    def generator_variables(self) -> Variables:
        """The generator's variables to sample with: its average, where one is kept."""
        return self.generator.variables if self.ema is None else self.ema


def init_player(
    module: nn.Module,
    optimizer: optax.GradientTransformation,
    key: jax.Array,
    example: jax.Array,
    condition: Condition | None,
    scale: ArrayLike = 1.0,
) -> Player:
    """A player before its first update.

    Args:
        module: The network.
        optimizer: The player's own.
        key: Key of the initial parameters.
        example: An input of the network [1, ...].
        condition: What is asked of it [1, ...], or None.
        scale: Factor on the initial kernels.
    """
    model_state = module.init(key, example, condition, train=False)
    params = path_aware_map(
        lambda path, leaf: scale * leaf if path[-1] == "kernel" else leaf,
        model_state.pop("params"),
    )
    return Player(params, model_state, optimizer.init(params), jnp.zeros((), jnp.int32))


def init_state(
    seed: int,
    generator: tuple[nn.Module, optax.GradientTransformation],
    discriminator: tuple[nn.Module, optax.GradientTransformation],
    *,
    latent: int,
    shape: tuple[int, ...],
    average: bool,
    conditions: tuple[Condition | None, Condition | None] = (None, None),
    collections: Mapping[str, Any] = MappingProxyType({}),
    scale: ArrayLike = 1.0,
) -> GANState:
    """The state at round 0, a function of the seed.

    Args:
        seed: The run's seed.
        generator: The network and its optimizer.
        discriminator: Likewise.
        latent: Dimensions of the generator's input.
        shape: Shape of what the discriminator sees.
        average: Whether to keep a moving average of the generator. It is kept in any case where
            the generator's optimizer has an average of its own.
        conditions: What the generator is told of an example [1, ...], and what the discriminator.
        collections: Collections that the discriminator has beside its network's.
        scale: Factor on the generator's initial kernels.
    """
    key = root(seed)
    of_generator, of_discriminator = conditions
    first = init_player(
        *generator, stream(key, "generator"), jnp.zeros((1, latent)), of_generator, scale
    )
    second = init_player(
        *discriminator, stream(key, "discriminator"), jnp.zeros((1, *shape)), of_discriminator
    )
    second = second.replace(model_state={**second.model_state, **collections})
    average = average or evaluation_params(first.opt_state, first.params) is not None
    # A copy: an average that shares buffers with the parameters can't be donated with them.
    ema = jax.tree.map(jnp.copy, first.variables) if average else None
    return GANState(jnp.zeros((), jnp.int32), jax.random.key_data(key), first, second, ema)

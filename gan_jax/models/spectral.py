"""Spectral normalization (Miyato et al., 2018, arXiv:1802.05957) of all of a player's kernels."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import lax

from gan_jax.examples.condition import Condition

NORMALIZED = ("embedding", "kernel")
_LEAST = 1e-12


class Spectral(nn.Module):
    """A network that computes with each kernel [..., C] over its largest singular value.

    A kernel is a matrix [rest, C] here. Its right singular vector, in the collection
    `batch_stats`, moves by one power iteration an application in training and by none in use.

    Attributes:
        make: The network, but for `axis_name`.
        axis_name: Mapped axis of the global batch, or None.
    """

    make: Callable[..., nn.Module]
    axis_name: str | None = None

    @nn.compact
    def __call__(self, inputs: jax.Array, condition: Condition | None = None, *, train: bool):
        """Call the network on what it takes."""
        player = self.make(axis_name=self.axis_name)

        def call(player):
            return player(inputs, condition, train=train)

        if self.is_initializing():
            outputs = call(player)
            self._largest(player.variables["params"], train)
            return outputs
        largest = self._largest(player.variables["params"], train)

        def normalized(collections):
            return {"params": _over(collections["params"], largest)}

        return nn.map_variables(call, "params", normalized)(player)

    def _largest(self, params, train: bool) -> dict[str, jax.Array]:
        """Estimates of the kernels' largest singular values [], by path."""
        kernels = {
            path: leaf.reshape(-1, leaf.shape[-1])
            for path, leaf in flatten_dict(params, sep="/").items()
            if path.rpartition("/")[2] in NORMALIZED
        }

        def begin() -> dict[str, jax.Array]:
            key = self.make_rng("params")
            return {
                path: _unit(jax.random.normal(jax.random.fold_in(key, number), kernel.shape[1:]))
                for number, (path, kernel) in enumerate(sorted(kernels.items()))
            }

        vectors = self.variable("batch_stats", "right", begin)
        estimates = {
            path: _iterate(kernel, vectors.value[path], train) for path, kernel in kernels.items()
        }
        if train:
            vectors.value = {path: right for path, (right, _) in estimates.items()}
        return {path: largest for path, (_, largest) in estimates.items()}


def _iterate(kernel: jax.Array, right: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
    """A kernel's [M, C] right singular vector [C] and singular value [] (algorithm 1).

    The vectors are constants to any derivative, as in equation 12.
    """
    fixed = lax.stop_gradient(kernel)
    right = _unit(right)  # a generator's moving average of them is shorter
    left = _unit(fixed @ right)
    if train:
        after = left @ fixed
        right = jnp.where(jnp.linalg.norm(after) > _LEAST, _unit(after), right)
    return right, left @ kernel @ right


def _unit(vector: jax.Array) -> jax.Array:
    return vector / jnp.maximum(jnp.linalg.norm(vector), _LEAST)


def _over(params, largest: dict[str, jax.Array]):
    """The parameters with each kernel over its largest singular value; one of zeros stays so."""
    flat = flatten_dict(params, sep="/")
    for path, value in largest.items():
        flat[path] = flat[path] / jnp.where(value > _LEAST, value, 1)
    return unflatten_dict(flat, sep="/")

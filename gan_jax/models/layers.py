"""Layers that give the same numbers whether a batch lives on one device or on many.

They keep the type of what they are given, and do in float32 what bfloat16's 8 bits would bias.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.errors import choose
from gan_jax.streams import example_keys


class Dropout(nn.Module):
    """Dropout whose mask follows the example, not the device that holds it.

    The mask compares single random bytes with the rate, a quarter of the random words that a
    comparison of floats draws. The rate is therefore rounded to 1/256 (255/256 at most), and the
    scale is exact for the rounded rate. Needs the rng stream "dropout" when training.

    Attributes:
        rate: Share of activations set to zero, in [0, 1).
        axis_name: Mapped axis of the global batch, or None.
    """

    rate: float
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Zero a share `rate` of x [N, ...] and scale the rest by 1 / (1 - rate)."""
        dropped = min(round(self.rate * 256), 255)
        if not train or dropped == 0:
            return x
        keys = example_keys(self.make_rng("dropout"), x.shape[0], axis_name=self.axis_name)
        size = x[0].size
        words = jax.vmap(lambda key: jax.random.bits(key, (-(-size // 4),)))(keys)
        octets = lax.bitcast_convert_type(words, jnp.uint8).reshape(x.shape[0], -1)[:, :size]
        keep = (octets >= dropped).reshape(x.shape)
        # In bfloat16 the scale itself would be off by up to 0.4 %, and every activation with it.
        scaled = (x * jnp.float32(256 / (256 - dropped))).astype(x.dtype)
        return jnp.where(keep, scaled, 0)


class BatchNorm(nn.Module):
    """Batch normalization over the global batch (Ioffe and Szegedy, 2015).

    Attributes:
        axis_name: Mapped axis of the global batch, or None.
    """

    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Normalize x [N, ..., C] by the batch's statistics, outside training by running ones."""
        return nn.BatchNorm(
            use_running_average=not train,
            momentum=0.9,
            # Flax accepts an axis name in training only inside a mapped function.
            axis_name=self.axis_name if train else None,
            dtype=x.dtype,  # of the result; Flax computes the statistics in float32 at least
        )(x)


class Identity(nn.Module):
    """No normalization."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Return x."""
        del train
        return x


NORMS = {"batch": BatchNorm, "none": Identity}


def norm(player: str, name: str, axis_name: str | None) -> nn.Module:
    """The normalization layer called `name` for `player` ("generator" or "discriminator").

    Raises:
        InputError: If there is none of that name.
    """
    return choose(f"config.model.{player}.norm", name, NORMS)(axis_name=axis_name)

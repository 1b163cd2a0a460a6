"""Dropout that gives the same numbers whether a batch lives on one device or on many."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.core.streams import example_keys


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

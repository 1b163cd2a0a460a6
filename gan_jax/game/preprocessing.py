"""What is done to examples before the discriminator takes them: augmentation, noise, packs."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.core.streams import example_keys, stream
from gan_jax.game.augment import Augmentation

Memory = dict[str, jax.Array]


class Noise(NamedTuple):
    """Instance noise (Sønderby et al., 2017, arXiv:1610.04490, section 3.3).

    Attributes:
        deviation: Standard deviation at first, in the units of the examples.
        updates: Discriminator updates over which it falls linearly to zero; 0: it stays.
    """

    deviation: float
    updates: int


class Preprocessing(NamedTuple):
    """What is done to examples, real and fake alike.

    What changes in the course of a run is a collection of the discriminator's, its memory: the
    generator's updates use it too, and leave it alone.

    Attributes:
        pack: Examples discriminated at once, stacked in their channels (PacGAN, Lin et al., 2018,
            arXiv:1712.04086).
        noise: Instance noise, or None.
        augmentation: Differentiable augmentation, or None.
        axis_name: Mapped axis of the global batch, or None.
    """

    pack: int = 1
    noise: Noise | None = None
    augmentation: Augmentation | None = None
    axis_name: str | None = None

    def initial(self) -> Memory:
        """The memory before the first update."""
        memory = {"updates": jnp.float32(0)} if self.noise and self.noise.updates else {}
        if self.augmentation and self.augmentation.adapts:
            memory["probability"] = jnp.float32(0)
        return memory

    def __call__(self, x: jax.Array, key: jax.Array, memory: Memory) -> jax.Array:
        """Examples x [N, ...] as the discriminator takes them [N / pack, ...]."""
        if self.augmentation:
            keys = self._keys(x, stream(key, "augmentation"))
            x = self.augmentation(x, keys, memory.get("probability"))
        if self.noise:
            keys = self._keys(x, stream(key, "noise"))
            noise = jax.vmap(lambda key: jax.random.normal(key, x.shape[1:]))(keys)
            x = x + self._deviation(memory) * noise.astype(x.dtype)
        return packed(x, self.pack)

    def updated(self, memory: Memory, real_logits: jax.Array) -> Memory:
        """The memory after one of the discriminator's updates."""
        updated = dict(memory)
        if "updates" in memory:
            updated["updates"] = memory["updates"] + 1
        if "probability" in memory:
            sign = jnp.mean(jnp.sign(lax.stop_gradient(real_logits)))
            sign = sign if self.axis_name is None else lax.pmean(sign, self.axis_name)
            updated["probability"] = self.augmentation.adapted(memory["probability"], sign)
        return updated

    def _deviation(self, memory: Memory) -> jax.Array | float:
        if not self.noise.updates:
            return self.noise.deviation
        return self.noise.deviation * jnp.maximum(0, 1 - memory["updates"] / self.noise.updates)

    def _keys(self, x: jax.Array, key: jax.Array) -> jax.Array:
        return example_keys(key, len(x), axis_name=self.axis_name)


def packed(tree: Any, pack: int) -> Any:
    """Arrays [N, ..., C] in packs of neighbours [N / pack, ..., pack * C], [N] as [N / pack, pack].

    Args:
        tree: A tree of arrays, such as examples and their conditions.
        pack: Examples a pack.
    """
    return tree if pack == 1 else jax.tree.map(lambda leaf: _packed(leaf, pack), tree)


def _packed(x: jax.Array, pack: int) -> jax.Array:
    groups = x.reshape(-1, pack, *x.shape[1:])
    if x.ndim == 1:
        return groups
    groups = jnp.moveaxis(groups, 1, -2)
    return groups.reshape(*groups.shape[:-2], -1)

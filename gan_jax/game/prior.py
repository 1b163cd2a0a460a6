"""Where the generator's inputs come from."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.streams import latents, stream


class Draw(NamedTuple):
    """What a batch of fakes is made from.

    Attributes:
        z: The generator's input [N, L]: noise, then codes.
        labels: Classes asked for, int32 [N], or None where the GAN knows no classes.
        categories: The categorical code, int32 [N], or None.
        continuous: The continuous codes [N, C] in [-1, 1), or None.
    """

    z: jax.Array
    labels: jax.Array | None = None
    categories: jax.Array | None = None
    continuous: jax.Array | None = None


class Prior(NamedTuple):
    """The distribution of the generator's inputs.

    Attributes:
        noise: Dimensions of standard normal noise.
        classes: Classes to ask for, uniformly; 0: none.
        categories: Values of the categorical code, uniformly; 0: no such code.
        continuous: Continuous codes, uniform in [-1, 1).

    The codes are InfoGAN's (Chen et al., 2016, arXiv:1606.03657, section 7).
    """

    noise: int
    classes: int = 0
    categories: int = 0
    continuous: int = 0

    @property
    def dimensions(self) -> int:
        """L, of the generator's input."""
        return self.noise + self.codes

    @property
    def codes(self) -> int:
        """Numbers that the codes take in it, a category as a one-hot vector."""
        return self.categories + self.continuous

    def draw(self, keys: jax.Array) -> Draw:
        """One input a key [N]."""
        z, drawn = [latents(keys, self.noise)], {}
        if self.classes:
            drawn["labels"] = _integers(keys, "labels", self.classes)
        if self.categories:
            drawn["categories"] = _integers(keys, "categories", self.categories)
            z.append(jax.nn.one_hot(drawn["categories"], self.categories))
        if self.continuous:
            drawn["continuous"] = _uniform(keys, "continuous", self.continuous)
            z.append(drawn["continuous"])
        return Draw(jnp.concatenate(z, axis=1) if len(z) > 1 else z[0], **drawn)


def _streams(keys: jax.Array, name: str) -> jax.Array:
    return jax.vmap(lambda key: stream(key, name))(keys)


def _integers(keys: jax.Array, name: str, count: int) -> jax.Array:
    return jax.vmap(lambda key: jax.random.randint(key, (), 0, count))(_streams(keys, name))


def _uniform(keys: jax.Array, name: str, count: int) -> jax.Array:
    streams = _streams(keys, name)
    return jax.vmap(lambda key: jax.random.uniform(key, (count,), minval=-1.0))(streams)

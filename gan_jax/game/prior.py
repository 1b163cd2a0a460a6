"""Where the generator's inputs come from."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.core.streams import stream


def normal(keys: jax.Array, dimensions: int) -> jax.Array:
    """Standard normal latents [N, dimensions], one a key [N]."""
    return jax.vmap(lambda key: jax.random.normal(key, (dimensions,)))(keys)


def uniform(keys: jax.Array, dimensions: int) -> jax.Array:
    """Latents [N, dimensions], each number uniform in [-1, 1)."""
    return jax.vmap(lambda key: jax.random.uniform(key, (dimensions,), minval=-1.0))(keys)


def sphere(keys: jax.Array, dimensions: int) -> jax.Array:
    """Latents [N, dimensions] on the sphere of radius sqrt(dimensions), all directions alike.

    In high dimensions normal ones are nearly that; here none is near 0.
    """
    z = normal(keys, dimensions)
    return z * math.sqrt(dimensions) / jnp.linalg.norm(z, axis=1, keepdims=True)


DISTRIBUTIONS = {"normal": normal, "uniform": uniform, "sphere": sphere}


class GeneratorInputs(NamedTuple):
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
        noise: Dimensions of the noise.
        classes: Classes to ask for, uniformly; 0: none.
        categories: Values of the categorical code, uniformly; 0: no such code.
        continuous: Continuous codes, uniform in [-1, 1).
        distribution: Of the noise, one of `DISTRIBUTIONS`.

    The codes are InfoGAN's (Chen et al., 2016, arXiv:1606.03657, section 7).
    """

    noise: int
    classes: int = 0
    categories: int = 0
    continuous: int = 0
    distribution: str = "normal"

    @property
    def dimensions(self) -> int:
        """L, of the generator's input."""
        return self.noise + self.codes

    @property
    def codes(self) -> int:
        """Numbers that the codes take in it, a category as a one-hot vector."""
        return self.categories + self.continuous

    def draw(self, keys: jax.Array) -> GeneratorInputs:
        """One input a key [N]."""
        z, drawn = [DISTRIBUTIONS[self.distribution](keys, self.noise)], {}
        if self.classes:
            drawn["labels"] = _integers(keys, "labels", self.classes)
        if self.categories:
            drawn["categories"] = _integers(keys, "categories", self.categories)
            z.append(jax.nn.one_hot(drawn["categories"], self.categories))
        if self.continuous:
            drawn["continuous"] = _uniform(keys, "continuous", self.continuous)
            z.append(drawn["continuous"])
        return GeneratorInputs(jnp.concatenate(z, axis=1) if len(z) > 1 else z[0], **drawn)


def _streams(keys: jax.Array, name: str) -> jax.Array:
    return jax.vmap(lambda key: stream(key, name))(keys)


def _integers(keys: jax.Array, name: str, count: int) -> jax.Array:
    return jax.vmap(lambda key: jax.random.randint(key, (), 0, count))(_streams(keys, name))


def _uniform(keys: jax.Array, name: str, count: int) -> jax.Array:
    return uniform(_streams(keys, name), count)

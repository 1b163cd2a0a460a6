"""Where the generator's inputs come from."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.core.streams import stream
from gan_jax.examples.condition import LABEL, Condition


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
        z: The generator's latents [N, L]: noise, then codes.
        condition: All that was asked of the fakes, by name, or None where nothing was. "label" is
            a class int32 [N]; "category" int32 [N] and "code" [N, C] in [-1, 1) are InfoGAN's
            codes, which are in z, too; anything else are conditions of the data's own.
    """

    z: jax.Array
    condition: Condition | None = None

    @property
    def labels(self) -> jax.Array | None:
        """The classes asked for, int32 [N], or None."""
        return (self.condition or {}).get(LABEL)


class Prior(NamedTuple):
    """The distribution of the generator's inputs.

    Attributes:
        noise: Dimensions of the noise.
        classes: Classes to ask for, uniformly; 0: none.
        categories: Values of the categorical code, uniformly; 0: no such code.
        continuous: Continuous codes, uniform in [-1, 1).
        distribution: Of the noise, one of `DISTRIBUTIONS`.
        given: Names of conditions that have no distribution here: they are those of real examples.

    The codes are InfoGAN's (Chen et al., 2016, arXiv:1606.03657, section 7).
    """

    noise: int
    classes: int = 0
    categories: int = 0
    continuous: int = 0
    distribution: str = "normal"
    given: tuple[str, ...] = ()

    @property
    def dimensions(self) -> int:
        """L, of the generator's latents."""
        return self.noise + self.codes

    @property
    def codes(self) -> int:
        """Numbers that the codes take in it, a category as a one-hot vector."""
        return self.categories + self.continuous

    def draw(self, keys: jax.Array, of_reals: Condition | None = None) -> GeneratorInputs:
        """One input a key [N].

        Args:
            keys: The keys.
            of_reals: Conditions [N, ...] of as many real examples, where some are `given`.
        """
        z, asked = [DISTRIBUTIONS[self.distribution](keys, self.noise)], {}
        if self.classes:
            asked[LABEL] = _integers(keys, "labels", self.classes)
        if self.categories:
            asked["category"] = _integers(keys, "categories", self.categories)
            z.append(jax.nn.one_hot(asked["category"], self.categories))
        if self.continuous:
            asked["code"] = _uniform(keys, "continuous", self.continuous)
            z.append(asked["code"])
        asked |= {name: of_reals[name] for name in self.given}
        return GeneratorInputs(jnp.concatenate(z, axis=1) if len(z) > 1 else z[0], asked or None)

    def told(self, condition: Condition | None) -> Condition | None:
        """What of a condition the networks are told: all but the codes, which D must find."""
        names = (*((LABEL,) if self.classes else ()), *self.given)
        return {name: condition[name] for name in names} or None


def _streams(keys: jax.Array, name: str) -> jax.Array:
    return jax.vmap(lambda key: stream(key, name))(keys)


def _integers(keys: jax.Array, name: str, count: int) -> jax.Array:
    return jax.vmap(lambda key: jax.random.randint(key, (), 0, count))(_streams(keys, name))


def _uniform(keys: jax.Array, name: str, count: int) -> jax.Array:
    return uniform(_streams(keys, name), count)

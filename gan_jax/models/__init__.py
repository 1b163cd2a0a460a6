"""Generator and discriminator pairs, as pure Linen modules."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.errors import InputError, choose
from gan_jax.models import cnn, dcgan, mlp


class Pair(NamedTuple):
    """A generator, a discriminator, and what images they can make.

    Attributes:
        generator: Module class with fields shape, width, norm, axis_name and dtype.
        discriminator: Module class with fields width, norm, dropout, axis_name and dtype.
        fits: Whether the pair can make examples of a given shape.
        needs: What `fits` asks for, in words.
    """

    generator: type[nn.Module]
    discriminator: type[nn.Module]
    fits: Callable[[tuple[int, ...]], bool]
    needs: str


def _two_halvings(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] % 4 == 0 and shape[1] % 4 == 0


def _down_to_a_small_base(shape: tuple[int, ...]) -> bool:
    return (
        len(shape) == 3 and shape[0] == shape[1] and 4 <= shape[0] >> dcgan.halvings(shape[0]) <= 8
    )


PAIRS = {
    "cnn": Pair(
        cnn.Generator, cnn.Discriminator, _two_halvings, "images with sides divisible by 4"
    ),
    "dcgan": Pair(
        dcgan.Generator,
        dcgan.Discriminator,
        lambda shape: _down_to_a_small_base(shape) and dcgan.halvings(shape[0]) > 0,
        "square images that halve down to 4 to 8 pixels, such as 28, 32 or 64",
    ),
    "mlp": Pair(mlp.Generator, mlp.Discriminator, lambda shape: True, "examples of any shape"),
}


# Types that the networks compute in, all but their last layers: logits and examples would lie on
# bfloat16's grid, whose steps near 1 are half of those between an image's 256 values.
DTYPES = {"bfloat16": jnp.bfloat16, "float32": jnp.float32}


def build(config, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator that `config.model` describes.

    Args:
        config: The field `model` of the run's config.
        shape: Shape of one example.

    Raises:
        InputError: If a name is unknown or the pair can't make examples of that shape.
    """
    pair = choose("config.model.name", config.name, PAIRS)
    dtype = choose("config.model.dtype", config.dtype, DTYPES)
    if not pair.fits(shape):
        key, value = ("config.model.name", config.name)
        if len(shape) == 3:
            key, value = ("config.data.image_size", shape[0])
        raise InputError(
            key, value, f"{config.name} makes {pair.needs}, the data's examples are {shape}"
        )
    fields = _accepted(pair.generator, config.generator)
    generator = pair.generator(shape=shape, dtype=dtype, **fields)
    fields = _accepted(pair.discriminator, config.discriminator)
    return generator, pair.discriminator(dtype=dtype, **fields)


def _accepted(module: type[nn.Module], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the config's fields that the module has: an mlp has no kernel."""
    return {name: value for name, value in fields.items() if name in module.__dataclass_fields__}

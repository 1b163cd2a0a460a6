"""Generator and discriminator pairs, as pure Linen modules."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn

from gan_jax.errors import InputError, choose
from gan_jax.models import cnn, dcgan, mlp


class Pair(NamedTuple):
    """A generator, a discriminator, and what images they can make.

    Attributes:
        generator: Module class with fields shape, width, norm and axis_name.
        discriminator: Module class with fields width, norm, dropout and axis_name.
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


def build(config, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator that `config.model` describes.

    Args:
        config: The field `model` of the run's config.
        shape: Shape of one example.

    Raises:
        InputError: If the name is unknown or the pair can't make examples of that shape.
    """
    pair = choose("config.model.name", config.name, PAIRS)
    if not pair.fits(shape):
        key, value = ("config.model.name", config.name)
        if len(shape) == 3:
            key, value = ("config.data.image_size", shape[0])
        raise InputError(
            key, value, f"{config.name} makes {pair.needs}, the data's examples are {shape}"
        )
    generator = pair.generator(shape=shape, **_accepted(pair.generator, config.generator))
    discriminator = pair.discriminator(**_accepted(pair.discriminator, config.discriminator))
    return generator, discriminator


def _accepted(module: type[nn.Module], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the config's fields that the module has: an mlp has no kernel."""
    return {name: value for name, value in fields.items() if name in module.__dataclass_fields__}

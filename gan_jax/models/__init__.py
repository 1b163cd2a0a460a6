"""Generator and discriminator pairs, as pure Linen modules."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.core.errors import InputError, choose
from gan_jax.examples import IMAGE, ExampleKind
from gan_jax.examples.condition import LABEL
from gan_jax.models import cnn, dcgan, mlp, r3gan, small_dcgan, sngan
from gan_jax.models.conditioning import CONDITIONINGS
from gan_jax.models.resampling import halvings
from gan_jax.models.several import Several
from gan_jax.models.spectral import Spectral


class Pair(NamedTuple):
    """A generator, a discriminator, and what examples they can make.

    Attributes:
        generator: Module class of the kind of `players.Generator`.
        discriminator: Module class of the kind of `players.Discriminator`.
        kinds: Names of the kinds of examples, None: of any.
        fits: Whether the pair can make examples of a given shape of these kinds.
        needs: What it asks for, in words.
    """

    generator: type[nn.Module]
    discriminator: type[nn.Module]
    kinds: tuple[str, ...] | None
    fits: Callable[[tuple[int, ...]], bool]
    needs: str

    def makes(self, kind: ExampleKind, shape: tuple[int, ...]) -> bool:
        """Whether the pair can make such examples."""
        return (self.kinds is None or kind.name in self.kinds) and self.fits(shape)


def _two_halvings(shape: tuple[int, ...]) -> bool:
    return shape[0] % 4 == 0 and shape[1] % 4 == 0


def _down_to_a_small_base(shape: tuple[int, ...]) -> bool:
    if shape[0] != shape[1]:
        return False
    count = halvings(shape[0])
    return count > 0 and 4 <= shape[0] >> count <= 8


def _large_enough(shape: tuple[int, ...]) -> bool:
    return min(shape[:2]) >= 2**small_dcgan.HALVINGS


_IMAGES = (IMAGE.name,)
_SMALL_BASE = "square images that halve down to 4 to 8 pixels, such as 28, 32 or 64"
_NO_SMALLER = f"images of {2**small_dcgan.HALVINGS} pixels a side or more"

PAIRS = {
    "cnn": Pair(
        cnn.Generator,
        cnn.Discriminator,
        _IMAGES,
        _two_halvings,
        "images with sides divisible by 4",
    ),
    "dcgan": Pair(
        dcgan.Generator, dcgan.Discriminator, _IMAGES, _down_to_a_small_base, _SMALL_BASE
    ),
    "mlp": Pair(mlp.Generator, mlp.Discriminator, None, lambda shape: True, "any examples"),
    "r3gan": Pair(
        r3gan.Generator, r3gan.Discriminator, _IMAGES, _down_to_a_small_base, _SMALL_BASE
    ),
    "small_dcgan": Pair(
        small_dcgan.Generator, small_dcgan.Discriminator, _IMAGES, _large_enough, _NO_SMALLER
    ),
    "sngan": Pair(
        sngan.Generator, sngan.Discriminator, _IMAGES, _down_to_a_small_base, _SMALL_BASE
    ),
}


# Types that the networks compute in, all but their last layers: logits and examples would lie on
# bfloat16's grid, whose steps near 1 are half of those between an image's 256 values.
DTYPES = {"bfloat16": jnp.bfloat16, "float32": jnp.float32}

DEFAULT_ACTIVATION = "relu"


def build(
    config, kind: ExampleKind, shape: tuple[int, ...], classes: int = 0, codes: int = 0
) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator that `config.model` describes.

    Args:
        config: The field `model` of the run's config.
        kind: What an example is.
        shape: Shape of one example.
        classes: Classes that the networks are told of, 0: none.
        codes: Latent codes that the discriminator reads.

    Raises:
        InputError: If a name is unknown or something can't be had together.
    """
    pair = choose("config.model.name", config.name, PAIRS)
    _refuse_what_does_not_fit(config, pair, kind, shape, classes)
    conditional = LABEL in CONDITIONINGS[config.conditioning].takes
    shared = {
        "conditioning": config.conditioning,
        "classes": classes if conditional else 0,
        "dtype": choose("config.model.dtype", config.dtype, DTYPES),
    }
    fields = _accepted(pair.generator, config.generator) | shared
    generator = partial(pair.generator, shape=shape, bounded=kind.bounded, **fields)
    fields = _accepted(pair.discriminator, config.discriminator) | shared
    discriminator = partial(pair.discriminator, codes=codes, **fields)
    if config.generator.norm == "spectral":
        generator = partial(Spectral, generator)
    if config.discriminator.norm == "spectral":
        discriminator = partial(Spectral, discriminator)
    if config.discriminator.count > 1:
        discriminator = partial(Several, discriminator, config.discriminator.count)
    return generator(), discriminator()


def _refuse_what_does_not_fit(
    config, pair: Pair, kind: ExampleKind, shape: tuple[int, ...], classes: int
) -> None:
    if not pair.makes(kind, shape):
        key, value = ("config.model.name", config.name)
        if kind.size_field:
            key, value = kind.size_field, shape[0]
        raise InputError(
            key, value, f"{config.name} makes {pair.needs}, the data's examples are {shape}"
        )
    name = config.conditioning
    conditioning = choose("config.model.conditioning", name, CONDITIONINGS)
    if LABEL in conditioning.takes and classes == 0:
        raise InputError("config.model.conditioning", name, "needs config.model.classes")
    for player in ("generator", "discriminator"):
        activation, fields = config[player].activation, getattr(pair, player).__dataclass_fields__
        if activation != DEFAULT_ACTIVATION and "activation" not in fields:
            why = f"{config.name} has its own, leave it at {DEFAULT_ACTIVATION}"
            raise InputError(f"config.model.{player}.activation", activation, why)
        if config.name == "mlp" and config[player].norm == "instance":
            raise InputError(
                f"config.model.{player}.norm", "instance", "an mlp has no positions to average over"
            )


def _accepted(module: type[nn.Module], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the config's fields that the module has: an mlp has no kernel."""
    return {name: value for name, value in fields.items() if name in module.__dataclass_fields__}

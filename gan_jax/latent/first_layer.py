"""What the first layer of a generator does with latents, whatever the architecture.

All generators begin with a dense layer. What goes into layers and comes out of them is noted while
the generator runs, so that normalized kernels count as they are used.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.module import InterceptorContext

from gan_jax.core.errors import InputError
from gan_jax.latent.space import Generate
from gan_jax.models.conv import Conv, ConvTranspose

LAYERS = (nn.Dense, Conv, ConvTranspose)


class FirstLayerValues(NamedTuple):
    """What a call of the generator has shown.

    Attributes:
        linear: What the first layer gives, affine in the latents: [N, F].
        activations: What the second layer takes, after any normalization and nonlinearity between
            them: [N, F'].
    """

    linear: jax.Array
    activations: jax.Array


def record_first_layer(
    generate: Generate, z: jax.Array, labels: jax.Array | None = None
) -> FirstLayerValues:
    """Run the generator and note its first layer.

    Args:
        generate: The generator.
        z: Latents [N, L].
        labels: Classes int32 [N], if it takes any.

    Raises:
        InputError: If its first layer is not dense, or there is no second.
    """
    calls = []

    def interceptor(call: Callable, args: tuple, kwargs: dict, context: InterceptorContext):
        given = call(*args, **kwargs)
        if isinstance(context.module, LAYERS) and len(calls) < 2:
            calls.append((context.module, args[0], given))
        return given

    with nn.intercept_methods(interceptor):
        generate(z, labels)
    if len(calls) < 2 or not isinstance(calls[0][0], nn.Dense):
        raise InputError("--method", "of the first layer", "it is not dense, or there is no second")
    (_, _, given), (_, taken, _) = calls
    return FirstLayerValues(*(x.reshape(len(z), -1).astype(jnp.float32) for x in (given, taken)))

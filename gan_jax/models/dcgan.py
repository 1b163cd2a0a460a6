"""DCGAN (Radford, Metz and Chintala, 2016, arXiv:1511.06434), as deep as the image size asks."""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.examples.condition import Condition
from gan_jax.models import players
from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.output import DiscriminatorOutput
from gan_jax.models.resampling import halvings

SLOPE = 0.2
_INIT = nn.initializers.normal(0.02)


class Generator(players.Generator):
    """Latents [N, L] to images [N, H, W, C] in [-1, 1].

    The attributes are those of `players.Generator`; `width` are the features before the image,
    each layer below has twice as many.
    """

    @nn.compact
    def __call__(
        self, z: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> jax.Array:
        """Map latents z [N, L] to images [N, H, W, C] in [-1, 1]."""
        height, width, channels = self.shape
        depth = halvings(height)
        double = partial(ConvTranspose, kernel_size=(4, 4), strides=2, kernel_init=_INIT)
        features = self.width * 2 ** (depth - 1)
        base = (height >> depth, width >> depth, features)
        x = self.start(z, condition)
        x = nn.Dense(math.prod(base), dtype=self.dtype, kernel_init=_INIT)(x)
        x = nn.relu(self.normalize(x.reshape(-1, *base), train=train))
        for level in reversed(range(depth - 1)):
            x = double(self.width * 2**level, dtype=self.dtype)(x)
            x = nn.relu(self.normalize(x, train=train))
        return self.finish(double(channels, dtype=jnp.float32)(x))


class Discriminator(players.Discriminator):
    """Images [N, H, W, C] in [-1, 1] to a `DiscriminatorOutput`.

    The attributes are those of `players.Discriminator`. Each convolution has twice the features of
    the one before; all but the first are normalized. The paper has no dropout.
    """

    @nn.compact
    def __call__(
        self, x: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> DiscriminatorOutput:
        """Discriminate images [N, H, W, C]."""
        depth = halvings(x.shape[1])
        x = self.start(x, condition)
        for level in range(depth):
            features = self.width * 2**level
            x = Conv(features, (4, 4), (2, 2), dtype=self.dtype, kernel_init=_INIT)(x)
            if level > 0:
                x = self.normalize(x, train=train)
            x = self.drop(nn.leaky_relu(x, SLOPE), train=train)
        return self.output(x, condition, train=train, kernel_init=_INIT)

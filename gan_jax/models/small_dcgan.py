"""The small DCGAN with which unrolled GANs learn stacked MNIST, a discriminator weaker than its
generator.

L. Metz et al., Unrolled Generative Adversarial Networks, ICLR 2017 (arXiv:1611.02163), in the form
that PacGAN's authors published (github.com/fjxmlzn/PacGAN, stacked_MNIST_experiments). Unlike
`dcgan` it has three halvings of any image, kernels of 3, a last convolution that does not double
the image, and a normalization after the discriminator's first layer too.
"""

import math
from collections.abc import Sequence
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.examples.condition import Condition
from gan_jax.models import players
from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.output import DiscriminatorOutput

KERNEL, STRIDES, HALVINGS = (3, 3), (2, 2), 3
SLOPE = 0.3
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
        *sides, channels = self.shape
        # As a discriminator halves them: 28, 14, 7 and 4 pixels.
        *larger, base = [[-(-side // 2**level) for side in sides] for level in range(HALVINGS + 1)]
        first = (*base, self.width * 2**HALVINGS)
        x = self.start(z, condition)
        x = nn.Dense(math.prod(first), dtype=self.dtype, kernel_init=_INIT)(x)
        x = nn.relu(self.normalize(x.reshape(-1, *first), train=train))
        for level in reversed(range(HALVINGS)):
            double = partial(ConvTranspose, padding=_padding_to(larger[level]), kernel_init=_INIT)
            x = double(self.width * 2**level, KERNEL, STRIDES, dtype=self.dtype)(x)
            x = nn.relu(self.normalize(x, train=train))
        return self.finish(Conv(channels, KERNEL, dtype=jnp.float32, kernel_init=_INIT)(x))


class Discriminator(players.Discriminator):
    """Images [N, H, W, C] in [-1, 1] to a `DiscriminatorOutput`.

    The attributes are those of `players.Discriminator`. Each convolution has twice the features of
    the one before; all are normalized.
    """

    @nn.compact
    def __call__(
        self, x: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> DiscriminatorOutput:
        """Discriminate images [N, H, W, C]."""
        x = self.start(x, condition)
        for level in range(HALVINGS):
            features = self.width * 2**level
            x = Conv(features, KERNEL, STRIDES, dtype=self.dtype, kernel_init=_INIT)(x)
            x = nn.leaky_relu(self.normalize(x, train=train), SLOPE)
            x = self.drop(x, train=train)
        return self.output(x, condition, train=train, kernel_init=_INIT)


def _padding_to(sides: Sequence[int]) -> list[tuple[int, int]]:
    """What makes a transposed convolution the adjoint of one that halves images of these sides."""
    halving = lax.padtype_to_pads(sides, KERNEL, STRIDES, "SAME")
    return [
        (size - 1 - before, size - 1 - after)
        for size, (before, after) in zip(KERNEL, halving, strict=True)
    ]

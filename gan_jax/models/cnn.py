"""The convolutional pair of the classic MNIST exercise.

Discriminator: two strided convolutions, each with dropout, and one dense output. Its sigmoid lives
in the loss, so it gives logits. Generator: dense, reshape, two transposed convolutions that double
the image, a final convolution to the image's channels, tanh.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.examples.condition import Condition
from gan_jax.models import players
from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.output import DiscriminatorOutput

SLOPE = 0.2


class Generator(players.Generator):
    """Latents [N, L] to images [N, H, W, C] in [-1, 1]; H and W are multiples of 4.

    The attributes are those of `players.Generator`; `width` are the features of the second
    transposed convolution, the layers before have twice as many.
    """

    @nn.compact
    def __call__(
        self, z: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> jax.Array:
        """Map latents z [N, L] to images [N, H, W, C] in [-1, 1]."""
        height, width, channels = self.shape
        x = nn.Dense(height // 4 * (width // 4) * 2 * self.width, dtype=self.dtype)(
            self.start(z, condition)
        )
        x = x.reshape(-1, height // 4, width // 4, 2 * self.width)
        x = nn.relu(self.normalize(x, train=train))
        for features in (2 * self.width, self.width):
            x = ConvTranspose(features, (4, 4), 2, dtype=self.dtype)(x)
            x = nn.relu(self.normalize(x, train=train))
        return self.finish(Conv(channels, (3, 3), dtype=jnp.float32)(x))


class Discriminator(players.Discriminator):
    """Images [N, H, W, C] in [-1, 1] to a `DiscriminatorOutput`.

    The attributes are those of `players.Discriminator`, and one more. The second convolution has
    twice `width` features; only it is normalized.

    Attributes:
        kernel: Pixels a side of the convolutions' kernels.
    """

    kernel: int = 5

    @nn.compact
    def __call__(
        self, x: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> DiscriminatorOutput:
        """Discriminate images [N, H, W, C]."""
        kernel, strides = (self.kernel,) * 2, (2, 2)
        x = self.start(x, condition)
        x = nn.leaky_relu(Conv(self.width, kernel, strides, dtype=self.dtype)(x), SLOPE)
        x = self.drop(x, train=train)
        x = Conv(2 * self.width, kernel, strides, dtype=self.dtype)(x)
        x = nn.leaky_relu(self.normalize(x, train=train), SLOPE)
        return self.output(self.drop(x, train=train), condition, train=train)

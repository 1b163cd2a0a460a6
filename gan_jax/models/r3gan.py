"""R3GAN's networks (Huang et al., 2024, arXiv:2501.05441, section 3 and appendix).

Residual networks as of today: inverted bottlenecks with grouped convolutions, learned bases at the
ends, bilinear resampling, and initialization in place of normalization. Other than in the paper,
images end in a tanh as everywhere here, features double with each halving, and resampling is by
the symmetric filter (1, 3, 3, 1).
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from gan_jax.examples.condition import Condition
from gan_jax.models import players
from gan_jax.models.conv import Conv
from gan_jax.models.output import DiscriminatorOutput
from gan_jax.models.resampling import double_bilinear, halve_bilinear, halvings

SLOPE = 0.2
EXPANSION = 2  # features of a bottleneck's middle, of its ends'
GROUP = 16  # channels that a grouped convolution mixes
Activation = Callable[[jax.Array], jax.Array]


def _scaled(gain: float) -> nn.initializers.Initializer:
    """Normal weights of standard deviation gain / sqrt(inputs)."""
    return nn.initializers.variance_scaling(gain**2, "fan_in", "normal")


def _mix(features: int, dtype: DTypeLike) -> Conv:
    """A convolution that changes the number of channels only."""
    return Conv(features, (1, 1), use_bias=False, dtype=dtype, kernel_init=_scaled(1.0))


def _block(x: jax.Array, activate: Activation, blocks: int, dtype: DTypeLike) -> jax.Array:
    """x [N, H, W, C] + a bottleneck of it: 1x1, grouped 3x3 and 1x1 convolution.

    The last convolution is zero at first and the others are scaled by blocks^(-1/4), as of Zhang
    et al., 2019, arXiv:1901.09321, for three layers: the network starts as if it had no blocks.
    The layers belong to the network that calls, which has so many `blocks`.
    """
    # A convolution mapped over groups of channels, each with a kernel of its own.
    grouped = nn.vmap(
        Conv, in_axes=-2, out_axes=-2, variable_axes={"params": 0}, split_rngs={"params": True}
    )
    features = x.shape[-1]
    middle = EXPANSION * features
    group = math.gcd(middle, GROUP)
    init = _scaled(math.sqrt(2 / (1 + SLOPE**2)) * blocks**-0.25)
    inner = activate(Conv(middle, (1, 1), dtype=dtype, kernel_init=init)(x))
    spatial = grouped(group, (3, 3), dtype=dtype, kernel_init=init)
    groups = inner.reshape(*inner.shape[:-1], -1, group)
    inner = activate(spatial(groups).reshape(inner.shape))
    zeros = nn.initializers.zeros_init()
    return x + Conv(features, (1, 1), use_bias=False, dtype=dtype, kernel_init=zeros)(inner)


class Generator(players.Generator):
    """Latents [N, L] to images [N, H, W, C] in [-1, 1].

    The attributes are those of `players.Generator`, and one more; `width` are the features at the
    image's size, each lower resolution has twice as many.

    Attributes:
        depth: Blocks a resolution.
    """

    depth: int = 2

    @nn.compact
    def __call__(
        self, z: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> jax.Array:
        """Map latents z [N, L] to images [N, H, W, C] in [-1, 1]."""
        height, width, channels = self.shape
        levels = halvings(height)
        blocks = self.depth * (levels + 1)

        def activate(x):
            return nn.leaky_relu(self.normalize(x, train=train), SLOPE)

        base = (height >> levels, width >> levels, self.width * 2**levels)
        basis = self.param("basis", nn.initializers.normal(1.0), base)
        x = nn.Dense(base[-1], use_bias=False, dtype=self.dtype, kernel_init=_scaled(1.0))(
            self.start(z, condition)
        )
        x = x[:, None, None, :] * basis.astype(self.dtype)
        for level in reversed(range(levels + 1)):
            if level < levels:
                x = double_bilinear(_mix(self.width * 2**level, self.dtype)(x))
            for _ in range(self.depth):
                x = _block(x, activate, blocks, self.dtype)
        return self.finish(_mix(channels, jnp.float32)(x))


class Discriminator(players.Discriminator):
    """Images [N, H, W, C] in [-1, 1] to a `DiscriminatorOutput`: the generator's mirror image.

    The attributes are those of `players.Discriminator`, and one more; dropout, of which the paper
    has none, ends each resolution.

    Attributes:
        depth: Blocks a resolution.
    """

    depth: int = 2

    @nn.compact
    def __call__(
        self, x: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> DiscriminatorOutput:
        """Discriminate images [N, H, W, C]."""
        levels = halvings(x.shape[1])
        blocks = self.depth * (levels + 1)

        def activate(x):
            return nn.leaky_relu(self.normalize(x, train=train), SLOPE)

        x = self.start(x, condition)
        for level in range(levels + 1):
            mix = _mix(self.width * 2**level, self.dtype)
            x = mix(x if level == 0 else halve_bilinear(x))
            for _ in range(self.depth):
                x = _block(x, activate, blocks, self.dtype)
            x = self.drop(x, train=train)
        positions = math.prod(x.shape[1:3])
        basis = self.param("basis", nn.initializers.normal(positions**-0.5), x.shape[1:])
        x = jnp.sum(x.astype(jnp.float32) * basis, axis=(1, 2))
        return self.output(x, condition, train=train, kernel_init=_scaled(1.0))

"""SNGAN's residual networks (Miyato et al., 2018, arXiv:1802.05957, appendix B.4).

Spectral normalization is a choice, `norm="spectral"`, as in every architecture; so is dropout, of
which the paper has none.
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.examples.condition import Condition
from gan_jax.models import players
from gan_jax.models.conv import Conv
from gan_jax.models.output import DiscriminatorOutput
from gan_jax.models.resampling import halve, halvings, repeat


class Generator(players.Generator):
    """Latents [N, L] to images [N, H, W, C] in [-1, 1].

    The attributes are those of `players.Generator`; `width` are the features at the image's size,
    each lower resolution has twice as many.
    """

    @nn.compact
    def __call__(
        self, z: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> jax.Array:
        """Map latents z [N, L] to images [N, H, W, C] in [-1, 1]."""
        height, width, channels = self.shape
        depth = halvings(height)
        conv = partial(Conv, dtype=self.dtype)

        def activate(x):
            return nn.relu(self.normalize(x, train=train))

        base = (height >> depth, width >> depth, self.width * 2**depth)
        x = self.start(z, condition)
        x = nn.Dense(base[0] * base[1] * base[2], dtype=self.dtype)(x).reshape(-1, *base)
        for level in reversed(range(depth)):
            features = self.width * 2**level
            # A 1x1 convolution commutes with the repetition of pixels and is quicker before it.
            shortcut = repeat(conv(features, (1, 1))(x))
            x = conv(features, (3, 3))(repeat(activate(x)))
            x = shortcut + conv(features, (3, 3))(activate(x))
        return self.finish(Conv(channels, (3, 3), dtype=jnp.float32)(activate(x)))


class Discriminator(players.Discriminator):
    """Images [N, H, W, C] in [-1, 1] to a `DiscriminatorOutput`, features summed over positions.

    The attributes are those of `players.Discriminator`; each block has twice the features of the
    one before. Normalization, if any, is where WGAN-GP's networks have it (Gulrajani et al., 2017,
    arXiv:1704.00028): before every activation but the first block's.
    """

    @nn.compact
    def __call__(
        self, x: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> DiscriminatorOutput:
        """Discriminate images [N, H, W, C]."""
        depth = halvings(x.shape[1])
        conv = partial(Conv, dtype=self.dtype)

        def activate(x):
            return nn.relu(self.normalize(x, train=train))

        x = self.start(x, condition)
        for level in range(depth + 1):  # the last keeps the size
            features = self.width * 2**level
            smaller = halve if level < depth else lambda x: x
            shortcut = conv(features, (1, 1))(smaller(x))
            x = conv(features, (3, 3))(x if level == 0 else activate(x))
            x = nn.relu(x) if level == 0 else activate(x)
            x = shortcut + smaller(conv(features, (3, 3))(x))
            x = self.drop(x, train=train)
        x = jnp.sum(activate(x).astype(jnp.float32), axis=(1, 2))
        return self.output(x, condition, train=train)

"""Normalization layers by name. They keep the type of what they are given."""

import flax.linen as nn
import jax

from gan_jax.core.errors import choose

GROUP = 16  # channels a group, at least: the fixed size of Wu and He's table 3


class BatchNorm(nn.Module):
    """Batch normalization over the global batch (Ioffe and Szegedy, 2015).

    Attributes:
        axis_name: Mapped axis of the global batch, or None.
    """

    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Normalize x [N, ..., C] by the batch's statistics, outside training by running ones."""
        return nn.BatchNorm(
            use_running_average=not train,
            momentum=0.9,
            # Flax accepts an axis name in training only inside a mapped function.
            axis_name=self.axis_name if train else None,
            dtype=x.dtype,  # of the result; Flax computes the statistics in float32 at least
        )(x)


class GroupNorm(nn.Module):
    """Normalization of groups of channels over an example's positions (arXiv:1803.08494).

    One group is layer normalization over the whole example (Ba et al., 2016, arXiv:1607.06450),
    groups of one channel are instance normalization (Ulyanov et al., 2016, arXiv:1607.08022). Each
    channel has a scale and a bias of its own.

    Attributes:
        size: Channels a group, at least; as many more as it takes to divide all. None: all.
        axis_name: Not needed: an example is on one device.
    """

    size: int | None
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Normalize x [N, ..., C] by each example's own statistics, in training and in use."""
        del train
        channels = x.shape[-1]
        size = channels if self.size is None else min(self.size, channels)
        while channels % size:
            size += 1
        return nn.GroupNorm(num_groups=None, group_size=size, epsilon=1e-5, dtype=x.dtype)(x)


class Identity(nn.Module):
    """No normalization."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """Return x."""
        del train
        return x


NORMS = {
    "batch": BatchNorm,
    "group": lambda axis_name: GroupNorm(GROUP, axis_name),
    "instance": lambda axis_name: GroupNorm(1, axis_name),
    "layer": lambda axis_name: GroupNorm(None, axis_name),
    "local_batch": lambda axis_name: BatchNorm(None),  # of each device's share of the batch
    "none": Identity,
    "spectral": Identity,  # not of activations: `Spectral` holds the whole player
}


def norm(player: str, name: str, axis_name: str | None) -> nn.Module:
    """The normalization layer called `name` for `player` ("generator" or "discriminator").

    Raises:
        InputError: If there is none of that name.
    """
    return choose(f"config.model.{player}.norm", name, NORMS)(axis_name=axis_name)

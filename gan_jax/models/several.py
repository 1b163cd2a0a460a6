"""Several discriminators as one (Durugkar et al., 2017, arXiv:1611.01673)."""

from collections.abc import Callable

import flax.linen as nn
import jax

from gan_jax.examples.condition import Condition
from gan_jax.models.output import DiscriminatorOutput


class Several(nn.Module):
    """Discriminators of one architecture, each with its own parameters, statistics and dropout.

    Attributes:
        make: A discriminator, but for `axis_name`.
        count: How many.
        axis_name: Mapped axis of the global batch, or None.
    """

    make: Callable[..., nn.Module]
    count: int
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, x: jax.Array, condition: Condition | None = None, *, train: bool
    ) -> DiscriminatorOutput:
        """The outputs of all for examples [N, ...]: arrays [count, N, ...]."""
        output = nn.vmap(
            lambda member, x, condition: member(x, condition, train=train),
            variable_axes={"params": 0, "batch_stats": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=None,
            axis_size=self.count,
        )
        return output(self.make(axis_name=self.axis_name, name="members"), x, condition)

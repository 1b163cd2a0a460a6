"""What a discriminator says of examples."""

from typing import NamedTuple

import jax


class DiscriminatorOutput(NamedTuple):
    """A discriminator's answers on N examples.

    Attributes:
        logits: [N], of being real.
        classes: Logits of their classes [N, C], where it has an auxiliary classifier.
        codes: What it reads of their latent codes [N, Q], where it is asked for them.
    """

    logits: jax.Array
    classes: jax.Array | None = None
    codes: jax.Array | None = None

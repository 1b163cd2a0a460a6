"""What a discriminator gives."""

from typing import NamedTuple

import jax


class DiscriminatorOutput(NamedTuple):
    """A discriminator's outputs for N examples.

    Attributes:
        logits: [N], of being real.
        class_logits: Logits of the examples' classes [N, C], where there is an auxiliary
            classifier.
        codes: Predictions of the latent codes [N, Q], where there are codes: logits of the
            category, then means of the continuous codes.
    """

    logits: jax.Array
    class_logits: jax.Array | None = None
    codes: jax.Array | None = None

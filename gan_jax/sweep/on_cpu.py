"""What suits trials side by side where the device is a CPU."""

import jax

from gan_jax.config.setup import Setup
from gan_jax.core.devices import is_cpu

# Examples of a batch times parameters of both players. On two CPU cores 16 trials in turn took, of
# their time at once, 1.5 (600,000), 0.97 (5 million), 0.84 (18 million) and 0.74 (88 million).
LARGE = 4_000_000


def in_turn(setup: Setup) -> bool:
    """Whether trials on a device are best computed one after the other.

    On a CPU small products of many trials are quicker at once, since each operation of a program
    has its price; large ones one trial after the other, whose parameters then stay in the cache.
    """
    if not is_cpu() or loops_slowly(setup):
        return False
    return setup.game.batch_size * sum(leaf.size for leaf in _parameters(setup)) >= LARGE


def loops_slowly(setup: Setup) -> bool:
    """Whether its steps must not be in a loop: XLA's CPU backend is slow at convolutions there."""
    return is_cpu() and any(leaf.ndim == 4 for leaf in _parameters(setup))


def _parameters(setup: Setup) -> list[jax.ShapeDtypeStruct]:
    state = jax.eval_shape(setup.initial)
    return jax.tree.leaves([state.generator.params, state.discriminator.params])

"""A laboratory for GAN training dynamics in JAX and Flax."""

import sys

from gan_jax.core import signals

__version__ = "0.1.0"

if sys.argv[:1] == ["-m"]:
    # Python still looks for the module to run: one of this package's programs is being started,
    # nobody imports a library. What it imports first takes long enough to be interrupted.
    signals.end_at_once()

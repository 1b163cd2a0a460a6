"""What a trained generator knows: from a checkpoint to paths, geometry, maps and pictures.

Everything here is a function of a generator, a function of latents, which `load` takes from the
folder of any run.
"""

from gan_jax.latent.space import Space, load

__all__ = ["Space", "load"]

"""From an example to its latent: the z whose G(z) is nearest to it.

What is minimised is the mean squared error |G(z) - x|^2 / D of an example of D numbers, where asked
for with a weight on how unlikely z is (Creswell and Bharath, "Inverting the Generator of a
Generative Adversarial Network (II)", 2018, arXiv:1802.05701). Nothing says that the minimum found
is the lowest one: that is what restarts are for.
"""

from gan_jax.latent.inversion.find import METHODS, Inversion, invert

__all__ = ["METHODS", "Inversion", "invert"]

"""The MNIST critic told which digit to make, and asked which it sees (Odena et al., 2017).

python -m gan_jax.main --config=configs/mnist_conditional.py --workdir=runs/mnist_conditional
"""

from ml_collections import ConfigDict

from configs import mnist_wgan_gp


def get_config() -> ConfigDict:
    """The Wasserstein GAN with gradient penalty and an auxiliary classifier."""
    config = mnist_wgan_gp.get_config()
    config.model.classes = 10
    config.model.conditioning = "auxiliary"
    return config

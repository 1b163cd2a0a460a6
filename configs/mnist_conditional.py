"""The MNIST pair told which digit to make, by a projection discriminator (Miyato and Koyama, 2018).

python -m gan_jax.main --config=configs/mnist_conditional.py --workdir=runs/mnist_conditional
"""

from ml_collections import ConfigDict

from configs import mnist


def get_config() -> ConfigDict:
    """The default run, conditional."""
    config = mnist.get_config()
    config.model.classes = 10
    config.model.conditioning = "projection"
    return config

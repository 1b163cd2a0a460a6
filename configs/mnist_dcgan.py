"""DCGAN on MNIST (Radford, Metz and Chintala, 2016), narrow enough for a CPU.

python -m gan_jax.main --config=configs/mnist_dcgan.py --workdir=runs/mnist_dcgan
"""

from ml_collections import ConfigDict

from configs import mnist


def get_config() -> ConfigDict:
    """The default run with the paper's networks: batch normalization in both, no dropout."""
    config = mnist.get_config()
    config.model.name = "dcgan"
    config.model.discriminator.width = 16
    config.model.discriminator.dropout = 0.0
    config.optim.generator.learning_rate = 2e-3
    config.optim.discriminator.learning_rate = 2e-3
    return config

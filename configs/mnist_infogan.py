"""InfoGAN on MNIST (Chen et al., 2016): a code of ten categories and two continuous ones.

python -m gan_jax.main --config=configs/mnist_infogan.py --workdir=runs/mnist_infogan
"""

from ml_collections import ConfigDict

from configs import mnist


def get_config() -> ConfigDict:
    """The default run with codes."""
    config = mnist.get_config()
    config.model.codes.categories = 10
    config.model.codes.continuous = 2
    return config

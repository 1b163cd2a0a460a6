"""The default MNIST run on Fashion-MNIST, measured in features that fit any images.

    python -m gan_jax.main --config=configs/fashion_mnist.py --workdir=runs/fashion_mnist

Needs the data set: prepared, as raw files, or a network to download it.
"""

from ml_collections import ConfigDict

from configs import mnist


def get_config() -> ConfigDict:
    """The default run, other images."""
    config = mnist.get_config()
    config.data.name = "fashion_mnist"
    config.eval.protocol = "random_cnn_10k"
    return config

"""The convolutional pair on MNIST."""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """The default run."""
    return base.get_config()

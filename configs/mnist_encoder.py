"""The encoder of a generator of digits: where the search for an image's latent may start.

    python -m gan_jax.encode --config=configs/mnist_encoder.py --workdir=runs/mnist

It is not a run but a part of one, and has its own few fields. For generators of points too.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    """The fields with their units."""
    config = ConfigDict()
    config.seed = 0  # of the latents drawn, and of the encoder's first parameters
    config.width = 32  # features of the first layer
    config.steps = 2000  # updates
    config.batch_size = 64  # latents an update, all of them new
    config.learning_rate = 2e-3  # Adam's at first; falls to zero along a cosine
    config.reconstruction = 10.0  # weight of the images' mean squared error beside the latents'
    return config

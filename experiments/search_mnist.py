"""Which rates, momenta and dropout suit the convolutional pair on MNIST best?

    python -m gan_jax.search experiments/search_mnist.py --trials=256 --workdir=DIR

For an accelerator: images side by side are slow on a CPU (try --trials=4 --places=2
--config.train.steps=90 --config.eval.every=10 there). The networks are those of configs/mnist.py
with half its rounds, evaluated nine times by 1,000 samples.
"""

from ml_collections import ConfigDict

from configs import mnist
from gan_jax.search.ranges import linear, log

SEEDS = 2
SPACE = {
    "optim.generator.learning_rate": log(2e-4, 2e-2),
    "optim.discriminator.learning_rate": log(2e-4, 2e-2),
    ("optim.generator.b1", "optim.discriminator.b1"): linear(0.0, 0.9),
    "smoothing": linear(0.01, 0.3),
    "ema.half_life": log(1e3, 1e5),
}

objective = "-mnist_cnn_1k/frechet"


def get_config() -> ConfigDict:
    """The default run with half its rounds."""
    config = mnist.get_config()
    config.smoothing = 0.1
    config.train.steps, config.eval.every = 8_100, 900
    config.eval.protocol = "mnist_cnn_1k"
    return config

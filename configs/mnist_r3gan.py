"""R3GAN on MNIST: relativistic pairing with R1 and R2, no normalization (Huang et al., 2024).

python -m gan_jax.main --config=configs/mnist_r3gan.py --workdir=runs/mnist_r3gan

Two CPU cores: about 7 minutes. At the end mnist_cnn_10k/frechet is 96 on the embedded digits, where
each digit has 7.3 to 12.6 % of the samples; some are malformed. Half the rounds end at 230. Three
times the rate collapses with penalties of 1 and 5, and is behind with 0.1, after 1,500 rounds.
"""

from ml_collections import ConfigDict

from configs import base, mnist


def get_config() -> ConfigDict:
    """Networks small enough for a CPU."""
    config = mnist.get_config()
    config.model.name = "r3gan"
    config.model.generator.width = config.model.discriminator.width = 8
    config.model.generator.depth = config.model.discriminator.depth = 1
    config.model.generator.norm = config.model.discriminator.norm = "none"
    config.model.discriminator.dropout = 0.0
    config.loss = "relativistic_pairing"
    config.penalty.name = "r1_r2"
    config.penalty.weight = 1.0
    config.optim.generator = base.player(1e-3, b1=0.0, b2=0.99, decay="cosine")
    config.optim.discriminator = base.player(1e-3, b1=0.0, b2=0.99, decay="cosine")
    config.train.steps = 6_000
    config.eval.every = 1_500
    return config

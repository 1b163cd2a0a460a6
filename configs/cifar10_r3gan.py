"""R3GAN on CIFAR-10 (Huang et al., 2024, arXiv:2501.05441, appendix), smaller than the paper's.

    python -m gan_jax.main --config=configs/cifar10_r3gan.py --workdir=runs/cifar10_r3gan

For an accelerator; never run whole by the authors of this file. Constant rates and a constant
penalty stand in for the paper's schedules of both.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """Relativistic pairing, R1 and R2, no normalization."""
    config = base.get_config()
    config.data.name = "cifar10"
    config.data.image_size = 32
    config.model.name = "r3gan"
    config.model.generator.width = config.model.discriminator.width = 64
    config.model.generator.depth = config.model.discriminator.depth = 2
    config.model.generator.norm = config.model.discriminator.norm = "none"
    config.model.discriminator.dropout = 0.0
    config.loss = "relativistic_pairing"
    config.penalty.name = "r1_r2"
    config.penalty.weight = 1.0
    config.optim.generator = base.player(2e-4, b1=0.0, b2=0.99)
    config.optim.discriminator = base.player(2e-4, b1=0.0, b2=0.99)
    config.ema.half_life = 500_000
    config.train.steps = 200_000
    config.train.batch_size = 256
    config.eval.every = 5_000
    config.eval.protocol = "random_cnn_10k"
    config.checkpoint.every = 2_500
    return config

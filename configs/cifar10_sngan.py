"""SNGAN on CIFAR-10 (Miyato et al., 2018, arXiv:1802.05957, table 3 and appendix B.3).

    python -m gan_jax.main --config=configs/cifar10_sngan.py --workdir=runs/cifar10_sngan

For an accelerator; never run whole by the authors of this file. The paper: batches of 64, five
discriminator updates a round, 50,000 generator updates at 2e-4 that decays linearly to zero. Here
the generator has the same batch as the discriminator, where the paper doubles it.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """The paper's values."""
    config = base.get_config()
    config.data.name = "cifar10"
    config.data.image_size = 32
    config.model.name = "sngan"
    config.model.latent = 128
    config.model.generator.width = 64
    config.model.discriminator.width = 64
    config.model.discriminator.norm = "spectral"
    config.model.discriminator.dropout = 0.0
    config.loss = "hinge"
    config.optim.generator = base.player(2e-4, b1=0.0, b2=0.9, decay="linear")
    config.optim.discriminator = base.player(2e-4, b1=0.0, b2=0.9, decay="linear")
    config.schedule.discriminator = 5
    config.train.steps = 50_000
    config.eval.every = 5_000
    config.eval.protocol = "random_cnn_10k"
    config.checkpoint.every = 2_500
    return config

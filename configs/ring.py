"""Eight Gaussians on a ring."""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """A fully connected pair that covers all eight modes."""
    config = base.get_config()
    config.data.name = "ring"
    config.model.name = "mlp"
    config.model.latent = 16
    config.model.generator.width = 128
    config.model.generator.norm = "none"
    config.model.discriminator.width = 128
    config.model.discriminator.dropout = 0.0
    config.optim.generator = base.player(learning_rate=1e-3)
    config.optim.discriminator = base.player(learning_rate=1e-4)
    config.ema.half_life = 100_000
    config.train.steps = 10_000
    config.train.batch_size = 512
    config.eval.every = 2_000
    config.eval.protocol = "mixture_2500"
    config.checkpoint.every = 2_000
    return config

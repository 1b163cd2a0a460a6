"""Grid."""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """The grid in about a minute."""
    config = base.get_config()
    config.data.name = "grid"
    config.model.name = "mlp"
    config.model.latent = 16
    config.model.generator.width = 128
    config.model.generator.norm = "none"
    config.model.discriminator.width = 128
    config.model.discriminator.dropout = 0.1
    config.optim.generator = base.player(learning_rate=2e-3, decay="cosine")
    config.optim.discriminator = base.player(learning_rate=5e-4, decay="cosine")
    config.ema.half_life = 50_000
    config.train.steps = 15_000
    config.train.batch_size = 128
    config.log.every = 100
    config.eval.every = 3_000
    config.eval.protocol = "mixture_2500"
    config.checkpoint.every = 3_000
    return config

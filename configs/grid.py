"""Grid."""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """The grid in about a minute."""
    config = base.get_config()
    config.data.name = "grid"
    config.model.name = "mlp"
    config.model.latent = 2
    config.model.generator.width = 128
    config.model.generator.norm = "none"
    config.model.discriminator.width = 256
    config.model.discriminator.dropout = 0.0
    config.penalty.name = "zero_centred"
    config.penalty.weight = 0.1
    config.optim.generator = base.player(learning_rate=2e-3, decay="cosine")
    config.optim.discriminator = base.player(learning_rate=2e-3, decay="cosine")
    config.schedule.discriminator = 2
    config.ema.half_life = 20_000
    config.train.steps = 7_000
    config.train.batch_size = 128
    config.log.every = 100
    config.eval.every = 1_000
    config.eval.protocol = "mixture_2500"
    config.checkpoint.every = 1_000
    return config

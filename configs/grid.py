"""Twenty-five Gaussians on a grid, all of which a fully connected pair finds.

python -m gan_jax.main --config=configs/grid.py --workdir=runs/grid
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """The grid in about a minute."""
    config = base.get_config()
    config.data.name = "grid"
    config.model.name = "mlp"
    config.model.latent = 3
    config.model.prior = "uniform"
    config.model.generator.width = 128
    config.model.generator.depth = 3
    config.model.generator.norm = "none"
    config.model.discriminator.width = 128
    config.model.discriminator.depth = 3
    config.model.discriminator.dropout = 0.0
    config.loss = "relativistic_pairing"
    config.penalty.name = "r1_r2"
    config.penalty.weight = 0.02
    player = base.player(1.5e-3, name="optimistic_adam", decay="cosine", b1=0.2, b2=0.99)
    config.optim.generator = player
    config.optim.discriminator = player.copy_and_resolve_references()
    config.optim.discriminator.learning_rate = 4e-3
    config.ema.half_life = 20_000
    config.train.steps = 16_000
    config.train.batch_size = 512
    config.log.every = 100
    config.eval.every = 2_000
    config.eval.protocol = "mixture_2500"
    config.checkpoint.every = 2_000
    return config

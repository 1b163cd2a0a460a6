"""The ring of PacGAN (Lin et al., 2018, arXiv:1712.04086, section 4.1), in packs of two.

    python -m gan_jax.main --config=configs/ring_pacgan.py --workdir=runs/ring_pacgan

Never run whole by the authors of this file. The values are those of the published code: a batch is
100 packs, both players are updated at once, 400,000 rounds are 400 epochs of 100,000 packs. Packs
of m are --config.model.discriminator.pack=m --config.train.batch_size=100m; m=1 is its GAN. Table 1
has 6.3 (GAN), 7.9 (m=2) and 7.8 (m=3, 4) of 8 modes.

Unlike there, kernels are larger at first (LeCun's, not of deviation 0.02), the generator's hidden
layers have biases, which batch normalization undoes, and packs are drawn anew all the time, not
once from the 100,000 points.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """PacGAN2 on the ring."""
    config = base.get_config()
    config.data.name = "ring"
    config.model.name = "mlp"
    config.model.latent = 2
    config.model.generator.width = 400
    config.model.generator.depth = 4
    config.model.discriminator.width = 200
    config.model.discriminator.depth = 3
    config.model.discriminator.activation = "maxout"
    config.model.discriminator.dropout = 0.0
    config.model.discriminator.pack = 2
    config.optim.generator = base.player(1e-4, b1=0.8)
    config.optim.discriminator = base.player(1e-4, b1=0.8)
    config.schedule.scheme = "simultaneous"
    config.ema.half_life = 0
    config.train.steps = 400_000
    config.train.batch_size = 200
    config.log.every = 1_000
    config.eval.every = 20_000
    config.eval.protocol = "mixture_2500"
    config.checkpoint.every = 20_000
    return config

"""The ring of unrolled GANs, by the notebook that Metz et al. published (2017, arXiv:1611.02163).

    python -m gan_jax.main --config=configs/ring_unrolled.py --workdir=runs/ring_unrolled

Never run whole by the authors of this file. Networks, rates and rounds are the notebook's, which
says that they are not the paper's. --config.schedule.scheme=simultaneous is its GAN without
unrolling.

Unlike there, all eight centres are apart, where the notebook's linspace puts two of them into one
place; kernels are LeCun's at first, not orthogonal, the generator's as large as there and the
discriminator's smaller by 1.4; and points come from a set of 100,000.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """Five foreseen updates on the ring."""
    config = base.get_config()
    config.data.name = "ring"
    config.model.name = "mlp"
    config.model.latent = 256
    config.model.generator.width = config.model.discriminator.width = 128
    config.model.generator.activation = config.model.discriminator.activation = "tanh"
    config.model.generator.norm = "none"
    config.model.generator.initial_scale = 1.4
    config.model.discriminator.dropout = 0.0
    config.loss = "minimax"
    config.optim.generator = base.player(1e-3)
    config.optim.discriminator = base.player(1e-4)
    config.schedule.scheme = "unrolled"
    config.schedule.unroll = 5
    config.ema.half_life = 0
    config.train.steps = 25_000
    config.train.batch_size = 512
    config.log.every = 100
    config.eval.every = 5_000
    config.eval.protocol = "mixture_2500"
    config.checkpoint.every = 5_000
    return config

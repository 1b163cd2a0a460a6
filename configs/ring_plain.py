"""Eight Gaussians on a ring by the plain GAN, with which the studies of the ring begin.

    python -m gan_jax.main --config=configs/ring_plain.py --workdir=runs/ring_plain

The non-saturating loss, Adam and no penalty, so that what a study adds can be told apart; the
recipe that holds is `configs/ring.py`. Two CPU cores: half a minute. At the end mixture_2500 counts
8 modes with most seeds (7 with one of seven), with about 92 % of the points within 3 sigma (98.9 %
at best) in modes narrower than the real ones (covariance_ratio 0.4 to 0.7).

Coverage hangs on the discriminator being slow and blurred: at an equal or higher rate than the
generator's, twice as wide, or without dropout, it ends with one to six modes.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """The plain GAN on the ring."""
    config = base.get_config()
    config.data.name = "ring"
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

"""Stacked MNIST in the setting of unrolled GANs (Metz et al., 2017, arXiv:1611.02163, section 3.3.1).

    python -m gan_jax.main --config=configs/stacked_mnist.py --workdir=runs/stacked_mnist

Never run whole by the authors of this file. Networks, rates, batches and rounds are those of the
programs that PacGAN's authors published for this setting (Lin et al., 2018, arXiv:1712.04086;
github.com/fjxmlzn/PacGAN), which keep to Metz et al. A width of 2 is the discriminator of a quarter
of the generator's features, of 4 that of a half. Packs of m are --config.model.discriminator.pack=m
--config.train.batch_size=128m; unrolling is --config.schedule.scheme=unrolled
--config.schedule.unroll=5. After 500,000 rounds a plain GAN has 30.6 of 1,000 modes (a quarter) and
628 (a half) by Metz et al., 78.5 and 487.7 by PacGAN's authors.

Unlike there, kernels are clipped nowhere at first, latents of the generator's update are drawn anew,
running statistics of batch normalization decay by 0.9 an update, images come from a fixed set of
128,000, not drawn anew, and the classifier is the shipped one.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    """The plain GAN, with a discriminator of a quarter of the generator's features."""
    config = base.get_config()
    config.data.name = "stacked_mnist"
    config.model.name = "small_dcgan"
    config.model.latent = 256
    config.model.generator.width = 8
    config.model.discriminator.width = 2
    config.model.discriminator.norm = "batch"
    config.model.discriminator.dropout = 0.0
    config.optim.generator = base.player(1e-4, b2=0.99)
    config.optim.discriminator = base.player(2e-4, b2=0.99)
    config.ema.half_life = 0
    config.train.steps = 500_000
    config.train.batch_size = 128
    config.log.every = 1_000
    config.eval.every = 50_000
    config.eval.protocol = "stacked_mnist_25600"
    config.checkpoint.every = 10_000
    return config

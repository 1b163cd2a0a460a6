"""Stacked MNIST by unrolled GANs (Metz et al., 2017, arXiv:1611.02163, section 3.3.1).

    python -m gan_jax.main --config=configs/stacked_mnist_unrolled.py --workdir=runs/stacked

Not yet run whole. Networks, rates, batches and rounds are those of the
programs that PacGAN's authors published for this setting (Lin et al., 2018, arXiv:1712.04086;
github.com/fjxmlzn/PacGAN, unrolled_GAN_experiment); the paper itself was not at hand. A
discriminator of width 2 has a quarter of the features of a full one, of 4 a half. Packs of m are
--config.model.discriminator.pack=m --config.train.batch_size=128m; unrolling is
--config.schedule.scheme=unrolled --config.schedule.unroll=5. After 500,000 rounds the plain GAN has
30.6 of 1,000 modes (a quarter) and 628.0 (a half) by Metz et al., 78.5 and 487.7 by Lin et al.

Unlike there, the generator's update draws latents of its own, images come from a fixed set of
128,000, and the classifier that counts the modes is the shipped one. Real images have a KL of about
0.02 by it.
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

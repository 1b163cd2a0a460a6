"""The convolutional pair on MNIST at a width and a batch that suit a GPU.

    python -m gan_jax.main --config=configs/mnist_gpu.py --workdir=runs/mnist_gpu

Not yet run on a GPU, and far too slow for a CPU: the values are reasoned, not measured. The default
run leaves a GPU idle: a round of 16 images is hundreds of small kernels, whose launches cost the
same for 128. So the batch is eight times as large and the rounds are half as many, four times the
images; both players have 64 features, a multiple of what tensor cores multiply at once. Wider
players and larger batches want smaller steps than the default's 5e-3. A discriminator of 64
features needs no kernels of 7 pixels to keep up.
"""

from ml_collections import ConfigDict

from configs import base, mnist


def get_config() -> ConfigDict:
    """The default run, wider and with larger batches."""
    config = mnist.get_config()
    config.model.generator.width = config.model.discriminator.width = 64
    config.model.discriminator.kernel = 5
    config.optim.generator = base.player(learning_rate=1e-3, decay="cosine")
    config.optim.discriminator = base.player(learning_rate=1e-3, decay="cosine")
    config.train.steps = 8_000
    config.train.batch_size = 128
    config.log.every = 100
    config.eval.every = 2_000
    config.checkpoint.every = 2_000
    return config

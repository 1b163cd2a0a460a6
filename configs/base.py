"""Every field a run has, once, with its unit and meaning. The other configs change values only."""

from ml_collections import ConfigDict


def player(learning_rate: float, **overrides) -> ConfigDict:
    """One player's optimizer: any of `gan_jax.game.optimizers.OPTIMIZERS`, or of optax's."""
    config = ConfigDict()
    config.name = "adam"
    config.learning_rate = learning_rate
    config.decay = "constant"  # learning rate over the run: constant, linear or cosine (to zero)
    config.b1 = 0.5  # first-moment decay, where the optimizer has one
    config.b2 = 0.999  # second-moment decay, where the optimizer has one
    config.momentum = 0.0  # of sgd, momentum, nesterov and rmsprop, in (-1, 1)
    config.warmup = 0  # updates over which the learning rate rises linearly, before it decays
    config.clip = 0.0  # global norm to which a longer gradient is shortened; 0: none
    config.clip_weights = 0.0  # bound on every parameter's magnitude; 0: none
    config.stop = 0  # updates after which its parameters stay as they are; 0: never
    config.update(overrides)
    return config


def get_config() -> ConfigDict:
    """The fields, with values that a new config should think about."""
    config = ConfigDict()
    config.seed = 0  # everything random in a run follows from it

    config.data = ConfigDict()
    config.data.name = "mnist"  # one of gan_jax.data.DATASETS
    config.data.source = (
        "auto"  # auto, tfds (prepared set), raw (published files) or embedded (in a package)
    )
    config.data.data_dir = "~/tensorflow_datasets"  # TFDS's folder
    config.data.raw_dir = ""  # folder of the set's published files; empty: none
    config.data.image_size = 28  # pixels a side; other than the set's own resizes the images

    config.model = ConfigDict()
    config.model.name = "cnn"  # cnn, dcgan, mlp, r3gan, small_dcgan or sngan
    config.model.latent = 64  # dimensions of the latent
    config.model.prior = "normal"  # what latents are drawn from: normal, uniform or sphere
    config.model.classes = 0  # classes that both networks are told of, 0: none
    config.model.dtype = "float32"  # or bfloat16: what the networks compute in; the rest is float32
    config.model.conditioning = (
        "none"  # on classes: none, concatenate, embed, projection or auxiliary
    )
    config.model.generator = ConfigDict()
    config.model.generator.width = 32  # features of the last hidden layer, or of each (mlp)
    config.model.generator.depth = 2  # hidden layers (mlp), or blocks a resolution (r3gan)
    config.model.generator.activation = "relu"  # relu, leaky_relu, tanh or maxout (mlp)
    config.model.generator.norm = "batch"  # one of gan_jax.models.norms.NORMS
    config.model.generator.initial_scale = 1.0  # factor on its kernels at first
    config.model.discriminator = ConfigDict()
    config.model.discriminator.width = 64  # features of the first hidden layer, or of each (mlp)
    config.model.discriminator.depth = 2  # hidden layers (mlp), or blocks a resolution (r3gan)
    config.model.discriminator.activation = "relu"  # relu, leaky_relu, tanh or maxout (mlp)
    config.model.discriminator.kernel = 5  # pixels a side of its convolutions' kernels (cnn)
    config.model.discriminator.norm = "none"  # one of gan_jax.models.norms.NORMS
    config.model.discriminator.dropout = 0.3  # share of activations dropped, in [0, 1)
    config.model.discriminator.minibatch = (
        "none"  # what it learns of the rest of a batch: none, stddev or discrimination
    )
    config.model.discriminator.count = 1  # discriminators, each with parameters of its own
    config.model.discriminator.aggregate = (
        "mean"  # what several give the generator: mean, softmax or hardest
    )
    config.model.discriminator.pack = 1  # examples it sees at once (PacGAN's m)
    config.model.codes = ConfigDict()  # InfoGAN: parts of the latent to be read off the examples
    config.model.codes.categories = 0  # values of a categorical code, 0: none
    config.model.codes.continuous = 0  # continuous codes in [-1, 1)
    config.model.codes.weight = 1.0  # of their information term in both players' losses
    config.model.auxiliary_weight = 1.0  # of the classification term, with an auxiliary classifier

    config.loss = "non_saturating"  # one of gan_jax.game.losses.LOSSES
    config.smoothing = 0.0  # what real examples' label is below 1, in [0, 1), where a loss has any

    config.penalty = ConfigDict()
    config.penalty.name = "none"  # none, or one of gan_jax.game.penalties.PENALTIES
    config.penalty.weight = 10.0  # of the penalty in the discriminator's loss
    config.penalty.every = 1  # updates: computed in every n-th only, n times as high

    config.noise = ConfigDict()  # instance noise: on what the discriminator sees
    config.noise.deviation = 0.0  # standard deviation at first, where images are in [-1, 1]
    config.noise.updates = 0  # of the discriminator, over which it falls to zero; 0: it stays

    config.augment = ConfigDict()  # differentiable augmentation of what the discriminator sees
    config.augment.policy = ""  # such as "translation,cutout,brightness,contrast"; empty: none
    config.augment.probability = 1.0  # of each, in [0, 1]
    config.augment.target = 0.0  # in [0, 1): ADA's mean sign of real logits; 0: fixed probability
    config.augment.images = 500_000  # real images in which ADA's probability may go from 0 to 1

    config.optim = ConfigDict()
    config.optim.generator = player(learning_rate=2e-4)
    config.optim.discriminator = player(learning_rate=2e-4)

    config.schedule = ConfigDict()
    config.schedule.scheme = "alternating"  # one of gan_jax.game.schemes.SCHEMES
    config.schedule.discriminator = 1  # k: the discriminator's turn of a round, in units
    config.schedule.generator = 1  # m: the generator's turn of a round, in units
    config.schedule.unit = (
        "step"  # step (one update) or epoch (as many updates as the data has batches)
    )
    config.schedule.warmup_rounds = 0  # first rounds in which the discriminator's turn is another
    config.schedule.warmup_discriminator = 100  # its turn in those, in units
    config.schedule.unroll = 5  # discriminator updates that the generator foresees (unrolled)
    config.schedule.lookahead_rounds = 5  # rounds from one pull back to the next (lookahead)
    config.schedule.lookahead_share = 0.5  # share of the way that a pull leaves, in (0, 1]
    config.schedule.consensus_weight = 10.0  # gamma, of the field's squared norm (consensus)
    config.schedule.symplectic_weight = 1.0  # lambda, of the field's rotation (symplectic)
    config.schedule.symplectic_align = True  # whether lambda's sign follows the field (symplectic)

    config.ema = ConfigDict()
    config.ema.kind = (
        "exponential"  # or uniform: all updates alike; schedule_free brings one of its own
    )
    config.ema.half_life = (
        10_000.0  # of the generator's average, in generated training images; 0: none
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
    config.eval.diagnostics = False  # whether to measure why it fails: see gan_jax.diagnostics

    config.checkpoint = ConfigDict()
    config.checkpoint.every = 500  # rounds
    config.checkpoint.keep = 3  # newest checkpoints kept
    return config

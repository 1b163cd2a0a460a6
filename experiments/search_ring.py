"""Which recipe holds on the ring: all eight modes, as wide as the real ones, on every seed?

    python -m gan_jax.search experiments/search_ring.py --trials=48 --workdir=DIR

The networks, losses and batches are those of configs/ring.py, with a third of its rounds; the
search is for rates, momenta, the penalty's weight and the generator's average. Each of four seeds
counts, so that a recipe is no better than how often it works.
"""

from ml_collections import ConfigDict

from configs import ring
from experiments.common.recipes import worth
from gan_jax.search.ranges import linear, log

SEEDS = 4
SPACE = {
    "optim.generator.learning_rate": log(2e-4, 1e-2),
    "optim.discriminator.learning_rate": log(2e-4, 2e-2),
    ("optim.generator.b1", "optim.discriminator.b1"): linear(0.0, 0.9),
    ("optim.generator.b2", "optim.discriminator.b2"): linear(0.9, 0.999),
    "penalty.weight": log(1e-4, 10),
    "ema.half_life": log(2e3, 5e5),
}


def get_config() -> ConfigDict:
    """The ring in 4,050 rounds, evaluated nine times."""
    config = ring.get_config()
    config.train.steps, config.eval.every = 4_050, 450
    return config


def objective(row) -> float:
    """See `worth`: 8.99 at best."""
    return worth(row)

"""Which recipe holds on the ring: all eight modes, as wide as the real ones, on every seed?

    python -m gan_jax.search experiments/search_ring.py --trials=256 --workdir=DIR

Two CPU cores: a quarter of an hour, reckoned from the time that a round takes. The networks and
batches are those of configs/ring.py, with little more than a third of its rounds. The space holds
two ways to keep the discriminator slow and blurred: label smoothing, and a penalty on its slope at
real and generated points; each of four seeds counts, so that a recipe is no better than how often
it works.
"""

from ml_collections import ConfigDict

from configs import ring
from experiments.common.recipes import worth
from gan_jax.search.ranges import linear, log

SEEDS = 4
SPACE = {
    "optim.generator.learning_rate": log(2e-4, 2e-2),
    "optim.discriminator.learning_rate": log(1e-4, 3e-2),
    ("optim.generator.b1", "optim.discriminator.b1"): linear(0.0, 0.9),
    ("optim.generator.b2", "optim.discriminator.b2"): linear(0.9, 0.9999),
    "penalty.weight": log(1e-4, 10),
    "smoothing": linear(0.01, 0.4),
    "ema.half_life": log(2e3, 5e5),
}


def get_config() -> ConfigDict:
    """The ring in 5,400 rounds, evaluated nine times."""
    config = ring.get_config()
    config.penalty.name, config.penalty.weight = "r1_r2", 0.1
    config.smoothing = 0.1
    config.model.discriminator.dropout = 0.0
    config.train.steps, config.eval.every = 5_400, 600
    return config


def objective(row) -> float:
    """See `worth`: 8.99 at best."""
    return worth(row)

"""Which recipe holds on the grid: all 25 modes, as wide as the real ones, on every seed?

    python -m gan_jax.search experiments/search_grid.py --trials=24 --places=8 --workdir=DIR

The networks, losses and batches are those of configs/grid.py, with a third of its rounds; the space
is that of the ring's search. Each of two seeds counts, so that a recipe is no better than how often
it works.
"""

from ml_collections import ConfigDict

from configs import grid
from experiments.common.recipes import worth
from experiments.search_ring import SPACE

__all__ = ["SEEDS", "SPACE", "get_config", "objective"]

SEEDS = 2


def get_config() -> ConfigDict:
    """The grid in 6,300 rounds, evaluated nine times."""
    config = grid.get_config()
    config.train.steps, config.eval.every = 6_300, 700
    return config


def objective(row) -> float:
    """See `worth`: 25.99 at best."""
    return worth(row)

"""What studies on images share: a run of a minute, and what a run that diverged counts as."""

import pandas as pd
from ml_collections import ConfigDict

from configs import mnist
from experiments.common.readings import last

PROTOCOL = "mnist_cnn_1k"
FRECHET = f"{PROTOCOL}/frechet"
FLOOR = {"real digits": 6.2}  # of 1,000 of the embedded training digits
WORST = 1_000.0  # what a run that diverged counts as, about as far off as blank images


def short() -> ConfigDict:
    """The default pair on the embedded digits, a tenth of its rounds, at constant rates."""
    config = mnist.get_config()
    config.data.source = "embedded"
    for player in ("generator", "discriminator"):
        config.optim[player].decay = "constant"
    config.train.steps = 1_600
    config.eval.every = 800
    config.eval.protocol = PROTOCOL
    config.eval.diagnostics = True
    return config


def brief() -> ConfigDict:
    """`short` by a quarter less, with a younger average: for studies of many latent spaces."""
    config = short()
    config.train.steps = 1_200
    config.eval.every = 1_200
    config.eval.diagnostics = False
    config.ema.half_life = 4_000
    return config


def distances(results: pd.DataFrame) -> pd.DataFrame:
    """The last evaluation of each run on images, with its `frechet`, `WORST` if it diverged."""
    rows = last(results[results["eval.protocol"] == PROTOCOL])
    measured = rows[FRECHET] if FRECHET in rows else pd.Series(index=rows.index, dtype=float)
    return rows.assign(frechet=measured.where(rows.diverged_at < 0).fillna(WORST))

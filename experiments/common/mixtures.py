"""What studies on mixtures share: the players, how a generator is scored, what is published."""

import numpy as np
import pandas as pd
from ml_collections import ConfigDict

from gan_jax.data.mixtures import MIXTURES
from gan_jax.metrics.modes import HEADLINE
from gan_jax.study.report import Section

WIDTH = 64  # of each hidden layer: small enough for hundreds of trials on two cores
HALF = 0.5  # share of high-quality samples from which a generator counts as trained
CEILING = {"a perfect sampler": 0.9889}  # 1 - exp(-9 / 2), within 3 sigma in two dimensions
FLOORS = {"ring": 0.0014, "grid": 0.0048}  # reverse KL of 2,500 real points, in nats
MODES = {name: len(mixture.centres) for name, mixture in MIXTURES.items()}
ALL, BLURRED, MISSING, OFF = "all modes", "all modes, blurred", "modes missing", "off the modes"
DIVERGED = "diverged"
OUTCOMES = (ALL, BLURRED, MISSING, OFF, DIVERGED)
ON_SCORE = "on a score from 0 to 1"
SCORING = (
    "A mode is found when at least one of 2,500 samples lies within 3 sigma of its centre; "
    "high_quality is the share of samples that do, 0.9889 at best. Both together tell how a trial "
    f"ends: as {ALL!r} if every mode is found and at least half of the samples are of high "
    f"quality, as {BLURRED!r} if every mode is found, but by fewer samples, as {MISSING!r} if half "
    f"or more are of high quality, but not every mode is found, and as {OFF!r} if neither, as of a "
    "generator that has learned nothing or moves from mode to mode. The score is high_quality "
    "times exp(-reverse KL): 0.99 for a perfect sampler, an eighth of high_quality for a single "
    "mode of eight. A trial that diverged has 0 modes, 0 high_quality and a score of 0 from then "
    "on; none is dropped."
)

_PUBLISHED = pd.DataFrame(
    [
        ("VEEGAN", "GAN", 1, 99.3, None, 3.3, 0.5, None),
        ("VEEGAN", "Unrolled GAN", 7.6, 35.6, None, 23.6, 16, None),
        ("VEEGAN", "VEEGAN", 8, 52.9, None, 24.6, 40, None),
        ("PacGAN", "GAN", 6.3, 98.2, 0.45, 17.3, 94.8, 0.70),
        ("PacGAN", "PacGAN4", 7.8, 95.9, 0.07, 24.8, 93.6, 0.04),
        ("exact", "a perfect sampler", 8, 98.89, FLOORS["ring"], 25, 98.89, FLOORS["grid"]),
    ],
    columns=[
        *("source", "method", "ring: modes", "ring: % within 3 sigma", "ring: reverse KL"),
        *("grid: modes", "grid: % within 3 sigma", "grid: reverse KL"),
    ],
)


def narrow(config: ConfigDict) -> ConfigDict:
    """A mixture's config with narrow players and constant rates, so that trials share programs."""
    for player in ("generator", "discriminator"):
        config.model[player].width = WIDTH
        config.optim[player].decay = "constant"
    return config


def penalty_named(name: str) -> str:
    """A penalty in words: "no penalty", "gradient penalty"."""
    return f"{'no' if name == 'none' else name} penalty"


def both_players(**values: str | float) -> dict[str, str | float]:
    """Overrides of both players' optimizers alike, by flattened name."""
    return {
        f"optim.{player}.{name}": value
        for player in ("generator", "discriminator")
        for name, value in values.items()
    }


def steady(config: ConfigDict) -> ConfigDict:
    """`narrow` with a penalty under which most optimizers and losses learn, at one rate for both.

    Adam finds all modes of the ring in 2,000 rounds and has 85 % of the samples within 3 sigma
    after 6,000; without the penalty it finds a part of them.
    """
    config = narrow(config)
    config.model.discriminator.dropout = 0.0
    config.penalty.name = "zero_centred"
    config.penalty.weight = 0.1
    config.update_from_flattened_dict(both_players(name="adam", learning_rate=3e-3))
    return config


def scored(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of trials on mixtures with how well their generators do.

    Args:
        results: As a sweep collects them.

    Returns:
        The rows, with `modes`, `high_quality`, `reverse_kl`, `covariance_ratio` (see
        `gan_jax.metrics.modes.measure`; the worst values once a trial has diverged), `score` and
        `outcome` (see `SCORING`).
    """
    rows = results[results["data.name"].isin(MIXTURES)]
    rows = rows.rename(columns=lambda name: name.removeprefix("mixture_2500/"))
    most, diverged = rows["data.name"].map(MODES), rows.diverged_at >= 0
    for name in ("modes", "high_quality", "covariance_ratio"):
        rows[name] = rows[name].mask(diverged, 0.0)
    rows["reverse_kl"] = rows.reverse_kl.mask(diverged, np.log(most))
    rows["score"] = rows.high_quality * np.exp(-rows.reverse_kl)
    good, complete = rows.high_quality >= HALF, rows.modes == most
    chosen = [diverged, good & complete, good, complete]
    rows["outcome"] = np.select(chosen, [DIVERGED, ALL, MISSING, BLURRED], OFF)
    return rows


def endings(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """How many trials of each setting end how, and the means of what was measured of them.

    Args:
        rows: Of `scored`, one a trial.
        keys: Columns whose values make a setting.
    """
    means = rows.groupby(keys, sort=False, observed=True)[[*HEADLINE, "score"]].mean()
    each = rows.groupby([*keys, "outcome"], sort=False, observed=True)
    counts = each.size().unstack(fill_value=0)
    return means.join(counts.reindex(columns=list(OUTCOMES), fill_value=0)).reset_index()


def published() -> Section:
    """What others report of the same mixtures."""
    return Section(
        "Published numbers",
        "VEEGAN trained for an unstated time; PacGAN 400,000 steps with four hidden layers of 400. "
        "The protocol, 2,500 samples within 3 sigma, is the same, the networks and budgets are "
        "not: these numbers give the scale, they are not to be beaten.",
        table=_PUBLISHED,
        caption="Srivastava et al. (2017), mean of 5 runs; Lin et al. (2018), table 1, of 10.",
    )

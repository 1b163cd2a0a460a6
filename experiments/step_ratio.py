"""When do modes collapse: at which ratio of discriminator to generator updates?

    python -m gan_jax.sweep experiments/step_ratio.py

Claim C3: "When the generator trains too much relative to the discriminator, modes collapse."

Nine ratios k:m of discriminator to generator updates, from 1:16 to 16:1, with two optimizers and
three losses on the ring of eight Gaussians, ten seeds each. A trial has 17 x UPDATES updates of
both players together and is evaluated whenever its generator has had another UPDATES. So ratios
compare in several ways:

- equal compute: both players together have had 17 x UPDATES;
- equal generator updates, early: each generator has had UPDATES, 1:16's discriminator a sixteenth
  of it and 16:1's 16 times as many;
- equal generator updates, late: each generator has had 8 x UPDATES, for which only ratios from 1:1
  on have the compute;
- equal discriminator updates: the discriminator has had UPDATES, 1:16's generator 16 times as many;
  it is evaluated there with one discriminator update a round.

What would refute it: at 1:16 as many modes as at 1:1, to half a mode, in all settings in which 1:1
learns anything. A setting in which 1:1 itself ends with less than half of the modes on average
tries nothing and is left out.
"""

import itertools

import pandas as pd
from ml_collections import ConfigDict

from configs import ring_plain
from experiments.common.mixtures import (
    CEILING,
    MODES,
    SCORING,
    both_players,
    endings,
    published,
    scored,
    steady,
)
from experiments.common.sentences import number
from experiments.common.verdicts import Verdict, compare, verdict_of
from gan_jax.study import figures
from gan_jax.study.order import ordered
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import Paired, by_cell

UPDATES = 720  # of the generator from one evaluation to the next; divides by 16 for all ratios
BUDGET = 17 * UPDATES  # updates of both players; divides by k + m for all ratios
SEEDS = range(10)
RATIOS = [(1, 16), (1, 8), (1, 4), (1, 2), (1, 1), (2, 1), (4, 1), (8, 1), (16, 1)]
NAMES = [f"{k}:{m}" for k, m in RATIOS]
BALANCED, TOO_MUCH, TOO_LITTLE = "1:1", "1:16", "16:1"
LOSSES = {
    "plain": {"loss": "non_saturating", "penalty.name": "none"},
    "non_saturating": {"loss": "non_saturating"},
    "wasserstein": {"loss": "wasserstein"},
}
OPTIMIZERS = {
    "adam": both_players(name="adam", learning_rate=3e-3),
    # A momentum of 0.9 learns nothing on the ring at any rate from 0.01 to 0.3.
    "momentum": both_players(name="momentum", momentum=0.5, learning_rate=0.1),
}
HALF_A_MODE, LOST = 0.5, f"of {MODES['ring']} modes"
READINGS = {
    "equal compute": (
        f"Both players together have had {BUDGET:,} updates.",
        lambda rows: rows["updates"] == BUDGET,
    ),
    "equal generator updates, early": (
        f"Each generator has had {UPDATES:,} updates, the discriminator more or fewer.",
        lambda rows: rows["generator/updates"] == UPDATES,
    ),
    "equal generator updates, late": (
        f"Each generator has had {8 * UPDATES:,} updates, the discriminator as many or fewer.",
        lambda rows: rows["generator/updates"] == 8 * UPDATES,
    ),
    "equal discriminator updates": (
        f"Each discriminator has had {UPDATES:,} updates, the generator as many or more.",
        lambda rows: rows["discriminator/updates"] == UPDATES,
    ),
}


def get_config() -> ConfigDict:
    """The ring with narrow players and small batches."""
    config = steady(ring_plain.get_config())
    config.train.batch_size = 64
    return config


def sweep(add) -> None:
    """All ratios, side by side for each optimizer and loss."""
    for optimizer, loss in itertools.product(OPTIMIZERS, LOSSES):
        for (k, m), seed in itertools.product(RATIOS, SEEDS):
            add(
                **OPTIMIZERS[optimizer],
                **LOSSES[loss],
                **{
                    "schedule.discriminator": k,
                    "schedule.generator": m,
                    "train.steps": BUDGET // (k + m),
                    "eval.every": UPDATES // m,
                    "seed": seed,
                },
            )


def report(results: pd.DataFrame) -> Report:
    """The verdict on modes at 1:16 against 1:1."""
    rows = _named(results)
    readings = pd.concat(
        rows[chosen(rows)].assign(reading=reading) for reading, (_, chosen) in READINGS.items()
    )
    readings = ordered(readings, reading=READINGS)
    found = readings.reading.unique()
    verdict, reverse = (
        verdict_of(*(_lost(readings, one, ratio) for one in found), margin=HALF_A_MODE)
        for ratio in (TOO_MUCH, TOO_LITTLE)
    )
    return Report(
        title="Step ratios and mode collapse",
        question="At which ratio of discriminator to generator updates do modes collapse?",
        claim=Claim(
            "C3",
            "When the generator trains too much relative to the discriminator, modes collapse.",
        ),
        refuted_by="As many modes at 1:16 as at 1:1, to half a mode, wherever 1:1 learns.",
        answer="With 16 generator updates per discriminator update instead of one, modes are lost "
        f"{verdict.where}: {number(verdict.median, LOST)} in the median one.",
        status=verdict.status,
        details=f"The claim is that 1:16 finds more than {HALF_A_MODE} modes fewer than 1:1. "
        f"{verdict.rest} {_how(readings)}\n\nToo much of the discriminator, 16:1, loses modes "
        f"too {reverse.where}: {number(reverse.median, LOST)} in the median one.",
        sections=[
            _lost_section("too much of the generator, 1:16", verdict),
            _lost_section("too much of the discriminator, 16:1", reverse),
            *(_heat(readings, reading) for reading in found),
            *(_by_ratio(readings, reading) for reading in found),
            *(_over_time(rows, setting) for setting in rows.setting.unique()),
            Section("How trials end", SCORING, table=_endings(readings)),
            published(),
        ],
    )


def _named(results: pd.DataFrame) -> pd.DataFrame:
    rows = scored(results)
    k, m = rows["schedule.discriminator"], rows["schedule.generator"]
    bare = (rows["penalty.name"] == "none").map({True: " without penalty", False: ""})
    rows = rows.assign(
        ratio=k.astype(str) + ":" + m.astype(str),
        share=m / k,
        setting=rows["optim.generator.name"] + ", " + rows.loss + bare,
        updates=rows["generator/updates"] + rows["discriminator/updates"],
    )
    return ordered(rows, ratio=NAMES, setting=rows.setting.unique())


def _lost(readings: pd.DataFrame, reading: str, ratio: str) -> dict[str, Paired]:
    """Modes at 1:1 minus those at another ratio, where 1:1 learns."""
    rows = readings[readings.reading == reading]
    balanced = rows[rows.ratio == BALANCED].groupby("setting", observed=True).modes.mean()
    learns = balanced.index[balanced >= MODES["ring"] / 2]
    tried = rows[rows.setting.isin(learns)]
    return compare(tried, "modes", "ratio", (BALANCED, ratio), ["setting", "reading"])


def _lost_section(what: str, verdict: Verdict) -> Section:
    return verdict.section(
        f"Modes lost by {what}",
        "Modes at 1:1 minus modes there, in pairs of one seed. Settings in which 1:1 has less "
        "than half of the modes on average are left out.",
    )


def _heat(readings: pd.DataFrame, reading: str) -> Section:
    rows = readings[readings.reading == reading]
    column = "discriminator : generator updates"
    cells = by_cell(rows, ["setting", "ratio"], "modes", bounds=(0, MODES["ring"]))
    heading = f"Modes at {reading}"
    shown = figures.heat_map(
        cells.rename(columns={"ratio": column}),
        "setting",
        column,
        title=f"{heading}, of {MODES['ring']}",
        label="modes found",
    )
    return Section(heading, READINGS[reading][0], shown, caption=_caption(rows))


def _by_ratio(readings: pd.DataFrame, reading: str) -> Section:
    rows = readings[readings.reading == reading]
    column = "generator updates per discriminator update"
    heading = f"Quality at {reading}"
    cells = by_cell(rows, ["setting", "share"], "high_quality", bounds=(0, 1))
    shown = figures.curves(
        cells.rename(columns={"share": column}),
        column,
        "setting",
        title=heading,
        label="share of samples within 3 sigma",
        x_scale="log",
        references=CEILING,
    )
    return Section(heading, READINGS[reading][0], shown, caption=_caption(rows))


def _over_time(rows: pd.DataFrame, setting: str) -> Section:
    mine = rows[(rows.setting == setting) & (rows["generator/updates"] % UPDATES == 0)]
    cells = by_cell(mine, ["ratio", "generator/updates"], "modes", bounds=(0, MODES["ring"]))
    heading = f"Modes over the run: {setting}"
    shown = figures.curves(
        cells.rename(columns={"generator/updates": "generator updates"}),
        "generator updates",
        "ratio",
        title=heading,
        label=f"modes found, of {MODES['ring']}",
        x_scale="log",
    )
    why = f"Evaluated every {UPDATES:,} generator updates, until the compute is spent."
    return Section(heading, why, shown, caption=_caption(mine))


def _how(readings: pd.DataFrame) -> str:
    """How the trials at 1:16 end: on some of the modes, or off them?"""
    rows = readings[(readings.reading == "equal compute") & (readings.ratio == TOO_MUCH)]
    counts = ", ".join(f"{count} {how}" for how, count in rows.outcome.value_counts().items())
    return f"At equal compute the trials at 1:16 end as follows: {counts}." if counts else ""


def _endings(readings: pd.DataFrame) -> pd.DataFrame:
    keys = ["reading", "setting", "ratio"]
    return endings(readings, keys).sort_values(keys, ignore_index=True)


def _caption(rows: pd.DataFrame) -> str:
    return f"Means over {rows.seed.nunique()} seeds with intervals of 95 %."

"""Where does the discriminator's accuracy come to 50 %, and what becomes of the samples after?

    python -m gan_jax.sweep experiments/equilibrium.py

Claims C5: "As the generator succeeds the discriminator's accuracy falls to 50 %", and C6: "Trained
past that point the discriminator's feedback is junk and quality may collapse: convergence is
fleeting, not stable."

Long runs on the ring of eight Gaussians, 40,000 rounds at constant rates, ten seeds, with and
without a penalty, and sampled with and without a moving average of the generator (which changes
nothing in training). The discriminator's edge is how far its accuracy, the mean of that on
held-out real and on generated points, is from 50 %: 0 to 0.5. Three parts are tried in each of the
four settings:

- falls: the edge gets smaller as the score gets higher, by their rank correlation over a run;
- to 50 %: over the last quarter of the run the edge is below 0.05;
- and is lost: where a run comes to an edge below 0.05 with at least half of its samples good, its
  mean score over the last quarter is lower than there, by 0.05.

What would refute it: neither of them, in any setting.
"""

import itertools

import pandas as pd
from ml_collections import ConfigDict

from configs import ring
from experiments.common.mixtures import CEILING, HALF, SCORING, endings, scored, steady
from experiments.common.readings import last
from experiments.common.verdicts import judge
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import Paired, by_cell, paired

SEEDS = range(10)
ROUNDS, EVERY = 40_000, 2_000
PENALTIES, HALF_LIVES = ("none", "zero_centred"), (0, 50_000)
MARGIN = 0.05  # of the edge, the score and the correlation
NEAR = 0.05  # an edge below which the discriminator is at 50 %
LATE = 0.75  # share of the run after which it is late
JUDGED = {
    "training points": "discriminator/accuracy_train",
    "held-out points": "discriminator/accuracy_held_out",
    "generated points": "discriminator/accuracy_generated",
}


def get_config() -> ConfigDict:
    """The ring with narrow players and small batches, for long."""
    config = steady(ring.get_config())
    config.train.batch_size = 64
    config.train.steps = ROUNDS
    config.eval.every = EVERY
    return config


def sweep(add) -> None:
    """Penalty and average, on and off."""
    for penalty, half_life, seed in itertools.product(PENALTIES, HALF_LIVES, SEEDS):
        add(**{"penalty.name": penalty, "ema.half_life": half_life, "seed": seed})


def report(results: pd.DataFrame) -> Report:
    """The verdict on the three parts."""
    rows = _named(results)
    *falls, lost = (_compared(rows, part) for part in PARTS)
    verdict = judge(*falls, lost, margin=MARGIN)
    return Report(
        title="The discriminator at 50 %, and after",
        question="Where does its accuracy come to 50 %, and what becomes of the samples after?",
        claim=Claim(
            "C5, C6",
            "As the generator succeeds the discriminator's accuracy falls to 50 %; trained past "
            "that point quality may collapse.",
        ),
        refuted_by="The edge does not follow the score, does not end near 0, and nothing is lost.",
        verdict=f"C5, that the edge over 50 % falls and ends near 0, "
        f"{judge(*falls, margin=MARGIN).sentence}. C6, that the score is lost after that, "
        f"{judge(lost, margin=MARGIN).sentence}. {_reached(rows)}",
        status=verdict.status,
        sections=[
            verdict.section(
                "The three parts",
                "falls: the rank correlation of score and edge with its sign turned. ends at 50 %: "
                "0.1 less the edge over the last quarter, so above 0.05 where the edge is below "
                "0.05. is lost: the score where a run comes to 50 % less that over the last "
                "quarter, of the runs that come there before. One value a seed.",
            ),
            _curves(rows, "score", "score, 0 to 1", CEILING),
            _curves(rows, "edge", "distance from 50 %", {"near 50 %": NEAR}),
            *(_accuracies(rows, setting) for setting in rows.setting.unique()),
            Section("When 50 % comes, and what follows", _WHAT_FOLLOWS, table=_following(rows)),
            Section("How trials end", SCORING, table=endings(last(rows), ["setting"])),
        ],
    )


_WHAT_FOLLOWS = (
    "Of the runs that come to 50 % with at least half of their samples good before the last "
    "quarter: after how many rounds, the score there, that over the last quarter, the worst of "
    "all later evaluations, and how many runs have lost half of the score at one of them."
)


def _named(results: pd.DataFrame) -> pd.DataFrame:
    rows = scored(results)
    accuracy = (rows[JUDGED["held-out points"]] + rows[JUDGED["generated points"]]) / 2
    edge = (accuracy - 0.5).abs().where(rows.diverged_at < 0).fillna(0.5)
    average = (rows["ema.half_life"] > 0).map({True: "averaged", False: "not averaged"})
    return rows.assign(
        edge=edge,
        setting="penalty " + rows["penalty.name"] + ", " + average,
        late=rows.step > LATE * rows["train.steps"],
    )


def _arrivals(runs: pd.DataFrame) -> pd.DataFrame:
    """The evaluation of each run at which it comes to 50 % with good samples, by seed."""
    there = (runs.edge <= NEAR) & (runs.high_quality >= HALF) & ~runs.late
    return runs[there].groupby("seed").first()


def _late(runs: pd.DataFrame, measure: str) -> pd.Series:
    return runs[runs.late].groupby("seed")[measure].mean()


def _falls(runs: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    found = {
        seed: run[["score", "edge"]].corr("spearman").loc["score", "edge"]
        for seed, run in runs.groupby("seed")
    }
    turned = -pd.Series(found).fillna(0.0)  # a run in which nothing moves says nothing
    return turned, 0 * turned


def _ends(runs: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    edges = _late(runs, "edge")
    return 0 * edges + 2 * NEAR, edges


def _is_lost(runs: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    there = _arrivals(runs).score
    return there, _late(runs, "score")[there.index]


PARTS = {"falls": _falls, "ends at 50 %": _ends, "is lost": _is_lost}


def _compared(rows: pd.DataFrame, part: str) -> dict[str, Paired]:
    """The comparisons of a part, by setting; one in which no run comes to 50 % has none of some."""
    return {
        f"{part}: {setting}": paired(*sides)
        for setting, runs in rows.groupby("setting", sort=False)
        if len((sides := PARTS[part](runs))[0])
    }


def _reached(rows: pd.DataFrame) -> str:
    runs = rows.groupby("setting", sort=False)
    counts = (f"{len(_arrivals(mine))} of {mine.seed.nunique()} ({name})" for name, mine in runs)
    return f"Runs that come to 50 % with good samples: {', '.join(counts)}."


def _following(rows: pd.DataFrame) -> pd.DataFrame:
    table = []
    for setting, runs in rows.groupby("setting", sort=False):
        there = _arrivals(runs)
        later = runs[runs.step > runs.seed.map(there.step)].groupby("seed").score.min()
        table.append(
            {
                "setting": setting,
                "runs that come there": len(there),
                "rounds (median)": there.step.median(),
                "score there": there.score.mean(),
                "score of the last quarter": _late(runs, "score")[there.index].mean(),
                "worst score after": later.mean(),
                "runs that lose half": int((later < there.score[later.index] / 2).sum()),
            }
        )
    return pd.DataFrame(table)


def _curves(rows: pd.DataFrame, measure: str, label: str, references: dict[str, float]) -> Section:
    cells = by_cell(rows, ["setting", "step"], measure, bounds=(0, 1))
    cells = cells.rename(columns={"step": "rounds"})
    heading = f"The {measure} over the run"
    shown = figures.curves(
        cells, "rounds", "setting", title=heading, label=label, references=references
    )
    why = "With and without an average training is the same, so the edge is, but not the samples."
    return Section(heading, why, shown, caption=_caption(rows))


def _accuracies(rows: pd.DataFrame, setting: str) -> Section:
    runs = rows[rows.setting == setting]
    cells = pd.concat(
        by_cell(runs, ["step"], name, fill=0.0, bounds=(0, 1)).assign(judged=judged)
        for judged, name in JUDGED.items()
    )
    heading = f"Accuracies: {setting}"
    shown = figures.curves(
        cells.rename(columns={"step": "rounds"}),
        "rounds",
        "judged",
        title=heading,
        label="share that the discriminator judges rightly",
        references={"chance": 0.5},
    )
    why = "Training above held-out points would be an overfitted discriminator."
    return Section(heading, why, shown, caption=_caption(runs))


def _caption(rows: pd.DataFrame) -> str:
    return f"Means over {rows.seed.nunique()} seeds with intervals of 95 %."

"""Where does the discriminator's accuracy come to 50 %, and what becomes of the samples after?

    python -m gan_jax.sweep experiments/equilibrium.py

Claims C5: "As the generator succeeds the discriminator's accuracy falls to 50 %", and C6: "Trained
past that point the discriminator's feedback is junk and quality may collapse: convergence is
fleeting, not stable."

Long runs on the ring of eight Gaussians, 40,000 rounds at constant rates, ten seeds, with and
without a penalty, and sampled with and without a moving average of the generator (which changes
nothing in training). The discriminator's accuracy is the mean of that on held-out real and on
generated points, and its distance from 50 % is 0 to 0.5. Three parts are tried in each of the four
settings:

- the accuracy falls: its distance from 50 % gets smaller as the score gets higher, by their rank
  correlation over a run;
- it ends at 50 %: over the last quarter of the run its distance from 50 % is below 0.05;
- quality is lost afterwards: where a run comes to a distance below 0.05 with at least half of its
  samples good, its mean score over the last quarter is lower than there, by 0.05.

What would refute it: none of them, in any setting.
"""

import itertools

import pandas as pd
from ml_collections import ConfigDict

from configs import ring_plain
from experiments.common.mixtures import (
    CEILING,
    HALF,
    ON_SCORE,
    SCORING,
    endings,
    penalty_named,
    scored,
    steady,
)
from experiments.common.readings import last
from experiments.common.sentences import by
from experiments.common.verdicts import verdict_of
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import Paired, by_cell, paired

SEEDS = range(10)
ROUNDS, EVERY = 40_000, 2_000
PENALTIES, HALF_LIVES = ("none", "zero_centred"), (0, 50_000)
MARGIN = 0.05  # of the distance, the score and the correlation
NEAR = 0.05  # a distance from 50 % below which the discriminator's accuracy is at 50 %
LATE = 0.75  # share of the run after which it is late
DISTANCE = "distance of the accuracy from 50 %"
ACCURACIES = {
    "training points": "discriminator/accuracy_train",
    "held-out points": "discriminator/accuracy_held_out",
    "generated points": "discriminator/accuracy_generated",
}


def get_config() -> ConfigDict:
    """The ring with narrow players and small batches, for long."""
    config = steady(ring_plain.get_config())
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
    parts = {part: _compared(rows, part) for part in PARTS}
    named = (
        {f"{part}: {setting}": pair for setting, pair in found.items()}
        for part, found in parts.items()
    )
    verdict = verdict_of(*named, margin=MARGIN)
    falls, ends, lost = (verdict_of(found, margin=MARGIN) for found in parts.values())
    return Report(
        title="The discriminator at 50 %, and after",
        question="Where does the discriminator's accuracy come to 50 %, and what becomes of the "
        "samples after?",
        claim=Claim(
            "C5, C6",
            "As the generator succeeds the discriminator's accuracy falls to 50 %; trained past "
            "that point quality may collapse.",
        ),
        refuted_by="The accuracy does not fall as the score rises, does not end near 50 %, and no "
        "score is lost.",
        answer="The discriminator's accuracy falls towards 50 % as samples improve "
        f"{falls.where}, and samples get worse after that {lost.where}: in the median one they get "
        f"{by(lost.median, 'worse', 'better', ON_SCORE)}.",
        status=verdict.status,
        details=f"Over the last quarter of the run the accuracy is within {100 * NEAR:g} points "
        f"of 50 % {ends.where}. {_reached(rows)}\n\nThe first part of the claim is that the "
        "accuracy falls (numbers: its rank correlation with the score, sign reversed). "
        f"{falls.rest}\n\nThe second is that it ends at 50 % (by how much less than {2 * NEAR} it "
        f"is away from 0.5). {ends.rest}\n\nThe third is that quality is lost afterwards (the "
        f"score lost). {lost.rest}",
        sections=[
            verdict.section(
                "The three parts",
                "Accuracy falls: the rank correlation of the score with the accuracy's distance "
                "from 50 %, its sign reversed. Accuracy ends at 50 %: 0.1 minus that distance over "
                "the last quarter, so above 0.05 where the distance is below 0.05. Quality lost "
                "afterwards: the score where a run comes to 50 % minus that over the last quarter, "
                "of the runs that come there before. One value a seed.",
            ),
            _curves(rows, "score", "score, 0 to 1", CEILING),
            _curves(rows, DISTANCE, "distance from 50 %", {"near 50 %": NEAR}),
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
    accuracy = (rows[ACCURACIES["held-out points"]] + rows[ACCURACIES["generated points"]]) / 2
    distance = (accuracy - 0.5).abs().where(rows.diverged_at < 0).fillna(0.5)
    average = (rows["ema.half_life"] > 0).map({True: "averaged", False: "not averaged"})
    return rows.assign(
        setting=rows["penalty.name"].map(penalty_named) + ", " + average,
        late=rows.step > LATE * rows["train.steps"],
        **{DISTANCE: distance},
    )


def _arrivals(runs: pd.DataFrame) -> pd.DataFrame:
    """The evaluation of each run at which it comes to 50 % with good samples, by seed."""
    there = (runs[DISTANCE] <= NEAR) & (runs.high_quality >= HALF) & ~runs.late
    return runs[there].groupby("seed").first()


def _late(runs: pd.DataFrame, measure: str) -> pd.Series:
    return runs[runs.late].groupby("seed")[measure].mean()


def _falls(runs: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    found = {
        seed: run[["score", DISTANCE]].corr("spearman").loc["score", DISTANCE]
        for seed, run in runs.groupby("seed")
    }
    reversed_sign = -pd.Series(found).fillna(0.0)  # a run in which nothing moves says nothing
    return reversed_sign, 0 * reversed_sign


def _ends(runs: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    distances = _late(runs, DISTANCE)
    return 0 * distances + 2 * NEAR, distances


def _is_lost(runs: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    there = _arrivals(runs).score
    return there, _late(runs, "score")[there.index]


PARTS = {
    "accuracy falls": _falls,
    "accuracy ends at 50 %": _ends,
    "quality lost afterwards": _is_lost,
}


def _compared(rows: pd.DataFrame, part: str) -> dict[str, Paired]:
    """The comparisons of a part, by setting; one in which no run comes to 50 % has none of some."""
    return {
        setting: paired(*sides)
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
    why = (
        "With and without an average training is the same, and so is the accuracy, but the samples "
        "are not."
    )
    return Section(heading, why, shown, caption=_caption(rows))


def _accuracies(rows: pd.DataFrame, setting: str) -> Section:
    runs = rows[rows.setting == setting]
    cells = pd.concat(
        by_cell(runs, ["step"], name, fill=0.0, bounds=(0, 1)).assign(classified=points)
        for points, name in ACCURACIES.items()
    )
    heading = f"Accuracies: {setting}"
    shown = figures.curves(
        cells.rename(columns={"step": "rounds"}),
        "rounds",
        "classified",
        title=heading,
        label="share that the discriminator classifies correctly",
        references={"chance": 0.5},
    )
    why = "Training above held-out points would be an overfitted discriminator."
    return Section(heading, why, shown, caption=_caption(runs))


def _caption(rows: pd.DataFrame) -> str:
    return f"Means over {rows.seed.nunique()} seeds with intervals of 95 %."

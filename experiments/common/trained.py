"""What has been trained of the published protocols, in part or whole, beside what is reported."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.common.protocols import PROTOCOLS, Figures, Published, Trials
from gan_jax.study.statistics import interval
from gan_jax.sweep import results
from gan_jax.sweep.folder import JobFolder

JOBS = ("jobs/*", "published/jobs/*")  # of a study's folder, and of one of `experiments.device`
MEASURES = ("modes", "high_quality", "reverse_kl", "covariance_ratio")
COLUMNS = (
    *("protocol", "method", "trials", "rounds", "part"),
    *("modes", "modes low", "modes high", "their modes"),
    *("high_quality", "high_quality low", "high_quality high", "their high_quality"),
    *("reverse_kl", "reverse_kl low", "reverse_kl high", "their reverse_kl", "covariance_ratio"),
)


def places(folder: Path) -> list[JobFolder]:
    """The jobs of a folder, a study's or one that `experiments.device` writes."""
    return [JobFolder(path) for form in JOBS for path in sorted(folder.glob(form))]


def beside(jobs: Sequence[JobFolder], trials: Iterable[Trials]) -> list[dict[str, object]]:
    """A row for all trials of one method of which the jobs have rows; see `summary`."""
    rows = []
    for one in trials:
        found = results.collect(one.configs, jobs)
        if not found.empty:
            said = {"protocol": one.protocol, "method": one.method}
            rows.append(said | summary(PROTOCOLS[one.protocol], one.method, found))
    return rows


def summary(protocol: Published, method: str, found: pd.DataFrame) -> dict[str, object]:
    """How far the trials of one method are, what they measure by then, and what is reported.

    Args:
        protocol: Their protocol.
        method: The method.
        found: Their rows, as `gan_jax.sweep.results.collect` has them.

    Returns:
        `trials`, `rounds` (that all of them have), `part` (the share of the protocol's rounds), of
        each measure the mean with the ends of its interval of 95 %, and `their ...`. A trial that
        diverged counts as the worst.
    """
    rounds = int(found.groupby("trial").step.max().min())
    now = found[found.step == rounds]
    said = {"trials": len(now), "rounds": rounds, "part": rounds / protocol.config().train.steps}
    largest = {"modes": protocol.modes, "high_quality": 1, "reverse_kl": np.log(protocol.modes)}
    for measure in MEASURES:
        column = f"{now['eval.protocol'].iloc[0]}/{measure}"
        if column in now:
            most = largest.get(measure, np.inf)
            worst = most if measure == "reverse_kl" else 0.0
            values = now[column].mask(now.diverged_at >= 0, worst)
            mean = interval(values.to_numpy(), fill=worst, bounds=(0, most))
            ends = {"low": mean.low, "high": mean.high}
            said |= {measure: mean.estimate}
            said |= {f"{measure} {name}": end for name, end in ends.items() if np.isfinite(end)}
    theirs = protocol.theirs.get(method, Figures())._asdict()
    return said | {f"their {name}": figure for name, figure in theirs.items()}

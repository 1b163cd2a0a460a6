"""The table of a study: one row a trial and evaluation, with all hyperparameters and measures."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gan_jax.config.fields import flatten
from gan_jax.report.recorder import read_rows
from gan_jax.sweep.run_job import JobFolder
from gan_jax.sweep.study import TrialConfig

_FIRST = ("trial", "step", "diverged_at")


def collect(trials: Sequence[TrialConfig], folders: Sequence[JobFolder]) -> pd.DataFrame:
    """What the trials have measured so far, by trial and step.

    Returns:
        A row for each, with `trial`, `step` (rounds played), `diverged_at` (the round at which
        something was not finite, or -1), what was measured (NaN where it was not finite), and all
        fields of the config by flattened name.
    """
    measured = pd.DataFrame([row for folder in folders for row in read_rows(folder.rows)])
    if measured.empty:
        return measured
    measured = measured.drop(columns="plays")
    configs = pd.DataFrame([{"trial": trial.number} | flatten(trial.config) for trial in trials])
    table = measured.merge(configs, on="trial").sort_values(["trial", "step"], ignore_index=True)
    measures = sorted(set(measured.columns) - set(_FIRST))
    return table[[*_FIRST, *measures, *configs.columns.drop("trial")]]


def write(table: pd.DataFrame, folder: Path) -> None:
    """Write `results.parquet` and `results.csv`."""
    for name, save in (("parquet", table.to_parquet), ("csv", table.to_csv)):
        partial = folder / f"results.{name}.partial"
        save(partial, index=False)
        partial.replace(folder / f"results.{name}")

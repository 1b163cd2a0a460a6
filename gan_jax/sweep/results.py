"""The table of a study: one row a trial and evaluation, with all hyperparameters and measures."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gan_jax.config.fields import flatten
from gan_jax.sweep import rows
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.study import TrialConfig

_FIRST = ("trial", "step", "diverged_at")


def collect(trials: Sequence[TrialConfig], folders: Sequence[JobFolder]) -> pd.DataFrame:
    """What the trials have measured so far, by trial and step.

    Returns:
        A row for each, with `trial`, `step` (rounds trained), `diverged_at` (the round at which
        something was not finite, or -1), what was measured (NaN where it was not finite), and all
        fields of the config by flattened name.
    """
    numbers = {trial.digest: trial.number for trial in trials}
    found = [row for folder in folders for row in rows.read(folder.rows)[0]]
    measured = pd.DataFrame(
        [row | {"trial": numbers[row["trial"]]} for row in found if row["trial"] in numbers]
    )
    if measured.empty:
        return measured
    # A trial may have been trained in two jobs: it is the same one.
    measured = measured.drop(columns="steps").drop_duplicates(["trial", "step"])
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

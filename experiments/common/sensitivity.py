"""How much a result depends on a setting, and how much on the seed."""

import numpy as np
import pandas as pd


def share_explained(rows: pd.DataFrame, factor: str, measure: str) -> float:
    """The share of a measure's variance that lies between the values of a factor (eta squared).

    What is left lies between trials of one value: the seeds, and all other factors.

    Args:
        rows: One row a trial.
        factor: A column.
        measure: A column of finite numbers.

    Returns:
        0 to 1; NaN where nothing varies.
    """
    values = rows[measure]
    total = np.square(values - values.mean()).sum()
    means = rows.groupby(factor, observed=True)[measure].transform("mean")
    return float(np.square(means - values.mean()).sum() / total) if total else float("nan")


def tuned(rows: pd.DataFrame, setting: list[str], choice: str, measure: str) -> pd.DataFrame:
    """Each seed's trial at the choice that is best on the mean of all the other seeds.

    So no seed is reported at a choice that it had a say in, and the best of several is not
    flattered by being the best.

    Args:
        rows: One row a trial, with `seed`.
        setting: Columns whose values make a setting; the choice is made in each.
        choice: The column to choose a value of.
        measure: The column that is to be high.

    Returns:
        One row for each setting and seed.
    """
    found = []
    for _, cell in rows.groupby(setting, sort=False, observed=True):
        table = cell.pivot(index="seed", columns=choice, values=measure)
        others = table.sum() - table if len(table) > 1 else table
        best = others.idxmax(axis=1)
        found.append(cell[cell[choice] == cell.seed.map(best)])
    return pd.concat(found)

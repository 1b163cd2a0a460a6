"""Parts of a table of results, in the order in which they are to be shown."""

from collections.abc import Sequence

import pandas as pd

from gan_jax.study.order import ordered


def last(rows: pd.DataFrame) -> pd.DataFrame:
    """The last evaluation of each trial."""
    return rows.loc[rows.groupby("trial").step.idxmax()]


def in_order(cells: pd.DataFrame, **orders: Sequence) -> pd.DataFrame:
    """The rows sorted by columns whose values have an order of their own, which they keep.

    Args:
        cells: The rows.
        orders: All values of a column in their order, by its name.
    """
    return ordered(cells, **orders).sort_values(list(orders), kind="stable", ignore_index=True)

"""Parts of a table of results, in the order in which they are to be shown."""

from collections.abc import Sequence

import pandas as pd


def last(rows: pd.DataFrame) -> pd.DataFrame:
    """The last evaluation of each trial."""
    return rows.loc[rows.groupby("trial").step.idxmax()]


def in_order(cells: pd.DataFrame, **orders: Sequence) -> pd.DataFrame:
    """The rows sorted by columns whose values have an order of their own, the first one first.

    Args:
        cells: The rows.
        orders: All values of a column in their order, by its name.
    """
    places = {name: {value: n for n, value in enumerate(order)} for name, order in orders.items()}
    return cells.sort_values(
        list(orders), key=lambda column: column.map(places[column.name]), ignore_index=True
    )

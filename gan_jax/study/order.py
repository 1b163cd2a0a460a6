"""Values that have an order of their own, which every table and figure keeps: said once.

`by_cell` sorts by it, `figures` draw in it; a value that is missing here and there changes nothing.
"""

from collections.abc import Iterable

import pandas as pd


def ordered(rows: pd.DataFrame, **orders: Iterable) -> pd.DataFrame:
    """The same rows, in whose columns values have an order.

    Args:
        rows: The rows.
        orders: All values of a column in their order, by its name, each once.

    Raises:
        ValueError: If a column has a value that is not named.
    """
    columns = {}
    for name, order in orders.items():
        kind = pd.CategoricalDtype(list(order), ordered=True)
        unnamed = set(rows[name]) - set(kind.categories)
        if unnamed:
            raise ValueError(f"{name} has values without a place: {sorted(map(str, unnamed))}")
        columns[name] = rows[name].astype(kind)
    return rows.assign(**columns)


def values(column: pd.Series) -> list:
    """The values that a column has, in their order; without one as they come."""
    found = list(column.unique())
    if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
        return [value for value in column.dtype.categories if value in found]
    return found


def groups(rows: pd.DataFrame, name: str) -> list[tuple[object, pd.DataFrame]]:
    """The rows of each value of a column, in the values' order."""
    return [(value, rows[rows[name] == value]) for value in values(rows[name])]

"""A data frame as lines of text, whatever they are then written in."""

import pandas as pd

from gan_jax.study.text import text

_DIGITS = 4


def header(table: pd.DataFrame) -> list[str]:
    """The columns' names, after those of the index if it has any."""
    return [str(name) for name in _flat(table)]


def is_number(table: pd.DataFrame) -> list[bool]:
    """Which of these columns hold numbers."""
    kinds = [getattr(dtype, "categories", dtype) for dtype in _flat(table).dtypes]
    return [pd.api.types.is_numeric_dtype(kind) for kind in kinds]


def rows(table: pd.DataFrame) -> list[list[str]]:
    """The values, a list a row."""
    columns = [[text(value, _DIGITS) for value in column] for _, column in _flat(table).items()]
    return [list(row) for row in zip(*columns, strict=True)]


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index() if any(table.index.names) else table

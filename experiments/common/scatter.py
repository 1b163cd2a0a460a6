"""One measure against another, a dot a cell."""

import pandas as pd
from matplotlib.figure import Figure

from gan_jax.study.style import COLOURS, MARKERS, refer, sheet, styled


@styled
def scatter(
    cells: pd.DataFrame,
    x: str,
    y: str,
    group: str,
    *,
    title: str,
    references: dict[str, float] | None = None,
) -> Figure:
    """A dot with both its intervals for each cell.

    Args:
        cells: One row a dot, with the columns `x` and `y`, and `<x> low`, `<x> high` and likewise.
        x: What lies along the horizontal axis, with its unit.
        y: The same for the vertical one.
        group: The column with what a colour is for.
        title: What is to be seen.
        references: Values of `x` to compare with, by what they are.
    """
    figure, axes = sheet(title, 7.2, 4.2)
    for number, (name, cell) in enumerate(cells.groupby(group, sort=False)):
        axes.errorbar(
            cell[x],
            cell[y],
            xerr=_reach(cell, x),
            yerr=_reach(cell, y),
            label=str(name),
            fmt=MARKERS[number % len(MARKERS)],
            color=COLOURS[number % len(COLOURS)],
            elinewidth=0.7,
        )
    axes.set(xlabel=x, ylabel=y)
    refer(axes, references, vertical=True)
    figure.legend(title=group, loc="outside right center", alignment="left")
    return figure


def _reach(cell: pd.DataFrame, name: str) -> list[pd.Series]:
    """How far intervals reach below and above; not at all where there is none."""
    sides = cell[name] - cell[f"{name} low"], cell[f"{name} high"] - cell[name]
    return [side.fillna(0).clip(lower=0) for side in sides]

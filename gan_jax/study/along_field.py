"""A measure along the values of one field: every trial, and the means with their intervals."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gan_jax.study.order import values
from gan_jax.study.style import COLOURS, INK, plain_ticks, sheet, styled
from gan_jax.study.text import text

_PALE = 0.6  # so that trials at one place are seen to be several
_TICKS = 8  # numbers that have room below an axis
_SIDE = 0.06  # of the space between names, that trials stand beside their mean


@styled
def along_field(
    trials: pd.DataFrame,
    cells: pd.DataFrame,
    field: str,
    measure: str,
    *,
    title: str,
    label: str,
    x_scale: str = "linear",
    y_scale: str = "linear",
) -> Figure:
    """A mean with its interval a value, and beside it a dot a trial, a cross if it diverged.

    Args:
        trials: One row a trial, with the field, the measure and `diverged`.
        cells: As of `statistics.by_cell`, with the field as their key.
        field: The column along the horizontal axis: numbers, or names side by side.
        measure: The column of the trials' values.
        title: What is to be seen.
        label: What the measure is.
        x_scale: Of a field of numbers: "linear", "log" or another of matplotlib's.
        y_scale: The same for the measure.
    """
    figure, axes = sheet(title, 7.2, 3.4)
    names = values(cells[field])
    in_numbers = pd.api.types.is_numeric_dtype(cells[field].dtype) and not isinstance(
        names[0], (bool, np.bool_)
    )
    places = dict(zip(names, names if in_numbers else range(len(names)), strict=True))
    reach = [np.nan_to_num(cells.estimate - cells.low), np.nan_to_num(cells.high - cells.estimate)]
    axes.errorbar(
        cells[field].map(places),
        cells.estimate,
        yerr=np.maximum(reach, 0),
        fmt="o-" if in_numbers else "o",
        color=COLOURS[0],
        capsize=3,
        label="mean, 95 % interval",
    )
    for fell, mark, said in ((False, ".", "a trial"), (True, "x", "a trial that diverged")):
        mine = trials[trials.diverged == fell]
        if len(mine):
            x = mine[field].map(places) + (0 if in_numbers else _SIDE)
            axes.plot(x, mine[measure], mark, color=INK, alpha=_PALE, label=said, zorder=3)
    axes.set(xlabel=field, ylabel=label, yscale=y_scale)
    if in_numbers:
        axes.set(xscale=x_scale)
    if len(names) <= _TICKS or not in_numbers:
        axes.set_xticks(list(places.values()), [text(name, 4) for name in names])
        axes.set_xticks([], minor=True)
    plain_ticks(axes.yaxis)
    figure.legend(loc="outside lower center", ncols=3)
    return figure

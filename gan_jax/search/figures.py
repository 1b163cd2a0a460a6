"""Figures of a search."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_jax.search.evidence import COMPLETE, DIVERGED_STATE, STOPPED
from gan_jax.search.ranges import Choices, Values
from gan_jax.study.style import COLOURS, MARKERS, plain_ticks, sheet, styled

_ACROSS = 3
_STATES = (STOPPED, DIVERGED_STATE, COMPLETE)  # what matters most is drawn last


@styled
def by_field(table: pd.DataFrame, space: Mapping[str, Values], *, title: str) -> Figure:
    """The values of all trials by each field's: a panel a field.

    Args:
        table: As of `evidence.table`. What diverged is drawn at the lower edge.
        space: The fields.
        title: What is to be seen.
    """
    across = min(_ACROSS, len(space))
    down = -(-len(space) // across)
    figure, grid = sheet(
        title, 2.6 * across, 0.9 + 2.1 * down, nrows=down, ncols=across, squeeze=False, sharey=True
    )
    for axes in grid.flat[len(space) :]:
        axes.remove()
    finite = table.value[np.isfinite(table.value)]
    floor = finite.min() - 0.05 * (np.ptp(finite) or 1.0) if len(finite) else 0.0
    shown = table.assign(value=table.value.where(np.isfinite(table.value), floor))
    for axes, (name, values) in zip(grid.flat, space.items(), strict=False):
        _panel(axes, shown, name, values)
    for axes in grid[:, 0]:
        axes.set_ylabel("value")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(_STATES))
    return figure


def _panel(axes: Axes, table: pd.DataFrame, name: str, values: Values) -> None:
    for number, state in enumerate(_STATES):
        rows = table[table.state == state]
        places = rows[name]
        if isinstance(values, Choices):
            places = [values.values.index(value) for value in places]
        axes.scatter(
            places,
            rows.value,
            s=14,
            marker=MARKERS[number],
            color=COLOURS[number],
            alpha=0.7,
            linewidths=0,
            label=state,
        )
    if isinstance(values, Choices):
        axes.set_xticks(range(len(values.values)), [str(value) for value in values.values])
    elif values.log:
        axes.set_xscale("log")
        if math.log10(values.high / values.low) < 2:  # else powers of ten are plain enough
            plain_ticks(axes.xaxis)
    axes.set_xlabel(name.replace(",", ",\n"), fontsize="small")

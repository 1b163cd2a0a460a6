"""Every trial's course: a line each, in the colour of its setting."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gan_jax.study.order import groups, values
from gan_jax.study.style import COLOURS, HEAT, plain_ticks, sheet, styled

_A_COLUMN = 16  # entries of the legend
_MOST_NAMED = 32  # settings that a legend has room for


@styled
def trial_curves(
    rows: pd.DataFrame,
    x: str,
    y: str,
    group: str,
    *,
    title: str,
    label: str,
    y_scale: str = "linear",
) -> Figure:
    """A line a trial; a cross ends those that diverged.

    Args:
        rows: One a trial and evaluation, with `trial`, `diverged`, and `y`, NaN once it diverged.
        x: The column along the horizontal axis, with its unit.
        y: The column of the measure.
        group: The column whose values have a colour each.
        title: What is to be seen.
        label: What `y` is.
        y_scale: "linear", "log" or another of matplotlib's.
    """
    names = values(rows[group])
    columns = -(-len(names) // _A_COLUMN) if len(names) <= _MOST_NAMED else 1
    figure, axes = sheet(title, 5.0 + 2.2 * columns, 3.8)
    drawn = []
    for colour, (name, mine) in zip(_colours(len(names)), groups(rows, group), strict=True):
        for _, line in mine.sort_values(x).groupby("trial"):
            known = line[~line.diverged]
            (one,) = axes.plot(known[x], known[y], ".-", color=colour, label=str(name), alpha=0.75)
            if line.diverged.any() and len(known):
                axes.plot(known[x].iloc[-1:], known[y].iloc[-1:], "x", color=colour, markersize=9)
        drawn.append(one)
    axes.set(xlabel=x, ylabel=label, yscale=y_scale)
    plain_ticks(axes.yaxis)
    if 1 < len(names) <= _MOST_NAMED:
        place = "outside right center"
        figure.legend(handles=drawn, title=group, loc=place, ncols=columns, alignment="left")
    return figure


def _colours(count: int) -> list:
    """A colour each: those that can be named, or where there are more a scale from dark to pale."""
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    return list(matplotlib.colormaps[HEAT](np.linspace(0, 0.92, count)))

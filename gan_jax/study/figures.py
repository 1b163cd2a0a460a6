"""Charts of cells as `statistics.by_cell` gives them: estimates with their intervals.

Axes and legends are labelled with the names of the columns: rename those that don't say what they
are and in which unit, `cells.rename(columns={"step": "rounds"})`. What is different from place to
place comes in the order of its values (`study.order`), or, if they have none, of the cells.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gan_jax.study.order import groups, values
from gan_jax.study.style import COLOURS, HEAT, MARKERS, plain_ticks, refer, sheet, styled
from gan_jax.study.text import text

_LIGHT = 0.45  # of the colours' range, from where on black is easier to read on them
_DOT = 0.2  # inches that a dot of a dot plot takes
_SPREAD = 0.6  # of the space between its lines, that the dots of one may use


@styled
def heat_map(
    cells: pd.DataFrame,
    rows: str,
    columns: str,
    value: str = "estimate",
    *,
    title: str,
    label: str,
    norm: str = "linear",
) -> Figure:
    """A grid of colours with the numbers in them, and below each its interval if there is one.

    Args:
        cells: One row a cell.
        rows: The column with what is different from row to row, the first on top.
        columns: The column with what is different from left to right.
        value: The column shown; only estimates have intervals.
        title: What is to be seen.
        label: What the numbers are, with their unit.
        norm: How numbers become colours: "linear" or "log".
    """
    bounded = value == "estimate" and {"low", "high"} <= set(cells)
    table = cells.pivot(index=rows, columns=columns, values=value)
    table = table.reindex(index=values(cells[rows]), columns=values(cells[columns]))
    height, width = table.shape
    figure, axes = sheet(title, 2.4 + 1.0 * width, 1.2 + 0.62 * height)
    image = axes.imshow(table.to_numpy(float), cmap=HEAT, norm=norm, aspect="auto")
    axes.set_xticks(range(width), [_name(name) for name in table.columns])
    axes.set_yticks(range(height), [_name(name) for name in table.index])
    axes.set(xlabel=columns, ylabel=rows)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for _, cell in cells.iterrows():
        place = table.columns.get_loc(cell[columns]), table.index.get_loc(cell[rows])
        ends = bounded and np.isfinite(cell.low)
        ink = {
            "ha": "center",
            "color": "black" if image.norm(cell[value]) > _LIGHT else "white",
        }
        axes.annotate(text(cell[value]), place, va="bottom" if ends else "center", **ink)
        if ends:
            below = {"xytext": (0, -2), "textcoords": "offset points", "va": "top", "size": 7}
            axes.annotate(f"{text(cell.low)} to {text(cell.high)}", place, **below, **ink)
    plain_ticks(figure.colorbar(image, label=label).ax.yaxis)
    return figure


@styled
def curves(
    cells: pd.DataFrame,
    x: str,
    group: str,
    *,
    title: str,
    label: str,
    x_scale: str = "linear",
    y_scale: str = "linear",
    references: Mapping[str, float] | None = None,
) -> Figure:
    """A line a group with the band of its intervals; the legend is in the order of their ends.

    Args:
        cells: One row a group and point, as of `by_cell(results, ["loss", "step"], …)`.
        x: The column along the horizontal axis.
        group: The column with what a line is for.
        title: What is to be seen.
        label: What the estimates are, with their unit.
        x_scale: "linear", "log" or another of matplotlib's.
        y_scale: The same for the estimates.
        references: Values to compare with, by what they are: a published one, a noise floor.
    """
    figure, axes = sheet(title, 7.2, 3.8)
    ends = {}
    for name, line in groups(cells, group):
        line = line.sort_values(x)
        (drawn,) = axes.plot(line[x], line.estimate, label=_name(name))
        axes.fill_between(
            line[x], line.low, line.high, color=drawn.get_color(), alpha=0.18, linewidth=0
        )
        ends[drawn] = line.estimate.iloc[-1]
    axes.set(xlabel=x, ylabel=label, xscale=x_scale, yscale=y_scale)
    plain_ticks(axes.xaxis, axes.yaxis)
    refer(axes, references)
    falling = sorted(ends, key=ends.get, reverse=True)
    figure.legend(handles=falling, title=group, loc="outside right center", alignment="left")
    return figure


@styled
def points(
    cells: pd.DataFrame,
    rows: str,
    group: str | None = None,
    *,
    title: str,
    label: str,
    x_scale: str = "linear",
    references: Mapping[str, float] | None = None,
) -> Figure:
    """A dot with its interval for each cell, from top to bottom in the order of its values.

    Args:
        cells: One row a dot.
        rows: The column with what a line is for.
        group: The column with what is compared on a line, if several cells are.
        title: What is to be seen.
        label: What the estimates are, with their unit.
        x_scale: "linear", "log" or another of matplotlib's.
        references: Values to compare with, by what they are.
    """
    lines = values(cells[rows])
    compared = groups(cells, group) if group else [("", cells)]
    figure, axes = sheet(title, 7.2, 1.3 + _DOT * len(lines) * (1 + len(compared)))
    for number, (name, cell) in enumerate(compared):
        shift = (number - (len(compared) - 1) / 2) * _SPREAD / len(compared)
        axes.errorbar(
            cell.estimate,
            [lines.index(one) + shift for one in cell[rows]],
            xerr=_reach(cell),
            label=_name(name),
            fmt=MARKERS[number % len(MARKERS)],
            color=COLOURS[number % len(COLOURS)],
            capsize=2.5,
            linestyle="none",
        )
    axes.set_yticks(range(len(lines)), [_name(one) for one in lines])
    axes.set(xlabel=label, ylabel=rows, xscale=x_scale)
    plain_ticks(axes.xaxis)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    refer(axes, references, vertical=True)
    if group:
        figure.legend(title=group, loc="outside right center", alignment="left")
    return figure


def _reach(cells: pd.DataFrame) -> Sequence[np.ndarray]:
    """How far intervals reach below and above their estimates; not at all where there is none.

    A skewed sample's interval need not hold the estimate: it then reaches to one side only.
    """
    sides = cells.estimate - cells.low, cells.high - cells.estimate
    return [np.maximum(np.nan_to_num(side), 0) for side in sides]


def _name(value: object) -> str:
    """A setting as it was set."""
    return text(value, 6)

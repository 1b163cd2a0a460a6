"""How all figures look: one size of type, colours that the colour-blind tell apart."""

from collections.abc import Mapping

import matplotlib
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogFormatter

# Okabe and Ito, "Color Universal Design" (2008), without their yellow, too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
HEAT = "cividis"  # as dark to the colour-blind as to others, and in print
INK = "#333333"
REFERENCE = {"color": "#777777", "linestyle": (0, (4, 3)), "linewidth": 1.0, "zorder": 1.5}

styled = matplotlib.rc_context(
    {
        "axes.axisbelow": True,
        "axes.edgecolor": INK,
        "axes.grid": True,
        "axes.labelcolor": INK,
        # Colours first, then the same ones dashed.
        "axes.prop_cycle": cycler(linestyle=["-", "--", ":"]) * cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.facecolor": "white",
        "figure.titlesize": 11,
        "figure.titleweight": "bold",
        "font.family": "DejaVu Sans",  # matplotlib's own: the same on every machine
        "font.size": 9,
        "grid.color": "#E4E4E4",
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)
"""Decorates a function that makes a figure: the look holds inside it and nowhere else."""


def sheet(title: str, width: float, height: float, **subplots) -> tuple[Figure, Axes]:
    """A figure that knows nothing of pyplot, with its title, and its axes.

    Args:
        title: What is to be seen, in words.
        width: Inches.
        height: Inches.
        subplots: Further arguments for `Figure.subplots`; with them the axes may be an array.
    """
    figure = Figure((width, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", wrap=True)
    return figure, figure.subplots(**subplots)


def plain_ticks(*axes: Axis) -> None:
    """Write numbers along logarithmic axes as numbers: 1000, not 10 to the third."""
    for axis in axes:
        if axis.get_scale() == "log":
            axis.set_major_formatter(LogFormatter())
            axis.set_minor_formatter(LogFormatter())


def refer(axes: Axes, references: Mapping[str, float] | None, *, vertical: bool = False) -> None:
    """Draw labelled lines at values known from elsewhere: a noise floor, a published one.

    Args:
        axes: Where.
        references: The values by what they are, if there are any.
        vertical: Whether they are values of the horizontal axis.
    """
    for label, value in (references or {}).items():
        if vertical:
            axes.axvline(value, **REFERENCE)
            place = {"xy": (value, 1), "xycoords": axes.get_xaxis_transform(), "ha": "center"}
        else:
            axes.axhline(value, **REFERENCE)
            place = {"xy": (1, value), "xycoords": axes.get_yaxis_transform(), "ha": "right"}
        axes.annotate(
            label,
            **place,
            xytext=(0, 2),
            textcoords="offset points",
            va="bottom",
            fontsize="small",
            color=REFERENCE["color"],
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )

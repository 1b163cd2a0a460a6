"""How values are spread."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from gan_jax.study.style import COLOURS, refer, sheet, styled

_BINS = 24


@styled
def histograms(
    values: Mapping[str, np.ndarray],
    *,
    title: str,
    label: str,
    count: str,
    references: Mapping[str, float] | None = None,
) -> Figure:
    """How often values occur, in the same bins for all.

    Args:
        values: `[N]` each, by what they are of.
        title: What is to be seen.
        label: What the values are, with their unit.
        count: What is counted.
        references: Values to compare with, by what they are.
    """
    figure, axes = sheet(title, 7.2, 3.4)
    everything = np.concatenate([*values.values(), [*(references or {}).values()]])
    bins = np.linspace(everything.min(), everything.max(), _BINS + 1)
    for (name, some), colour in zip(values.items(), COLOURS, strict=False):
        axes.hist(some, bins, label=name, color=colour, alpha=0.55)
    axes.set(xlabel=label, ylabel=count)
    refer(axes, references, vertical=True)
    figure.legend(loc="outside right center", alignment="left")
    return figure

"""The figures of a standard report: a measure by what was varied, and over every trial's rounds."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure
from pandas.api.types import is_numeric_dtype

from gan_jax.study import figures
from gan_jax.study.along_field import along_field
from gan_jax.study.ranking import SETTING, Measure, Ranking
from gan_jax.study.report import Section
from gan_jax.study.trial_curves import trial_curves

_MOST_DOTS = 40
_WIDE = 30  # times the least value, from where an axis is logarithmic
_WANTED = {"higher": "higher is better", "lower": "lower is better", "one": "best near 1"}
_LINES = (
    "A line a trial; a cross ends that of one that diverged. One that diverged before its first "
    "evaluation has none."
)
_MEANS = "Means with 95 % intervals over the seeds."


def by_field(ranking: Ranking, measure: Measure) -> Section:
    """Values along one field, colours over two; else a line a setting, the best on top."""
    fields = list(ranking.names.values())
    heading = f"{measure.name} by {listed(fields)}"
    figure, caption = _FIGURES.get(len(fields), _best)(
        ranking, measure, fields, {"title": measure.name, "label": _label(measure)}
    )
    return Section(heading, f"After the last round; {wanted(measure)}.", figure, caption=caption)


def _along(
    ranking: Ranking, measure: Measure, fields: Sequence[str], words: Mapping[str, str]
) -> tuple[Figure, str]:
    (field,), cells = fields, ranking.cells(measure, fields)
    scales = {"y_scale": _scale(ranking.ends[measure.name], measure)}
    if is_numeric_dtype(cells[field].dtype):
        scales["x_scale"] = _scale(cells[field])
    return along_field(ranking.ends, cells, field, measure.name, **words, **scales), _MEANS


def _over_two(
    ranking: Ranking, measure: Measure, fields: Sequence[str], words: Mapping[str, str]
) -> tuple[Figure, str]:
    cells = ranking.cells(measure, fields)
    return figures.heat_map(cells, *fields, **words, norm=_scale(cells.estimate, measure)), _MEANS


def _best(
    ranking: Ranking, measure: Measure, fields: Sequence[str], words: Mapping[str, str]
) -> tuple[Figure, str]:
    shown = ranking.settings[:_MOST_DOTS]
    cells = ranking.cells(measure).set_index(SETTING).loc[shown].reset_index()
    cells, key = cells.astype({SETTING: str}), ",\n".join(fields)
    cells = cells.rename(columns={SETTING: key})
    figure = figures.points(cells, key, **words, x_scale=_scale(cells.estimate, measure))
    return figure, f"{_MEANS} The best {len(shown)} of {len(ranking.settings)} settings."


_FIGURES = {1: _along, 2: _over_two}


def curves(ranking: Ranking, measure: Measure) -> Section:
    """Every trial over its rounds, in the colour of its setting."""
    heading, key = f"{measure.name} of every trial", ",\n".join(ranking.names.values())
    columns = ["trial", "step", "diverged", SETTING, measure.name]
    figure = trial_curves(
        ranking.rows[columns].rename(columns={"step": "rounds", SETTING: key}),
        *("rounds", measure.name, key),
        title=heading,
        label=_label(measure),
        y_scale=_scale(ranking.rows[measure.name], measure),
    )
    return Section(heading, _LINES, figure)


def listed(names: Sequence[str]) -> str:
    """ "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def wanted(measure: Measure) -> str:
    """Which values of a measure are better, in words."""
    return _WANTED[measure.better]


def _label(measure: Measure) -> str:
    return f"{measure.name} ({wanted(measure)})"


def _scale(known: pd.Series, measure: Measure | None = None) -> str:
    """Logarithmic where the largest value is many times the least, unless a measure has a highest
    value: of a share the eye wants to see how much is missing."""
    if measure and math.isfinite(measure.bounds[1]):
        return "linear"
    return "log" if known.min() > 0 and known.max() > _WIDE * known.min() else "linear"

"""The report of a study that has none of its own: which setting does best, how each trial went."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure
from pandas.api.types import is_numeric_dtype

from gan_jax.study import figures
from gan_jax.study.along_field import along_field
from gan_jax.study.ranking import SETTING, Measure, Ranking
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import Interval
from gan_jax.study.text import text
from gan_jax.study.trial_curves import trial_curves

FEWEST_SEEDS = 5  # whose interval decides: that of fewer equal values has no width
_MOST_DOTS = 40
_WIDE = 30  # times the least value, from where an axis is logarithmic
_WANTED = {"higher": "higher is better", "lower": "lower is better", "one": "best near 1"}
_MEANS = "Means with 95 % intervals over the seeds."
_FILLED = "A trial that diverged counts as the worst value that any trial measured."
_CLAIM = "One setting does better than all others."
_REFUTED_BY = (
    "In pairs of one seed the setting that does best is no better than the next: the 95 % interval "
    f"of their difference holds 0. With fewer than {FEWEST_SEEDS} seeds nothing is decided."
)


def report(ranking: Ranking, subject: str, samples: Sequence[Section] = ()) -> Report:
    """What the trials say.

    Args:
        ranking: The trials, compared.
        subject: What was trained, in a word or two.
        samples: Sections with what generators made.
    """
    fields, several = list(ranking.names.values()), len(ranking.settings) > 1
    return Report(
        title=f"Sweep of {subject}",
        question=f"Which {_listed(fields)} does best?" if fields else "How do the seeds differ?",
        claim=Claim(
            "of every sweep", _CLAIM if several else "None: this one has a single setting."
        ),
        refuted_by=_REFUTED_BY if several else "Nothing.",
        answer=_answer(ranking),
        status=_status(ranking),
        details=_details(ranking),
        sections=[
            _table(ranking),
            *(_by_field(ranking, measure) for measure in ranking.measures if fields),
            *(_curves(ranking, measure) for measure in ranking.measures),
            *samples,
            *_diverged(ranking),
        ],
    )


def _answer(ranking: Ranking) -> str:
    num, fell = len(ranking.ends), int(ranking.ends.diverged.sum())
    if not ranking.measures:
        why = "every one diverged" if fell == num else "their protocol has no measures"
        return f"nothing was measured of {num} trials: {why}."
    shown = ranking.deciding or ranking.measures[0]
    best, *others = (
        (ranking.words[one], ranking.estimate(shown, one)) for one in ranking.settings[:2]
    )
    value = f"{shown.name} {_said(best[1], '95 % interval ', f', n = {best[1].num}')}"
    if not others:
        return f"{value}; {fell} of {num} trials diverged."
    ((other, its),) = others
    comes = "does best" if _is_decided(ranking) else "comes first, not for certain"
    compared = f"against {_said(its)} of" if ranking.deciding else "as has"
    return f"{best[0]} {comes}: {value} {compared} the next, {other}."


def _status(ranking: Ranking) -> str:
    if len(ranking.settings) == 1:
        return "measured"
    return "confirmed" if _is_decided(ranking) else "undecided"


def _is_decided(ranking: Ranking) -> bool:
    """Whether the best setting is better than the next one beyond what seeds explain.

    For two settings that is the usual test. Among more the first two lie the nearer together, so
    that a false alarm is rarer still.
    """
    compared = ranking.deciding and ranking.against_next(ranking.deciding)
    if not compared or compared.difference.num < FEWEST_SEEDS:
        return False
    return not compared.difference.low <= 0 <= compared.difference.high


def _details(ranking: Ranking) -> str:
    """How the answer came about: by which measure, in which pairs, and who diverged."""
    deciding, fell = ranking.deciding, int(ranking.ends.diverged.sum())
    parts = [f"{fell} of {len(ranking.ends)} trials diverged. {_FILLED * bool(fell)}"]
    if deciding:
        compared = ranking.against_next(deciding)
        difference = (
            f"{_said(compared.difference)} in pairs of one seed, n = {compared.difference.num}."
            if compared
            else "not known, since they have no pairs of one seed."
        )
        parts.append(f"In {deciding.name} the first setting minus the next is {difference}")
    if len(ranking.settings) > 1:
        names = ", ".join(f"{one.name} ({_wanted(one)})" for one in ranking.measures)
        parts.append(f"Settings are ordered by the first of these that tells them apart: {names}.")
    return "\n\n".join(part.strip() for part in parts)


def _table(ranking: Ranking) -> Section:
    grouped = ranking.ends.groupby(SETTING, observed=True)
    table = grouped[list(ranking.names.values())].first()
    for measure in ranking.measures:
        table[measure.name] = [_said(ranking.estimate(measure, setting)) for setting in table.index]
    table["trials"], table["diverged"] = grouped.size(), grouped.diverged.sum()
    return Section(
        "All settings, the best first",
        "Means after the last round, in brackets 95 % intervals over the seeds.",
        table=table.loc[ranking.settings].reset_index(drop=True),
        caption=_FILLED if ranking.ends.diverged.any() else None,
    )


def _by_field(ranking: Ranking, measure: Measure) -> Section:
    """Values along one field, colours over two; else a line a setting, the best on top."""
    fields = list(ranking.names.values())
    heading = f"{measure.name} by {_listed(fields)}"
    figure, caption = _FIGURES.get(len(fields), _best)(
        ranking, measure, fields, {"title": measure.name, "label": _label(measure)}
    )
    return Section(heading, f"After the last round; {_wanted(measure)}.", figure, caption=caption)


def _along(
    ranking: Ranking, measure: Measure, fields: Sequence[str], words: Mapping[str, str]
) -> tuple[Figure, str]:
    (field,), cells = fields, ranking.cells(measure, fields)
    scales = {"y_scale": _scale(ranking.ends[measure.name])}
    if is_numeric_dtype(cells[field].dtype):
        scales["x_scale"] = _scale(cells[field])
    return along_field(ranking.ends, cells, field, measure.name, **words, **scales), _MEANS


def _over_two(
    ranking: Ranking, measure: Measure, fields: Sequence[str], words: Mapping[str, str]
) -> tuple[Figure, str]:
    cells = ranking.cells(measure, fields)
    return figures.heat_map(cells, *fields, **words, norm=_scale(cells.estimate)), _MEANS


def _best(
    ranking: Ranking, measure: Measure, fields: Sequence[str], words: Mapping[str, str]
) -> tuple[Figure, str]:
    shown = ranking.settings[:_MOST_DOTS]
    cells = ranking.cells(measure).set_index(SETTING).loc[shown].reset_index()
    cells, key = cells.astype({SETTING: str}), ",\n".join(fields)
    cells = cells.rename(columns={SETTING: key})
    figure = figures.points(cells, key, **words, x_scale=_scale(cells.estimate))
    return figure, f"{_MEANS} The best {len(shown)} of {len(ranking.settings)} settings."


_FIGURES = {1: _along, 2: _over_two}


def _curves(ranking: Ranking, measure: Measure) -> Section:
    heading, key = f"{measure.name} of every trial", ",\n".join(ranking.names.values())
    columns = ["trial", "step", "diverged", SETTING, measure.name]
    figure = trial_curves(
        ranking.rows[columns].rename(columns={"step": "rounds", SETTING: key}),
        *("rounds", measure.name, key),
        title=heading,
        label=_label(measure),
        y_scale=_scale(ranking.rows[measure.name]),
    )
    return Section(heading, "A line a trial; a cross is where one diverged.", figure)


def _diverged(ranking: Ranking) -> Iterator[Section]:
    fell = ranking.ends[ranking.ends.diverged].sort_values("trial")
    if not fell.empty:
        table = fell[["trial", *ranking.names.values(), "seed", "diverged_at"]]
        yield Section(
            "What diverged",
            "In the round given something that was measured was not finite.",
            table=table.rename(columns={"diverged_at": "round"}).reset_index(drop=True),
        )


def _said(found: Interval, before: str = "", after: str = "") -> str:
    """ "7.4 (6.1 to 8)", with words around the interval; of one value the value alone."""
    if found.num == 1:
        return text(found.estimate)
    return f"{text(found.estimate)} ({before}{text(found.low)} to {text(found.high)}{after})"


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _label(measure: Measure) -> str:
    return f"{measure.name} ({_wanted(measure)})"


def _wanted(measure: Measure) -> str:
    return _WANTED[measure.better]


def _scale(*columns: pd.Series) -> str:
    """Logarithmic where all values are above 0 and the largest is many times the least."""
    known = pd.concat(columns)
    return "log" if known.min() > 0 and known.max() > _WIDE * known.min() else "linear"

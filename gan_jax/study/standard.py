"""The report of a study that has none of its own: which setting does best, how each trial went."""

from collections.abc import Iterator, Sequence

import pandas as pd

from gan_jax.study import figures
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
_CLAIM = Claim("of every sweep", "One setting does better than all others.")
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
    fields = list(ranking.names.values())
    return Report(
        title=f"Sweep of {subject}",
        question=f"Which {_listed(fields)} does best?" if fields else "How do the seeds differ?",
        claim=_CLAIM,
        refuted_by=_REFUTED_BY,
        answer=_answer(ranking),
        status="confirmed" if _is_decided(ranking) else "undecided",
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
    best, fell = ranking.settings[0], int(ranking.ends.diverged.sum())
    if not ranking.measures:
        why = "every one diverged" if fell == len(ranking.ends) else "the protocol has no measures"
        return f"nothing was measured of {len(ranking.ends)} trials: {why}."
    shown = ranking.deciding or ranking.measures[0]
    found = f"{shown.name} {_said(ranking.estimate(shown, best))}"
    if len(ranking.settings) == 1:
        return f"{found} in {len(ranking.ends)} trials; {fell} diverged."
    begin = f"{best} does best" if _is_decided(ranking) else f"{best} comes first, not for certain"
    if not ranking.deciding:
        return f"{begin}: {found}, as of {ranking.settings[1]}."
    other = ranking.estimate(shown, ranking.settings[1])
    return f"{begin}: {found} against {_said(other)} of the next, {ranking.settings[1]}."


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
            f"in pairs of one seed {_said(compared.difference)}, n = {compared.difference.num}."
            if compared
            else "not known: they have no pairs of one seed."
        )
        parts.append(f"By how much {deciding.name} of the first exceeds the next's: {difference}")
    if ranking.measures:
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
    """Dots along one field, colours over two; of more each setting has a line, the best on top."""
    fields = list(ranking.names.values())
    heading = f"{measure.name} by {_listed(fields)}"
    caption, given = _MEANS, {"title": heading, "label": _label(measure)}
    if len(fields) == 2:
        cells = ranking.cells(measure, fields)
        figure = figures.heat_map(cells, *fields, **given, norm=_scale(cells.estimate))
    elif len(fields) == 1:
        cells = ranking.cells(measure, fields)
        figure = figures.points(cells, *fields, **given, x_scale=_scale(cells.low, cells.estimate))
    else:
        shown = ranking.settings[:_MOST_DOTS]
        cells = ranking.cells(measure).set_index(SETTING).loc[shown].reset_index()
        figure = figures.points(
            cells.astype({SETTING: str}),
            SETTING,
            **given,
            x_scale=_scale(cells.low, cells.estimate),
        )
        caption += f" The best {len(shown)} of {len(ranking.settings)} settings."
    return Section(heading, f"After the last round; {_wanted(measure)}.", figure, caption=caption)


def _curves(ranking: Ranking, measure: Measure) -> Section:
    heading = f"{measure.name} of every trial"
    figure = trial_curves(
        ranking.rows.rename(columns={"step": "rounds"}),
        "rounds",
        measure.name,
        SETTING,
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


def _said(found: Interval) -> str:
    """ "7.4 (6.1 to 8)"."""
    if found.low != found.low:  # one value
        return text(found.estimate)
    return f"{text(found.estimate)} ({text(found.low)} to {text(found.high)})"


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _label(measure: Measure) -> str:
    return f"{measure.name} ({_wanted(measure)})"


def _wanted(measure: Measure) -> str:
    return _WANTED[measure.better]


def _scale(*columns: pd.Series) -> str:
    """Logarithmic where values are above 0 and of several orders of magnitude."""
    known = pd.concat(columns)
    return "log" if known.min() > 0 and known.max() > _WIDE * known.min() else "linear"

"""The report of a study that has none of its own: which setting does best, how each trial went."""

from collections.abc import Iterator, Sequence

from gan_jax.study.ranking import SETTING, Ranking
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.standard_figures import by_field, curves, listed, wanted
from gan_jax.study.statistics import Interval
from gan_jax.study.text import text

FEWEST_SEEDS = 5  # whose interval decides: that of fewer equal values has no width
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
        question=f"Which {listed(fields)} does best?" if fields else "How do the seeds differ?",
        claim=Claim(
            "of every sweep", _CLAIM if several else "None: this one has a single setting."
        ),
        refuted_by=_REFUTED_BY if several else "Nothing.",
        answer=_answer(ranking),
        status=_status(ranking),
        details=_details(ranking),
        sections=[
            _table(ranking),
            *(by_field(ranking, measure) for measure in ranking.measures if fields),
            *(curves(ranking, measure) for measure in ranking.measures),
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
    found = ranking.estimates(shown)
    best, *others = (
        (f"{ranking.words[one]}{_lost(ranking, one)}", found[one]) for one in ranking.settings[:2]
    )
    value = f"{shown.name} {_said(best[1], '95 % interval ', f', n = {best[1].num}')}"
    if not others:
        return f"{value}; {fell} of {num} trials diverged."
    ((other, its),) = others
    comes = "does best" if _is_decided(ranking) else "comes first, not for certain"
    compared = f"against {_said(its)} of" if ranking.deciding else "as has"
    return f"{best[0]} {comes}: {value} {compared} the next, {other}."


def _lost(ranking: Ranking, setting: str) -> str:
    """ " (2 of 5 diverged)", or nothing if none of a setting's trials did."""
    diverged = ranking.ends.diverged[ranking.ends[SETTING] == setting]
    return f" ({diverged.sum()} of {len(diverged)} diverged)" if diverged.any() else ""


def _status(ranking: Ranking) -> str:
    if len(ranking.settings) == 1:
        return "measured"
    return "confirmed" if _is_decided(ranking) else "undecided"


def _is_decided(ranking: Ranking) -> bool:
    """Whether the best setting is better than the next one beyond what seeds explain.

    For two settings that is the usual test. Among more the first two lie the nearer together, so
    that a false alarm is rarer still.
    """
    gain = ranking.gain
    return gain is not None and gain.num >= FEWEST_SEEDS and gain.low > 0


def _details(ranking: Ranking) -> str:
    """How the answer came about: by which measure, in which pairs, and who diverged."""
    gain, fell = ranking.gain, int(ranking.ends.diverged.sum())
    parts = [f"{fell} of {len(ranking.ends)} trials diverged. {_FILLED * bool(fell)}"]
    if ranking.deciding:
        by = f"{_said(gain)}, n = {gain.num}" if gain else "there are none"
        parts.append(
            f"By how much {ranking.deciding.name} of the first setting is better than the next's, "
            f"in pairs of one seed: {by}."
        )
    if len(ranking.settings) > 1:
        names = ", ".join(f"{one.name} ({wanted(one)})" for one in ranking.measures)
        parts.append(f"Settings are ordered by the first of these that tells them apart: {names}.")
    return "\n\n".join(part.strip() for part in parts)


def _table(ranking: Ranking) -> Section:
    grouped = ranking.ends.groupby(SETTING, observed=True)
    table = grouped[list(ranking.names.values())].first()
    for measure in ranking.measures:
        found = ranking.estimates(measure)
        table[measure.name] = [_said(found[setting]) for setting in table.index]
    table["trials"], table["diverged"] = grouped.size(), grouped.diverged.sum()
    return Section(
        "All settings, the best first",
        "Means after the last round, in brackets 95 % intervals over the seeds.",
        table=table.loc[ranking.settings].reset_index(drop=True),
        caption=_FILLED if ranking.ends.diverged.any() else None,
    )


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

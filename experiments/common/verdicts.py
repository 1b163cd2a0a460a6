"""From paired comparisons to a verdict, by one rule for all studies.

A claim is tried in several settings. In each, the trials that should be better or worse are paired
by seed, and a difference above 0 speaks for the claim. The claim

- holds in a setting, if the difference's interval lies above the smallest difference that matters
  and the paired test, corrected for the number of settings (Holm), is significant;
- fails there, if the interval lies below that smallest difference;
- is open there otherwise, and always with fewer than six pairs, which no test can tell apart.

It is confirmed if it holds in all settings, refuted if it fails in all, true only when it holds in
some and not in others, and undecided otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from gan_jax.study.report import Section
from gan_jax.study.statistics import Paired, holm, paired
from gan_jax.study.text import text

SIGNIFICANT = 0.05
MOST_NAMED = 4  # settings in a sentence
LEAST_PAIRS = 6  # the smallest p-value of five is 2^-4, above 0.05


class Verdict(NamedTuple):
    """What the comparisons say of a claim.

    Attributes:
        status: As a report has it.
        sentence: Where it holds, fails and is open, with the differences.
        table: One row a setting.
    """

    status: str
    sentence: str
    table: pd.DataFrame

    def section(self, heading: str, about: str) -> Section:
        """The table under a heading, with what was compared."""
        caption = (
            "Intervals of 95 %: Student's t, wider to the side of the skew. P-values by sign flips."
        )
        return Section(heading, about, table=self.table, caption=caption)


def compare(
    rows: pd.DataFrame,
    measure: str,
    factor: str,
    sides: tuple[object, object],
    settings: Sequence[str],
) -> dict[str, Paired]:
    """Differences between two values of a factor, the first less the second, by setting.

    Args:
        rows: One row a trial, with `seed` and nothing in `measure` that is not finite.
        measure: The column measured.
        factor: The column that differs.
        sides: Its two values.
        settings: Columns whose values make a setting; one that lacks a side is left out, and so is
            a seed that was not tried on both sides.
    """
    found = {}
    for names, cell in rows.groupby(list(settings), sort=False, observed=True):
        one, other = (cell[cell[factor] == side].set_index("seed")[measure] for side in sides)
        seeds = one.index.intersection(other.index)
        if len(seeds):
            found[", ".join(map(str, names))] = paired(one[seeds], other[seeds])
    return found


def judge(*families: Mapping[str, Paired], margin: float) -> Verdict:
    """The verdict by the rule above.

    Args:
        families: Comparisons by setting; each family, a way to look at the claim, is corrected for
            its own number of settings.
        margin: The smallest difference that matters, above 0.
    """
    rows = []
    for comparisons in families:
        corrected = holm([one.p_value for one in comparisons.values()])
        rows += [
            (setting, *one.difference, p_value, _outcome(one, p_value, margin))
            for (setting, one), p_value in zip(comparisons.items(), corrected, strict=True)
        ]
    columns = ["setting", "difference", "low", "high", "pairs", "p (Holm)", "claim"]
    table = pd.DataFrame(rows, columns=columns)
    return Verdict(_status(set(table.claim)), _sentence(table), table)


def _outcome(compared: Paired, p_value: float, margin: float) -> str:
    difference = compared.difference
    if difference.num < LEAST_PAIRS:
        return "open"
    if difference.low > margin and p_value < SIGNIFICANT:
        return "holds"
    return "fails" if difference.high < margin else "open"


def _status(outcomes: set[str]) -> str:
    if "holds" in outcomes:
        return "confirmed" if outcomes == {"holds"} else "only when"
    return "refuted" if outcomes == {"fails"} else "undecided"


def _sentence(table: pd.DataFrame) -> str:
    parts = []
    for outcome in ("holds", "fails", "is open"):
        cells = table[table.claim == outcome.removeprefix("is ")]
        if len(cells):
            parts.append(f"{outcome} in {len(cells)} of {len(table)} settings ({_named(cells)})")
    return ", ".join(parts) or "has not been tried: no setting has both sides"


def _named(cells: pd.DataFrame) -> str:
    """The settings with their differences, or, of many, how far these reach."""
    if len(cells) > MOST_NAMED:
        return f"differences of {text(cells.difference.min())} to {text(cells.difference.max())}"
    return "; ".join(
        f"{cell.setting}: {text(cell.difference)}, {text(cell.low)} to {text(cell.high)}"
        for cell in cells.itertuples()
    )

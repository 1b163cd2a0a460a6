"""From paired comparisons to a verdict, by one rule for all studies.

A claim is tried in several settings. In each, the trials that should be better or worse are paired
by seed, and a difference above 0 speaks for the claim. The claim

- holds in a setting, if the difference's interval lies above the smallest difference that matters
  and the paired test, corrected for the number of settings (Holm), is significant;
- fails there, if the interval lies below that smallest difference;
- is undecided there otherwise, and always with fewer than six pairs, which no test can tell apart.

It is confirmed if it holds in all settings, refuted if it fails in all, true only when it holds in
some and not in others, and undecided otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from experiments.common.sentences import number, short
from gan_jax.study.report import Section
from gan_jax.study.statistics import Interval, Paired, holm, paired

SIGNIFICANT = 0.05
MOST_NAMED = 4  # settings in a sentence
LEAST_PAIRS = 6  # the smallest p-value of five is 2^-4, above 0.05


class Verdict(NamedTuple):
    """What the comparisons say of a claim.

    Attributes:
        status: As a report has it.
        table: One row a setting.
        each: What a row is called in a sentence.
    """

    status: str
    table: pd.DataFrame
    each: str

    @property
    def where(self) -> str:
        """ "in 10 of 18 settings (3 undecided)": where the claim holds, to end a clause with."""
        num, holding = len(self.table), len(self._cells("holds"))
        if not num:
            return f"in no {self.each}, as none could be tried"
        if num == 1:
            return f"{'' if holding else 'not '}in the only {self.each}{self._doubt()}"
        if holding == num:
            return f"in all {self._count(num)}"
        return f"in {holding or 'none'} of {self._count(num)}{self._doubt()}"

    @property
    def median(self) -> Interval:
        """The difference in the median setting; of an even number the lower of the middle two.

        So it is one setting's difference, with its interval. Of no setting it is unknown.
        """
        if self.table.empty:
            return Interval(float("nan"), float("nan"), float("nan"), 0)
        cells = self.table.sort_values("difference", kind="stable")
        return difference(cells.iloc[(len(cells) - 1) // 2])

    @property
    def rest(self) -> str:
        """Sentences on where the claim, "it", holds, fails and is undecided, with differences."""
        said = (
            f"It {words} in {self._count(len(cells))}: {_named(cells)}."
            for words in ("holds", "fails", "is undecided")
            if len(cells := self._cells(words.removeprefix("is ")))
        )
        return " ".join(said)

    def section(self, heading: str, about: str) -> Section:
        """The table under a heading, with what was compared."""
        caption = (
            "Intervals of 95 %: Student's t, wider to the side of the skew. P-values by sign flips."
        )
        return Section(heading, about, table=self.table, caption=caption)

    def _cells(self, outcome: str) -> pd.DataFrame:
        return self.table[self.table.claim == outcome]

    def _count(self, num: int) -> str:
        return f"{num} {self.each}{'s' * (num != 1)}"

    def _doubt(self) -> str:
        """How many are undecided, and why if that leaves all undecided."""
        cells = self._cells("undecided")
        if cells.empty:
            return ""
        why = "wide intervals" if (cells.pairs >= LEAST_PAIRS).any() else "few pairs"
        because = f": {why}" if self.status == "undecided" else ""
        return f" ({len(cells)} undecided{because})"


def compare(
    rows: pd.DataFrame,
    measure: str,
    factor: str,
    sides: tuple[object, object],
    settings: Sequence[str],
) -> dict[str, Paired]:
    """Differences between two values of a factor, the first minus the second, by setting.

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


def verdict_of(*families: Mapping[str, Paired], margin: float, each: str = "setting") -> Verdict:
    """The verdict by the rule above.

    Args:
        families: Comparisons by setting; each family, a way to look at the claim, is corrected for
            its own number of settings.
        margin: The smallest difference that matters, above 0.
        each: What is compared in each comparison, in the singular.
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
    return Verdict(_status(set(table.claim)), table, each)


def difference(cell: pd.Series) -> Interval:
    """That of a row of a verdict's table."""
    return Interval(*cell[["difference", "low", "high", "pairs"]])


def _outcome(compared: Paired, p_value: float, margin: float) -> str:
    difference = compared.difference
    if difference.num < LEAST_PAIRS:
        return "undecided"
    if difference.low > margin and p_value < SIGNIFICANT:
        return "holds"
    return "fails" if difference.high < margin else "undecided"


def _status(outcomes: set[str]) -> str:
    if "holds" in outcomes:
        return "confirmed" if outcomes == {"holds"} else "only when"
    return "refuted" if outcomes == {"fails"} else "undecided"


def _named(cells: pd.DataFrame) -> str:
    """The differences of the settings, or, of many, how far these reach."""
    if len(cells) > MOST_NAMED:
        return (
            f"differences from {short(cells.difference.min())} to {short(cells.difference.max())}"
        )
    return "; ".join(
        f"{number(difference(cell))} for {cell.setting}" for _, cell in cells.iterrows()
    )

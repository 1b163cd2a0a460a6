"""What a study has found: the answer, and what shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from gan_jax.core.errors import choose


class Mark(NamedTuple):
    """How a status is shown.

    Attributes:
        sign: A character.
        words: What the page begins with.
    """

    sign: str
    words: str


MARKS = {
    "confirmed": Mark("✓", "Confirmed"),
    "refuted": Mark("✗", "Refuted"),
    "only when": Mark("◐", "Only in some settings"),
    "undecided": Mark("?", "Undecided"),
    "measured": Mark("•", "Measured"),
}
"""What a claim can end as; "measured" where nothing was put to the test."""


class Claim(NamedTuple):
    """What a study puts to the test.

    Attributes:
        id: A short name: "C3".
        text: What is claimed, in a sentence.
    """

    id: str
    text: str


class Section(NamedTuple):
    """A part of the evidence.

    Attributes:
        heading: A line.
        text: Plain text; an empty line ends a paragraph.
        figure: What shows it, if it is to be seen.
        table: The numbers; floats are shown in four digits, and the index if it has a name.
        caption: What figure and table hold: how many trials, which intervals.
    """

    heading: str
    text: str
    figure: Figure | None = None
    table: pd.DataFrame | None = None
    caption: str | None = None


@dataclass(frozen=True)
class Report:
    """What a study has found.

    Attributes:
        title: A few words.
        question: What was asked, in a sentence.
        claim: What was claimed.
        refuted_by: Which result would have refuted it, as said before the study ran.
        answer: One sentence that is understood without the rest: the answer, one number with its
            interval, and where it holds.
        status: One of `MARKS`.
        details: What else came out; an empty line ends a paragraph.
        sections: The evidence.

    Raises:
        InputError: If the status is none of them.
    """

    title: str
    question: str
    claim: Claim
    refuted_by: str
    answer: str
    status: str
    details: str = ""
    sections: Sequence[Section] = ()

    def __post_init__(self):
        choose("report.status", self.status, MARKS)

    @property
    def headline(self) -> str:
        """The first sentence of the page."""
        mark = MARKS[self.status]
        return f"{mark.sign} {mark.words}: {self.answer}"

"""What a stage is made of: cases, each of which is measured once and gives rows."""

import math
from collections.abc import Iterator
from typing import NamedTuple, Protocol

Row = dict[str, object]


class Unfinished(Exception):
    """A case was stopped in time and has kept what it has done; it goes on when asked again."""


class Settings(NamedTuple):
    """What the user said that cases need to know.

    Attributes:
        tiny: Whether to measure at sizes that a CPU has in seconds, to show that all works.
        peer: Path of the peer's program, or "": the peer takes no part.
        out: The folder for results, where resumable cases keep what they go on from.
        end: When all must have ended, on the machine's monotonic clock.
    """

    tiny: bool
    peer: str
    out: str = ""
    end: float = math.inf


class Case(NamedTuple):
    """A measurement that is done, or fails, as a whole, unless it is resumable.

    Attributes:
        name: Unique in its stage.
        seconds: Estimate of what it takes, compiling included.
        late: Whether all that isn't late, of every stage, is worth more.
        resumable: Whether it goes on where it was stopped. It is given all the time there is, and
            `seconds` is the least that is worth beginning with.
    """

    name: str
    seconds: float
    late: bool = False
    resumable: bool = False


class Stage(Protocol):
    """A module of this package that measures one thing; its docstring is the protocol."""

    def cases(self, settings: Settings) -> list[Case]:
        """Its cases, those of most worth first. Touches no device."""

    def measure(self, name: str, settings: Settings) -> Iterator[Row]:
        """The rows of a case, each as soon as it is known.

        Raises:
            Unfinished: By a resumable case, after its rows, if it was stopped before its end.
        """

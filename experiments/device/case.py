"""What a stage is made of: cases, each of which is measured once and gives rows."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

Row = dict[str, object]


class Settings(NamedTuple):
    """What the user said that cases need to know.

    Attributes:
        tiny: Whether to measure at sizes that a CPU has in seconds, to show that all works.
        peer: Path of the peer's program, or "": the peer takes no part.
    """

    tiny: bool
    peer: str


class Case(NamedTuple):
    """A measurement that is done, or fails, as a whole.

    Attributes:
        name: Unique in its stage.
        seconds: Estimate of what it takes, compiling included.
        late: Whether all that isn't late, of every stage, is worth more.
    """

    name: str
    seconds: float
    late: bool = False


class Stage(Protocol):
    """A module of this package that measures one thing; its docstring is the protocol."""

    def cases(self, settings: Settings) -> list[Case]:
        """Its cases, those of most worth first. Touches no device."""

    def measure(self, name: str, settings: Settings) -> Iterator[Row]:
        """The rows of a case, each as soon as it is known."""

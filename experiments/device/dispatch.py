"""What does the host cost? Rounds of one trial, 1 to 1000 of them a dispatch.

As in the stage `speed`; the number from which on a round gets no quicker is the one to choose.
"""

from collections.abc import Iterator

from experiments.device import speed
from experiments.device.case import Case, Row, Settings

ALL = "rounds"
WANTED = (
    ("MNIST pair 16", "float32", (1, 10, 100)),
    ("ring 512/128", "float32", (1000,)),
    ("dcgan 128/64", "float32", (1000,)),
)
TINY = (("ring 8/4", "float32", (1, 10)),)


def cases(settings: Settings) -> list[Case]:
    """One, whose programs are compiled at once."""
    return [Case(ALL, 30 if settings.tiny else 60)]


def measure(name: str, settings: Settings) -> Iterator[Row]:
    """A row a work and number of rounds."""
    del name
    yield from speed.rounds_of(TINY if settings.tiny else WANTED)

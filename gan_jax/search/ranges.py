"""What a field may be in a search: a range of numbers, or a choice of values."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

FACTORS = (0.8, 1.25)
"""By which a number is changed at random: Jaderberg et al., "Population Based Training of Neural
Networks", 2017, arXiv:1711.09846, section 4."""

_EDGE = 40


class Range(NamedTuple):
    """Numbers from `low` to `high`, both included.

    Attributes:
        low: The least.
        high: The largest.
        log: Whether their logarithms are spread evenly, not they themselves.
        whole: Whether they are whole numbers.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def fault(self) -> str:
        """What is wrong with it, in words; "" if nothing is."""
        if not np.isfinite([self.low, self.high]).all() or self.low >= self.high:
            return "a range must go from a number to a higher one"
        if self.log and self.low <= 0:
            return "a logarithmic range must begin above 0"
        if self.whole and (int(self.low) != self.low or int(self.high) != self.high):
            return "a range of whole numbers must begin and end with one"
        return ""

    @property
    def ends(self) -> tuple[float, float]:
        """Its extreme values."""
        return self.low, self.high

    def has(self, value: Any) -> bool:
        """Whether a value of the field is in it."""
        return self.low <= value <= self.high

    def is_at_edge(self, value: float) -> bool:
        """Whether a value is within a fortieth of an end, as the range is spread; ends of whole
        numbers are as they are meant to be.
        """
        ends = np.array([self.low, value, self.high], float)
        low, place, high = np.log(ends) if self.log else ends
        return not self.whole and min(place - low, high - place) < (high - low) / _EDGE

    def perturbed(self, value: float, rng: np.random.Generator) -> float:
        """The value times one of `FACTORS`, but inside; a whole number changes by at least 1."""
        factor = rng.choice(FACTORS)
        changed = value * factor
        if self.whole:
            nearest = round(changed)
            changed = nearest if nearest != value else value + (1 if factor > 1 else -1)
        return type(value)(np.clip(changed, self.low, self.high))

    def __str__(self) -> str:
        name = "integers" if self.whole else "log" if self.log else "linear"
        return f"{name}({self.low:g}, {self.high:g})"


class Choices(NamedTuple):
    """One of several values.

    Attributes:
        values: All of them; neighbours are alike, where they have an order.
    """

    values: tuple[Any, ...]

    @property
    def fault(self) -> str:
        """As of `Range`."""
        if len(set(self.values)) != len(self.values) or len(self.values) < 2:
            return "choices must be at least two values, each once"
        if not all(isinstance(value, (bool, int, float, str)) for value in self.values):
            return "choices must be numbers, texts or truth values"
        return ""

    @property
    def ends(self) -> tuple[Any, ...]:
        """All its values."""
        return self.values

    def has(self, value: Any) -> bool:
        """Whether a value of the field is one of them."""
        return value in self.values

    def is_at_edge(self, value: Any) -> bool:
        """Never."""
        return False

    def perturbed(self, value: Any, rng: np.random.Generator) -> Any:
        """The choice before or after it."""
        place = self.values.index(value) + rng.choice((-1, 1))
        return self.values[np.clip(place, 0, len(self.values) - 1)]

    def __str__(self) -> str:
        return f"choices({', '.join(map(repr, self.values))})"


Values = Range | Choices


def log(low: float, high: float) -> Range:
    """Numbers whose logarithms are spread evenly: rates, weights."""
    return Range(float(low), float(high), log=True)


def linear(low: float, high: float) -> Range:
    """Numbers that are spread evenly."""
    return Range(float(low), float(high))


def integers(low: int, high: int) -> Range:
    """Whole numbers that are spread evenly."""
    return Range(low, high, whole=True)


def choices(*values: Any) -> Choices:
    """One of these values; what changes the program (a loss, a width) is given so."""
    return Choices(values)


def listed(values: Values) -> Sequence[Any]:
    """All values that a choice or a range of whole numbers has."""
    return values.ends if isinstance(values, Choices) else range(values.low, values.high + 1)

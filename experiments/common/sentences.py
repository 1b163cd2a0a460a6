"""Numbers in the sentences of a report: short, and an estimate with its interval."""

import numpy as np

from gan_jax.study.statistics import Interval
from gan_jax.study.text import text

_DIGITS = 2  # tables have more


def number(found: Interval, unit: str = "") -> str:
    """ "2.5 modes (95 % interval 1 to 3)".

    Args:
        found: An estimate; one of no values is said to be unknown.
        unit: What is counted; "%" shows a share as a percentage.
    """
    if not found.num:
        return "an unknown amount"
    shown = percent if unit == "%" else short
    estimate = shown(found.estimate) + f" {unit}" * (unit not in ("", "%"))
    if np.isnan(found.low):
        return f"{estimate} (one value, no interval)"
    return f"{estimate} (95 % interval {shown(found.low)} to {shown(found.high)})"


def by(found: Interval, above: str, below: str, unit: str = "") -> str:
    """ "higher by 2.5 modes (95 % interval 1 to 3)", or "lower by" if it is below 0.

    Args:
        found: A difference.
        above: What it means to be above 0.
        below: What it means to be below.
        unit: See `number`.
    """
    if found.estimate < 0:
        above, found = below, Interval(-found.estimate, -found.high, -found.low, found.num)
    return f"{above} by {number(found, unit)}"


def percent(share: float) -> str:
    """ "12 %" of 0.12."""
    return f"{short(100 * share)} %"


def short(value: float) -> str:
    """A number in as few digits as a sentence needs."""
    return text(float(value), _DIGITS)

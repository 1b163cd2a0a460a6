"""What can go wrong by the user's hand or the machine's, each as one clear line."""

import re
from collections.abc import Mapping
from typing import TypeVar

from gan_jax.core.names import did_you_mean, nearest_choice

T = TypeVar("T")


class InputError(ValueError):
    """A value the user gave that can't be used; the program ends with exit code 2.

    Args:
        key: What the user set, by the name they know it by: `config.data.raw_dir`, `--workdir`.
        value: What they set it to.
        why: What is wrong with it and, where there is a way out, what to do.
    """

    def __init__(self, key: str, value: object, why: str):
        super().__init__(f"{key}={value}: {why}")
        self.key, self.value, self.why = key, value, why


class RunError(RuntimeError):
    """A run that can't go on (a full disk, not finite); the program ends with exit code 1."""


class Stopped(KeyboardInterrupt):
    """The user's wish to stop, fulfilled; what became of the work is said in one line."""


class Diverged(RunError):
    """A run that measured something that is not finite.

    Args:
        step: The first round after which it did.
        names: What is not finite.
        left: What is left of the run, in words, where that is known.
    """

    def __init__(self, step: int, names: list[str], left: str = ""):
        super().__init__(f"step {step}: not finite: {', '.join(names)}{left and f'; {left}'}")
        self.step, self.names = step, names


def choose(key: str, name: str, table: Mapping[str, T]) -> T:
    """Return `table[name]`.

    Raises:
        InputError: If the table has no such entry; the message names the nearest and lists all.
    """
    if name not in table:
        meant = did_you_mean(nearest_choice(name, table))
        raise InputError(key, name, f"unknown, {meant}choose from {', '.join(sorted(table))}")
    return table[name]


def out_of_memory(error: Exception) -> str | None:
    """One line that says how much memory was asked for, of an error that tells of too little.

    Args:
        error: Of Python, numpy, or JAX, whose errors are told by their text: this is asked where
            JAX need not be loaded.

    Returns:
        The line, or None for any other error.
    """
    if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
        return None
    asked = re.search(r"\d[\d.,]* ?(bytes|[KMGTP]i?B)", str(error))
    how_much = f": {_readable(asked[0])} asked for" if asked else ""
    return f"out of memory{how_much}; make batches, networks or images smaller"


def _readable(amount: str) -> str:
    """An amount of memory with a unit that can be grasped: "17179869184 bytes" is "16.0 GiB"."""
    number, _, unit = amount.partition(" ")
    if unit != "bytes":
        return amount
    size, prefixes = float(number.replace(",", "")), ["", "Ki", "Mi", "Gi", "Ti", "Pi"]
    while size >= 1024 and len(prefixes) > 1:
        size, prefixes = size / 1024, prefixes[1:]
    return f"{size:.1f} {prefixes[0]}B"

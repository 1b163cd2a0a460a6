"""What can go wrong by the user's hand or the machine's, each as one clear line."""

from collections.abc import Mapping
from typing import TypeVar

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
        InputError: If the table has no such entry; the message lists the choices.
    """
    if name not in table:
        raise InputError(key, name, f"unknown, choose from {', '.join(sorted(table))}")
    return table[name]

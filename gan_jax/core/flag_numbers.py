"""How a config's numbers and switches are read from `--config.KEY=VALUE`: as people write them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from absl import flags
from ml_collections import config_flags

from gan_jax.config.fields import KINDS


def whole_number(text: str) -> int:
    """ "16", "1_000", "1e4" or "1.0" as an int.

    Raises:
        ValueError: If it is no number, or not a whole one.
    """
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not number.is_integer():
            raise
        return int(number)


READERS: Mapping[type, Callable[[str], Any]] = MappingProxyType(
    {int: whole_number, float: float, bool: flags.BooleanParser().parse, str: str}
)
"""From a text to a field's value, by the field's type; each raises ValueError."""


class _Parser(flags.ArgumentParser):
    """A parser of absl's whose complaint says what the field holds.

    Args:
        kind: The field's type.
        read: From text to a value of it; raises ValueError.
    """

    def __init__(self, kind: type, read: Callable[[str], Any]):
        self._kind, self._read = kind, read

    def parse(self, argument: Any) -> Any:
        """The value of a text; values of the type, absl's defaults, stay as they are."""
        if isinstance(argument, self._kind):
            return argument
        try:
            return self._read(argument)
        except ValueError:
            raise ValueError(f"must be {KINDS[self._kind]}") from None

    def flag_type(self) -> str:
        """What absl calls it in its help."""
        return KINDS[self._kind]


def register() -> None:
    """Have the fields of every config read so; once, before flags are parsed."""
    for kind in (int, float, bool):
        config_flags.register_flag_parser_for_type(kind, _Parser(kind, READERS[kind]))

"""The space of a search: which fields vary, and how they are divided among programs."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from gan_jax.config.checks import checked
from gan_jax.config.fields import RULES, flatten, no_such_field
from gan_jax.config.hyperparameters import RATIO, structure, with_numbers
from gan_jax.core.errors import InputError
from gan_jax.search.ranges import Choices, Range, Values, listed

Point = Mapping[str, Any]
"""A value for each name of a space."""
# The same for all trials, which could not be compared else.
_COMMON = {
    "seed": "how many seeds a trial has is said by SEEDS",
    "train.steps": "all trials have the same rounds",
    "eval.every": "all trials are evaluated after the same rounds",
    "eval.protocol": "all trials are measured by the same protocol",
    "data.name": "all trials have the same data",
}


class Space:
    """Which fields of a config vary, and within what.

    Args:
        table: Values by field, flattened; a tuple of fields as a key: all of them have one value.
        config: What the trials have in common.

    Attributes:
        values: The values by name: that of the field, or of several with commas between.
        own: The config's own point, from which a search starts.
        programs: The values that make a program, a point each. What varies beside them are numbers
            that a program takes as arguments.

    Raises:
        InputError: If a field is unknown, can't vary, or can't be what it may be.
    """

    def __init__(self, table: Mapping[str | tuple[str, ...], Values], config: ConfigDict):
        if not table:
            raise InputError("SPACE", table, "has no fields")
        keys = [(key,) if isinstance(key, str) else tuple(key) for key in table]
        self.values: dict[str, Values] = dict(zip(map(",".join, keys), table.values(), strict=True))
        self.config = config
        fields = flatten(config)
        for name, values in self.values.items():
            self._refuse_unusable(name, values, fields)
        self.own: Point = {name: fields[name.split(",")[0]] for name in self.values}
        shaping = {name: self.values[name] for name in self.values if self._shapes(name)}
        products = itertools.product(*(values.ends for values in shaping.values()))
        programs = [dict(zip(shaping, product, strict=True)) for product in products]
        # The config's own first.
        self.programs = sorted(programs, key=lambda one: not one.items() <= self.own.items())
        for program in self.programs:
            self._refuse_changes(program)

    def config_of(self, point: Point, seed: int) -> ConfigDict:
        """The config of a point, checked.

        Raises:
            InputError: If its values don't go together.
        """
        fields = {field: value for name, value in point.items() for field in name.split(",")}
        return checked(with_numbers(self.config, fields | {"seed": seed}))

    def program_of(self, point: Point) -> Point:
        """The values of a point that make its program."""
        return {name: point[name] for name in self.programs[0]}

    def first(self, program: Point) -> Point:
        """A point of a program."""
        return {name: values.ends[0] for name, values in self.values.items()} | program

    def ratios(self, program: Point) -> list[Point]:
        """Points of a program that differ in how many updates a round has: one of each number."""
        ratio = [name for name in self.values if name in RATIO]
        first, by_updates = self.first(program), {}
        for product in itertools.product(*(listed(self.values[name]) for name in ratio)):
            by_updates.setdefault(sum(product), first | dict(zip(ratio, product, strict=True)))
        return list(by_updates.values()) if ratio else []

    def __str__(self) -> str:
        return ", ".join(f"{name}={values}" for name, values in self.values.items())

    def _refuse_unusable(self, name: str, values: Values, fields: Mapping[str, Any]) -> None:
        for field in name.split(","):
            if field not in fields:
                raise InputError(f"SPACE.{field}", values, no_such_field(field, fields))
            if field in _COMMON:
                raise InputError(f"SPACE.{field}", values, f"can't vary: {_COMMON[field]}")
            if not isinstance(values, (Range, Choices)):
                why = "must be log(…), linear(…), integers(…) or choices(…)"
                raise InputError(f"SPACE.{field}", values, why)
            if isinstance(values, Range) and values.whole != (RULES[field].kind is int):
                why = "integers(…) are for whole numbers, log(…) and linear(…) for others"
                raise InputError(f"SPACE.{field}", values, why)
        if values.fault:
            raise InputError(f"SPACE.{name}", values, values.fault)
        for field in name.split(","):
            if not values.has(fields[field]) or fields[field] != fields[name.split(",")[0]]:
                why = f"a search starts from the config's own value, which must be one of {values}"
                raise InputError(f"config.{field}", fields[field], why)

    def _shapes(self, name: str) -> bool:
        """Whether a choice's values need programs of their own, whatever the others are."""
        values = self.values[name]
        if isinstance(values, Range):
            return False
        first = self.first({})
        found = [structure(self._unchecked(first | {name: value})) for value in values.ends]
        return any(one != found[0] for one in found)

    def _refuse_changes(self, program: Point) -> None:
        """Refuse a number that is not one in a program: with it the program would be another."""
        first = self.first(program)
        expected = structure(self.config_of(first, 0))
        for name, values in self._free(program):
            for end in values.ends:
                try:
                    found = structure(self.config_of(first | {name: end}, 0))
                except InputError as error:
                    raise InputError(f"SPACE.{name}", values, f"{error}") from None
                if found != expected:
                    raise InputError(f"SPACE.{name}", values, _why_not(values, program))

    def _free(self, program: Point) -> Iterator[tuple[str, Values]]:
        return ((name, values) for name, values in self.values.items() if name not in program)

    def _unchecked(self, point: Point) -> ConfigDict:
        fields = {field: value for name, value in point.items() for field in name.split(",")}
        return with_numbers(self.config, fields)


def _why_not(values: Values, program: Point) -> str:
    if values.ends[0] == 0 and isinstance(values, Range):
        return "at 0 it is off, which is another program: begin above 0, or give choices(0, …)"
    beside = ", ".join(f"{name}={value}" for name, value in program.items())
    why = "is no number that a program can take" + (f" beside {beside}" if beside else "")
    return f"{why}, each value would be a program of its own: give choices(…)"

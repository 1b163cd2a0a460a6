"""The trials of a sweep that needs no study file: every combination of the values of some fields.

    --vary=optim.generator.learning_rate=1e-4:1e-2:log:5 --vary=loss=hinge,wasserstein --seeds=5

A field's values are separated by commas; one that has commas itself stands in single quotes, which
the shell must leave alone: `--vary="augment.policy='translation,cutout',translation"`. For numbers
`LOW:HIGH:NUM` stands for NUM values from LOW to HIGH at equal distances, `LOW:HIGH:log:NUM` for as
many at equal ratios; both ends are among them.
"""

import csv
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gan_jax.config.fields import KINDS, RULES, Rule, no_such_field
from gan_jax.core.errors import InputError
from gan_jax.core.flag_numbers import READERS, whole_number

_DIGITS = 12  # that values of ranges have: 0.001, not 0.0010000000000000002
_MOST_VALUES = 10_000  # of a range, and seeds
_SCALES: Mapping[str, Callable[..., np.ndarray]] = MappingProxyType(
    {"": np.linspace, "log": np.geomspace}
)


def fields(varied: Sequence[str]) -> list[str]:
    """The fields that are varied, by flattened name, as the flags name them."""
    return [flag.partition("=")[0] for flag in varied]


def combinations(
    varied: Sequence[str], seeds: str | None, overridden: Mapping[str, Any] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """The trials of the flags: every combination, the seeds of one next to each other.

    Args:
        varied: Each "KEY=VALUES".
        seeds: "5" for 0 to 4, or "3,5,7"; None: the config's own.
        overridden: Fields that have one value for all trials, by another flag.

    Returns:
        The values of each trial by flattened name; none without flags.

    Raises:
        InputError: If a flag can't be read, a value is not of its field's type, or a field or value
            is given twice.
    """
    if not varied and seeds is None:
        return []
    values: dict[str, list] = {}
    for flag in varied:
        key, equals, listed = flag.partition("=")
        if not equals:
            raise InputError("--vary", flag, "must be KEY=VALUE,VALUE,…")
        if key not in RULES:
            raise InputError(f"--vary={key}", listed, no_such_field(key, RULES))
        if key in values:
            raise InputError(f"--vary={key}", listed, f"{key} is varied twice")
        values[key] = _values(key, listed)
    if seeds is not None:
        if "seed" in values:
            raise InputError("--seeds", seeds, "--vary varies the seed too: give one of them")
        values["seed"] = _seeds(seeds)
    for key in overridden.keys() & values.keys():
        why = "is varied too: give one of them"
        raise InputError(f"--config.{key}", overridden[key], why)
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]


def _values(key: str, listed: str) -> list:
    """The values of a field, each in its type.

    Raises:
        InputError: If one can't be read, or is there twice.
    """
    flag = f"--vary={key}"
    try:
        (texts,) = csv.reader([listed], quotechar="'", strict=True)
    except (csv.Error, ValueError):
        why = "can't be split: quote a value as a whole, 'a,b','c'"
        raise InputError(flag, listed, why) from None
    texts = texts or [""]  # what csv makes of nothing
    read = [value for text in texts for value in _read(flag, text, RULES[key])]
    return _each_once(flag, listed, read)


def _read(flag: str, text: str, rule: Rule) -> Iterator[Any]:
    """The value of a text, or those of a range."""
    if rule.kind in (int, float) and ":" in text:
        yield from (_value(flag, one, rule.kind) for one in _range(flag, text))
    else:
        yield _value(flag, text, rule.kind)


def _value(flag: str, text: str, kind: type) -> Any:
    try:
        return READERS[kind](text)
    except (ValueError, OverflowError):
        raise InputError(flag, text, f"must be {KINDS[kind]}") from None


def _range(flag: str, text: str) -> list[str]:
    """The values of "LOW:HIGH:NUM" or "LOW:HIGH:log:NUM", in few enough digits to be read."""
    low, high, *scale, num = text.split(":") if text.count(":") in (2, 3) else [""] * 3
    try:
        spaced, ends = _SCALES["".join(scale)], (float(low), float(high))
        count = whole_number(num)
    except (KeyError, ValueError, OverflowError):
        raise InputError(flag, text, "a range is LOW:HIGH:NUM or LOW:HIGH:log:NUM") from None
    if not 2 <= count <= _MOST_VALUES:
        why = f"a range has from 2 to {_MOST_VALUES:,} values, not {count}"
        raise InputError(flag, text, why)
    if ends[0] == ends[1] or not np.isfinite(ends).all():
        raise InputError(flag, text, "the ends of a range are two different numbers")
    if scale and min(ends) <= 0:
        raise InputError(flag, text, "the ends of a logarithmic range are above 0")
    return [f"{one:.{_DIGITS}g}" for one in spaced(*ends, count)]


def _seeds(text: str) -> list[int]:
    seeds = [_value("--seeds", one, int) for one in text.split(",")]
    if len(seeds) > 1:
        return _each_once("--seeds", text, seeds)
    if not 1 <= seeds[0] <= _MOST_VALUES:
        why = f"from 1 to {_MOST_VALUES:,}; for one seed set config.seed"
        raise InputError("--seeds", text, why)
    return list(range(seeds[0]))


def _each_once(flag: str, text: str, values: list) -> list:
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise InputError(flag, text, f"{twice[0]} is there twice")
    return values

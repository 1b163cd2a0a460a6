"""Files that are replaced in one step, and JSON that is read as something that may be damaged."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gan_jax.core.errors import RunError


class Form(NamedTuple):
    """What a value in a JSON file must be like, where a type does not say it all.

    Attributes:
        holds: Whether a value will do, of whatever type it is.
        says: What it must be, in words.
    """

    holds: Callable[[Any], bool]
    says: str


Fields = Mapping[str, "type | tuple[type, ...] | Form | Fields"]
"""What an object of a JSON file must have, by key: types, forms, or objects with fields of their
own. There may be more."""


class Damaged(RunError):
    """A file that is not what was written, in a line that names it and what is wrong."""


def whole(low: int, high: int = 2**53) -> Form:
    """Whole numbers from `low` to `high`, both included."""
    return Form(lambda value: _is_whole(value, low, high), f"a whole number from {low} to {high}")


def wholes(low: int, high: int) -> Form:
    """Lists of at least one such number."""

    def holds(value: Any) -> bool:
        return isinstance(value, list) and bool(value) and all(map(one.holds, value))

    one = whole(low, high)
    return Form(holds, f"a list, each of it {one.says}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """While a file is written: what the system has against it names the file.

    Raises:
        RunError: For an OSError.
    """
    try:
        yield
    except OSError as error:
        message = f"{path}: can't be written: {error.strerror or error}"
        raise RunError(message) from error


def to_json(value: Any, indent: int | None = None) -> str:
    """Strict JSON: a number that is not finite is an error, not a word that readers choke on."""
    return json.dumps(value, indent=indent, allow_nan=False)


def write_atomically(path: Path, text: str) -> None:
    """Write a text so that readers and crashes find the old file or the new one, never a part.

    Args:
        path: The file.
        text: What it is to hold, without the last end of line.
    """
    write_bytes_atomically(path, (text + "\n" if text else "").encode())


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """The same for what is no text."""
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    # A new name is on disk when its folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_object(path: Path, fields: Fields) -> dict[str, Any] | None:
    """The object in a JSON file, None if there is no such file.

    Raises:
        Damaged: If it holds no object, or a field is missing or not as it must be.
        OSError: If it can't be read.
    """
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _checked(text, fields, str(path))


def read_lines(path: Path, fields: Fields) -> tuple[list[dict[str, Any]], list[str]]:
    """The sound objects of a JSON lines file, and what is wrong with each of the other lines.

    No file is no line; what a crash left of the last line is one that is wrong.
    """
    sound, wrong = [], []
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if line:
            try:
                sound.append(_checked(line, fields, f"{path}, line {number}"))
            except Damaged as error:
                wrong.append(str(error))
    return sound, wrong


def read_log(path: Path, fields: Fields) -> tuple[list[dict[str, Any]], str]:
    """The objects of a JSON lines file that one process appends to, up to where a crash cut it.

    A power cut leaves a part of a line at the end, or bytes that were never written: zeros.

    Returns:
        The objects, and what is wrong with what comes after them; "" if nothing does.

    Raises:
        Damaged: If sound lines come after damaged ones, or one is of another form.
    """
    *lines, rest = path.read_bytes().split(b"\n") if path.exists() else [b""]
    found, tail = [], ""
    for number, line in enumerate(lines, start=1):
        place = f"{path}, line {number}"
        try:
            value = _parsed(line, place)
        except Damaged as error:
            tail = tail or str(error)
            continue
        if tail:
            raise Damaged(f"{tail}, and sound lines come after it")
        found.append(fitting(value, fields, place))
    if rest and not tail:
        tail = f"{path}, line {len(lines) + 1}: cut off"
    return found, tail


def _checked(text: bytes, fields: Fields, place: str) -> dict[str, Any]:
    return fitting(_parsed(text, place), fields, place)


def _parsed(text: bytes, place: str) -> Any:
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{place}: no JSON ({error})") from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def fitting(value: Any, fields: Fields, place: str, prefix: str = "") -> dict[str, Any]:
    """The value itself, an object of these fields.

    Args:
        value: What was read.
        fields: What it must have.
        place: Where it was read, for the message.
        prefix: The keys that lead to it there, each with a dot.

    Raises:
        Damaged: If it is none, or a field is missing or not as it must be.
    """
    if not isinstance(value, dict):
        what = f"{prefix.removesuffix('.')} is" if prefix else "holds"
        raise Damaged(f"{place}: {what} {_shown(value)}, no object")
    for name, form in fields.items():
        if name not in value:
            raise Damaged(f"{place}: {prefix}{name} is missing")
        if isinstance(form, Mapping):
            fitting(value[name], form, place, f"{prefix}{name}.")
        elif isinstance(form, Form):
            if not form.holds(value[name]):
                raise Damaged(f"{place}: {prefix}{name} is {_shown(value[name])}, not {form.says}")
        # JSON's true is no number, though Python's is.
        elif isinstance(value[name], bool) or not isinstance(value[name], form):
            raise Damaged(f"{place}: {prefix}{name} is {_shown(value[name])}")
    return value


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.60}"
    except RecursionError:
        return "nested too deep"


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

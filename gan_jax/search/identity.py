"""Whose folder it is: what decides a search's trials, as it was when the folder was made."""

import hashlib
import inspect
from collections.abc import Mapping
from pathlib import Path

from gan_jax.config.fields import flatten
from gan_jax.core.errors import InputError, RunError
from gan_jax.core.files import Damaged, read_object, to_json, write_atomically
from gan_jax.search.search import Options
from gan_jax.search.search_file import SearchFile

Identity = Mapping[str, str]
"""What decides a search's trials, in words, by what the user calls it."""


def identity(file: SearchFile, options: Options) -> Identity:
    """Of a search: its file's name, what the file says, each field of its config, its options.

    A function is known by its source, whatever it calls.
    """
    objective = file.objective
    if not isinstance(objective, str):
        source = inspect.getsource(objective).encode()
        objective = f"function {hashlib.sha256(source).hexdigest()[:8]}"
    said = {"search": file.path.stem, "SPACE": file.space, "SEEDS": len(file.seeds)}
    fields = {f"config.{key}": value for key, value in flatten(file.space.config).items()}
    given = {f"--{name}": value for name, value in options._asdict().items()}
    return {
        key: str(value) for key, value in (said | given | {"objective": objective} | fields).items()
    }


def refuse_other(folder: Path, mine: Identity) -> None:
    """Refuse a folder with another search; nothing is changed.

    Raises:
        InputError: If it has one, or it can't be told.
    """
    try:
        theirs = read_object(folder / "search.json", dict.fromkeys(mine, str))
    except Damaged as error:
        raise InputError(
            "--workdir", folder, f"can't tell whose trials these are: {error}"
        ) from None
    changed = [
        f"{key} {before} there, {mine[key]} now"
        for key, before in (theirs or {}).items()
        if before != mine.get(key)
    ]
    if changed:
        raise InputError("--workdir", folder, f"holds another search: {'; '.join(changed)}")


def record(folder: Path, mine: Identity) -> None:
    """Write down whose folder it is.

    Raises:
        RunError: If it can't be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "search.json", to_json(mine, indent=2))
    except OSError as error:
        raise RunError(f"{folder}: can't be written: {error.strerror}") from error

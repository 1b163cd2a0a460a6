"""Whose folder it is: a study's name, its filter, and its file as it was when the jobs began."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gan_jax.core.errors import InputError, RunError
from gan_jax.core.files import Damaged, read_object, to_json, write_atomically
from gan_jax.sweep.study import TrialConfig

_FIELDS = {"study": str, "filter": str, "overrides": list, "trials": list}


class Identity(NamedTuple):
    """What a folder holds the results of.

    Attributes:
        study: The study's name: that of its file.
        filter: Which of its trials were asked for, as the flag has it.
        overrides: The user's overrides of its config, sorted, and which fields are varied by flags;
            more values of theirs are more trials of the same study.
        trials: Their digests.
    """

    study: str
    filter: str
    overrides: list[str]
    trials: list[str]


def identity(
    path: Path,
    wanted: str,
    flags: Sequence[str],
    trials: Sequence[TrialConfig],
    varied: Sequence[str] = (),
) -> Identity:
    """Who asks for a folder.

    Args:
        path: The study's file.
        wanted: The filter.
        flags: The user's, of which those count that change its config.
        trials: The trials that are left by the filter.
        varied: Fields that flags vary.
    """
    overrides = sorted(flag for flag in flags if flag.startswith("--config."))
    overrides += sorted(f"--vary={field}" for field in varied)
    return Identity(path.stem, wanted, overrides, [trial.digest for trial in trials])


def refuse_other(folder: Path, mine: Identity) -> str:
    """Refuse a folder with the results of another study; nothing is changed.

    Returns:
        What has changed in this one since, in words; "" if nothing has, or it is new.

    Raises:
        InputError: If the folder has another study's results, or it can't be told whose.
    """
    try:
        record = read_object(folder / "study.json", _FIELDS)
    except Damaged as error:
        raise InputError(
            "--workdir", folder, f"can't tell whose results these are: {error}"
        ) from None
    if record is None:
        return ""
    theirs = Identity(**{name: record[name] for name in _FIELDS})
    changed = [
        f"{name} {_said(before)} there, {_said(now)} now"
        for name, before, now in zip(mine._fields[:-1], theirs, mine, strict=False)
        if before != now
    ]
    if changed:
        raise InputError("--workdir", folder, f"holds another study: {'; '.join(changed)}")
    before, now = set(theirs.trials), set(mine.trials)
    if before == now:
        return ""
    return (
        f"the study has changed: {len(now - before)} of its {len(now)} trials are new, "
        f"{len(before - now)} are gone, {len(now & before)} are kept"
    )


def record_identity(folder: Path, mine: Identity) -> None:
    """Write down whose folder it is.

    Raises:
        RunError: If it can't be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "study.json", to_json(mine._asdict(), indent=2))
    except OSError as error:
        raise RunError(f"{folder}: can't be written: {error.strerror}") from error


def copied(path: Path, folder: Path) -> Path:
    """Where the study's file, as it is now, has its copy in the study's folder.

    Each version has its own, so that jobs that still wait in a queue find theirs.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return folder / "study" / digest / path.name


def copy(path: Path, to: Path) -> None:
    """Copy the study's file."""
    if not to.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        partial = to.with_name(to.name + ".partial")
        partial.write_bytes(path.read_bytes())
        partial.replace(to)


def _said(value: str | list[str]) -> str:
    return (" ".join(value) if isinstance(value, list) else value) or "none"

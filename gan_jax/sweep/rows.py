"""The rows that trials leave: how they are kept, which there must be, and which are missing."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gan_jax.core.files import read_lines, to_json, write_atomically
from gan_jax.run.intervals import next_time
from gan_jax.sweep.study import TrialConfig

Row = Mapping[str, Any]
_FIELDS = {"trial": str, "step": int, "steps": int, "diverged_at": int}


def read(path: Path) -> tuple[list[Row], list[str]]:
    """The sound rows of a job's `rows.jsonl`, and what is wrong with its other lines."""
    return read_lines(path, _FIELDS)


def row(trial: TrialConfig, steps: int, measured: Mapping[str, float]) -> Row:
    """A row as it is written; a measurement that is not finite has no entry in it."""
    known = {
        name: value
        for name, value in measured.items()
        if name not in ("trial", "steps") and math.isfinite(value)
    }
    return {"trial": trial.digest, "steps": steps, **known}


def write(path: Path, rows: Iterable[Row]) -> None:
    """Replace all rows, in one step."""
    write_atomically(path, "\n".join(map(to_json, rows)))


def append(path: Path, rows: Iterable[Row]) -> None:
    """Add rows; they are on disk when this returns."""
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(to_json(row) + "\n" for row in rows)
        file.flush()
        os.fsync(file.fileno())


def steps(config: ConfigDict) -> list[int]:
    """The rounds after which a trial is evaluated, in order."""
    found = [0]
    while found[-1] < config.train.steps:
        found.append(next_time(found[-1], [config.eval.every], config.train.steps))
    return found[1:]


def incomplete(trials: Iterable[TrialConfig], rows: Sequence[Row]) -> list[TrialConfig]:
    """The trials that lack a row, or have one twice.

    A run of its own that diverged is evaluated no more: its last row measures nothing but the round
    in which it did.
    """
    found: dict[str, Counter] = {}
    fell = {}
    for row in rows:
        found.setdefault(row["trial"], Counter())[row["step"]] += 1
        if row.keys() == _FIELDS.keys():
            fell[row["trial"]] = row["step"]
    return [trial for trial in trials if not _is_whole(trial, found, fell)]


def _is_whole(trial: TrialConfig, found: Mapping[str, Counter], fell: Mapping[str, int]) -> bool:
    due, there = steps(trial.config), found.get(trial.digest, Counter())
    if there == Counter(due):
        return True
    end = fell.get(trial.digest)
    return end is not None and there == Counter([step for step in due if step < end] + [end])

"""The rows that a trial leaves: which ones there must be, and which are missing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gan_jax.core.files import read_lines
from gan_jax.run.intervals import next_time
from gan_jax.sweep.study import TrialConfig

Row = Mapping[str, Any]
_FIELDS = {"trial": str, "step": int, "steps": int, "diverged_at": int}


def read(path: Path) -> tuple[list[Row], list[str]]:
    """The sound rows of a job's `rows.jsonl`, and what is wrong with its other lines."""
    return read_lines(path, _FIELDS)


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

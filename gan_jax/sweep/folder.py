"""The files of a job, each read as something that a crash may have cut."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.core.files import (
    Damaged,
    Form,
    read_object,
    to_json,
    whole,
    write_atomically,
    write_bytes_atomically,
)
from gan_jax.sweep import rows
from gan_jax.sweep.study import TrialConfig

_NUMBER = (int, float)
_DONE = {"device_seconds": _NUMBER, "versions": dict}
_PARTS = {"side_by_side": whole(1), "seconds": _NUMBER}
_FLAG = Form(lambda value: isinstance(value, bool), "true or false")
_PERHAPS = (int, float, type(None))
_PROGRESS_FIELDS = {"share": _NUMBER, "since": _PERHAPS, "seconds": _NUMBER, "starting": _PERHAPS}


class JobProgress(NamedTuple):
    """What a job last said of how far it is.

    Attributes:
        share: The share of it that has been trained, in [0, 1].
        since: The share at which its process had compiled all it needs; None: no process has begun
            since the study was last started.
        seconds: How long it has trained from there.
        starting: Seconds before that, from the process's start on; None: it is still compiling.
    """

    share: float
    since: float | None = None
    seconds: float = 0.0
    starting: float | None = None

    @property
    def begun(self) -> bool:
        """Whether a process is at it, or has been."""
        return self.since is not None


class JobFolder:
    """The files of a job.

    Args:
        path: The folder.

    Attributes:
        plan: Which trials it trains, written before it begins.
        rows: One line a trial and evaluation, in order.
        parts: How many of its trials were side by side at a time, and what those of them that are
            finished took.
        done: Written last, with what the job took.
        progress: How far it is, see `JobProgress`.
        samples: What each of its trials side by side generated in the end.
    """

    def __init__(self, path: Path):
        self.path = path
        self.plan = path / "job.json"
        self.rows = path / "rows.jsonl"
        self.done = path / "done.json"
        self.parts = path / "parts.json"
        self.progress = path / "progress.json"
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"
        self.run = path / "run"
        self.log = path / "log.txt"

    def digests(self) -> list[str]:
        """Its trials by their digests; none if that can't be read."""
        try:
            planned = read_object(self.plan, {"trials": list})
        except Damaged:
            return []
        return (
            [digest for digest in planned["trials"] if isinstance(digest, str)] if planned else []
        )

    def vmapped(self) -> bool | None:
        """Whether its trials are side by side; None if that can't be read."""
        try:
            planned = read_object(self.plan, {"vmapped": _FLAG})
        except Damaged:
            return None
        return planned["vmapped"] if planned else None

    def assign(self, trials: Sequence[TrialConfig], *, vmapped: bool) -> None:
        """Write down whose folder this is, and that nobody is at it yet."""
        self.path.mkdir(parents=True, exist_ok=True)
        planned = {"trials": [trial.digest for trial in trials], "vmapped": vmapped}
        write_atomically(self.plan, to_json(planned))
        write_atomically(self.progress, to_json(JobProgress(self.share())._asdict()))

    def save_samples(self, trial: TrialConfig, samples: np.ndarray) -> None:
        """Keep what a trial generated in the end, [N, ...] as its data set holds examples."""
        self.samples.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        np.save(buffer, samples)
        write_bytes_atomically(self._samples_of(trial), buffer.getvalue())

    def read_samples(self, trial: TrialConfig) -> np.ndarray | None:
        """The same again; None where there is none, or not all of it."""
        try:
            return np.load(self._samples_of(trial))
        except (OSError, ValueError, EOFError):
            return None

    def _samples_of(self, trial: TrialConfig) -> Path:
        return self.samples / f"{trial.digest}.npy"

    def record(self) -> dict[str, Any] | None:
        """What the finished job took; None if it is not known to be finished."""
        try:
            return read_object(self.done, _DONE)
        except Damaged:
            return None

    def lacks(self, trials: Sequence[TrialConfig]) -> str:
        """What a job that says it is done lacks of these trials, in words; "" if nothing."""
        if self.record() is None:
            return f"{self.done.name} is damaged"
        found, wrong = rows.read(self.rows)
        lacking = rows.incomplete(trials, found)
        if lacking:
            why = f"; {wrong[0]}" if wrong else ""
            return f"rows of {len(lacking)} of {len(trials)} trials are missing{why}"
        return ""

    def share(self) -> float:
        """The share of the job that is done, in [0, 1]."""
        return self.job_progress().share

    def part_record(self) -> dict[str, Any]:
        """What `parts` has; {} if that can't be read."""
        try:
            return read_object(self.parts, _PARTS) or {}
        except Damaged:
            return {}

    def note_parts(self, side_by_side: int, seconds: float) -> None:
        """Write `parts`: how many trials are side by side, and the device-seconds so far."""
        note = {"side_by_side": side_by_side, "seconds": seconds}
        write_atomically(self.parts, to_json(note))

    def job_progress(self) -> JobProgress:
        """How far it is; 0 where that can't be read."""
        try:
            noted = read_object(self.progress, _PROGRESS_FIELDS)
        except Damaged:
            noted = None
        job_progress = (
            JobProgress(**{name: noted[name] for name in _PROGRESS_FIELDS})
            if noted
            else JobProgress(0.0)
        )
        if self.record() is not None:
            return job_progress._replace(share=1.0)
        return job_progress if 0 <= job_progress.share <= 1 else JobProgress(0.0)

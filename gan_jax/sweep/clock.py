"""How long a job takes: what its process notes of it, and what that says of all that is left."""

import heapq
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gan_jax.core.files import to_json, write_atomically
from gan_jax.sweep.folder import JobProgress

SECONDS_A_NOTE = 1.0


class Clock:
    """Notes how far a job is and how long it has trained, without what it took to compile.

    Args:
        path: The file that it notes in.
        share: The share of the job that was trained before.
        started: When its process began.
        now: Tells the time, in seconds.
    """

    def __init__(
        self,
        path: Path,
        share: float,
        started: float,
        now: Callable[[], float] = time.monotonic,
    ):
        self._path, self._now, self._started = path, now, started
        self._since = share
        self._begun = self._noted = self._starting = None
        self._compiles = True  # until the first evaluation is over
        self._write(share, 0.0)

    def is_due(self) -> bool:
        """Whether it is time to note."""
        return self._noted is None or self._now() - self._noted >= SECONDS_A_NOTE

    def note(self, share: float) -> None:
        """Note that this share has been trained; by the first time all has been compiled."""
        self._noted = self._now()
        if self._begun is None:
            self._begun, self._since = self._noted, share
            self._starting = self._noted - self._started
        self._write(share, self._noted - self._begun)

    @contextmanager
    def compiling_once(self) -> Iterator[None]:
        """Leave out how long something takes when it is done for the first time."""
        before = self._now()
        yield
        if self._compiles and self._begun is not None:
            self._begun += self._now() - before
        self._compiles = False

    def _write(self, share: float, seconds: float) -> None:
        progress = JobProgress(share, self._since, seconds, self._starting)
        write_atomically(self._path, to_json(progress._asdict()))


class Measured(NamedTuple):
    """A job as its clock has it.

    Attributes:
        kind: Jobs of one kind take about as long for the same work.
        work: Updates of all its trials.
        progress: What it has noted.
        waited: Seconds since it said so.
    """

    kind: Hashable
    work: float
    progress: JobProgress
    waited: float = 0.0

    @property
    def is_compiling(self) -> bool:
        """Whether its process has not begun to train."""
        return self.progress.begun and self.progress.starting is None

    @property
    def left(self) -> float:
        """What it has still to train."""
        return self.work * (1 - self.progress.share)


def seconds_left(jobs: Sequence[Measured], parallel: int) -> float | None:
    """How long it takes until all jobs are done; None while nothing is known.

    A job goes on at its own speed; one that has none yet, at that of its kind, else of all. One
    that has not begun also takes as long to start as others took.

    Args:
        jobs: All, in the order in which they are begun.
        parallel: How many run at a time.
    """
    starts = [job.progress.starting for job in jobs if job.progress.starting is not None]
    speeds = {kind: _speed([job for job in jobs if job.kind == kind]) for kind, *_ in jobs}
    overall = _speed(jobs)
    if overall is None:
        return None
    start = sum(starts) / len(starts)
    free = [0.0] * parallel  # when each place is free
    for job in sorted(jobs, key=lambda job: not job.progress.begun):
        if job.progress.share < 1:
            seconds = job.left / (_speed([job]) or speeds[job.kind] or overall)
            seconds += start if job.progress.starting is None else 0.0
            waited = min(job.waited, start) if job.is_compiling else job.waited
            heapq.heappush(free, heapq.heappop(free) + max(0.0, seconds - waited))
    return max(free)


def _speed(jobs: Sequence[Measured]) -> float | None:
    """Work a second of those that have trained; None if none has."""
    progress = [(job.work, job.progress) for job in jobs if job.progress.starting is not None]
    trained = sum(work * (one.share - one.since) for work, one in progress)
    seconds = sum(one.seconds for _, one in progress)
    return trained / seconds if trained > 0 and seconds > 0 else None

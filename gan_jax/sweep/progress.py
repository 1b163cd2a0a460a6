"""How far a study is, wherever its jobs run: told by the files that they write."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from gan_jax.sweep.clock import Measured, seconds_left
from gan_jax.sweep.folder import JobFolder, JobProgress
from gan_jax.sweep.jobs import Job, kind, updates
from gan_jax.sweep.runners import Task

SECONDS_A_LOOK = 2.0


class Progress:
    """A bar on the terminal, and a line a finished job; for use in a `with`.

    Args:
        jobs: All jobs that are run.
        folders: Their folders.
        parallel: How many run at a time; None: as many as are seen to.
    """

    def __init__(self, jobs: Sequence[Job], folders: Sequence[JobFolder], parallel: int | None):
        self._jobs, self._folders, self._parallel = jobs, folders, parallel
        self._work = [(kind(job), updates(job)) for job in jobs]
        self._heard: list[tuple[JobProgress, float] | None] = [None] * len(jobs)  # and since when
        self._ended, self._over = 0, threading.Event()
        self._bar = Bar(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._task = self._bar.add_task("starting", total=sum(work for _, work in self._work))
        self._watch = threading.Thread(target=self._look_again_and_again, daemon=True)

    def __enter__(self) -> Self:
        self._bar.start()
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()
        self._look()
        self._bar.stop()

    def done(self, task: Task) -> None:
        """Note that a task is done."""
        self._ended += 1
        self._bar.console.print(
            f"job {task.name} done ({self._ended} of {len(self._jobs)}): {task.trials} trials"
        )

    def _look_again_and_again(self) -> None:
        while not self._over.wait(SECONDS_A_LOOK):
            self._look()

    def _look(self) -> None:
        job_progress = [folder.job_progress() for folder in self._folders]
        now = time.monotonic()
        self._heard = [
            before if before and before[0] == one else (one, now)
            for one, before in zip(job_progress, self._heard, strict=True)
        ]
        measured = [
            Measured(kind, work, one, now - since if one.begun else 0.0)
            for (kind, work), (one, since) in zip(self._work, self._heard, strict=True)
        ]
        done = sum(job.work - job.left for job in measured)
        trials = [len(job.trials) for job in self._jobs]
        self._bar.update(
            self._task, completed=done, description=progress_text(measured, trials, self._parallel)
        )


def progress_text(jobs: Sequence[Measured], trials: Sequence[int], parallel: int | None) -> str:
    """How far jobs are, in words: what is done, who compiles, how long it still takes.

    Args:
        jobs: The jobs.
        trials: How many each has.
        parallel: How many run at a time; None: as many as are at it now.
    """
    trained = sum(num * job.progress.share for num, job in zip(trials, jobs, strict=True))
    begun = sum(job.progress.begun or job.progress.share == 1 for job in jobs)
    compiling = sum(job.is_compiling and job.progress.share < 1 for job in jobs)
    running = sum(job.progress.begun and job.progress.share < 1 for job in jobs)
    left = seconds_left(jobs, parallel or max(running, 1))
    parts = [f"trials {trained:.0f} of {sum(trials)}, jobs begun {begun} of {len(jobs)}"]
    if compiling:
        parts.append(f"{compiling} compiling" if len(jobs) > 1 else "compiling")
    if left is not None:
        parts.append(f"about {timedelta(seconds=round(left))} left")
    return ", ".join(parts)

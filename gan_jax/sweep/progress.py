"""How far a study is, wherever its jobs run: told by the files that they write."""

import threading
from collections.abc import Sequence
from typing import Self

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from gan_jax.sweep.jobs import Job
from gan_jax.sweep.run_job import JobFolder
from gan_jax.sweep.runners import Task

SECONDS_A_LOOK = 2.0


class Progress:
    """A bar on the terminal, and a line a finished job; for use in a `with`.

    Args:
        jobs: All jobs.
        folders: Their folders.
    """

    def __init__(self, jobs: Sequence[Job], folders: Sequence[JobFolder]):
        self._jobs, self._folders = jobs, folders
        self._trials = sum(len(job.trials) for job in jobs)
        self._ended, self._over = 0, threading.Event()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._task = self._bar.add_task("starting", total=self._trials)
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
        shares = [folder.share() for folder in self._folders]
        begun = sum(share > 0 for share in shares)
        played = sum(len(job.trials) * share for job, share in zip(self._jobs, shares, strict=True))
        text = f"trials {played:.0f} of {self._trials}, jobs begun {begun} of {len(self._jobs)}"
        self._bar.update(self._task, completed=played, description=text)

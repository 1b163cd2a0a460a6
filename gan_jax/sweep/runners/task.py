"""What runs: a command that leaves a result."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Task(NamedTuple):
    """A command line that writes a result, whole or not at all; run again, it goes on.

    Attributes:
        name: Unique among the tasks of a study: "0007".
        command: The program and its arguments; relative paths are seen from the caller's folder.
        result: The file that exists once the task is done.
        log: The file that its output is appended to. The folder exists.
        trials: How many trials it has, for progress.
        traces: Files that grow or change while it gets on, if it leaves any.
    """

    name: str
    command: tuple[str, ...]
    result: Path
    log: Path
    trials: int
    traces: tuple[Path, ...] = ()


class Options(NamedTuple):
    """How tasks run; the names are those of the flags that errors speak of.

    Attributes:
        parallel: Tasks at a time at most, 1 or more; None: one here, elsewhere as many as there is
            room for.
        address: The Ray cluster: "auto" (the one this machine belongs to), "local" (one for the
            time of the run) or "host:port".
        accelerators: GPUs for each task; 0: whatever the machine lets it see.
        retries: How often a task that was killed, by a signal or with its node, is run again.
    """

    parallel: int | None = None
    address: str = "auto"
    accelerators: int = 0
    retries: int = 2


def missing(tasks: Sequence[Task], on_done: Callable[[Task], None]) -> list[Task]:
    """The tasks that have no result; calls the function with each of the others."""
    without = []
    for task in tasks:
        if task.result.exists():
            on_done(task)
        else:
            without.append(task)
    return without


# Runs the tasks that have no result yet and calls the function once for each task as soon as its
# result exists, at once where it did before. Returns the causes, in words, by the names of the
# tasks that failed: those that ended with another exit code than 0 or without a result. A task that
# fails stops no other. Raises InputError if an option can't be used, RunError if the place can't be
# reached.
Runner = Callable[[Sequence[Task], Options, Callable[[Task], None]], dict[str, str]]

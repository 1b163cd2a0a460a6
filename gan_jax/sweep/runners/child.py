"""A task as a child process."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gan_jax.sweep.runners.task import Task

# Seconds from check to check of what runs; tasks take minutes.
POLL = 0.1
_TAIL = 4096  # bytes of a log

_GATE = (sys.executable, "-IS", str(Path(__file__).with_name("gate.py")))


def start(task: Task, environment: Mapping[str, str]) -> subprocess.Popen:
    """Start a task through `gate`, its output appended to its log.

    It is killed when the calling thread ends. It is a process group of its own: a terminal's Ctrl-C
    reaches it through the runner alone, for a second signal would keep it from saving.

    Args:
        task: The task.
        environment: Variables beside those of this process.
    """
    with open(task.log, "ab") as log:
        return subprocess.Popen(
            [*_GATE, str(os.getpid()), str(task.result), *task.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            process_group=0,
        )


def failure(task: Task, code: int) -> str | None:
    """Why a task that ended with this exit code is not done, in words; None if it is."""
    if was_killed(code):
        return f"killed by signal {-code} ({signal.Signals(-code).name})"
    if code == 0 and task.result.exists():
        return None
    said = last_words(task)
    why = f"exit code {code}" if code else "ended without a result"
    return f"{why}: {said}" if said else why


def last_words(task: Task) -> str:
    """The last line of a task's log; "" where it said nothing."""
    if not task.log.exists():
        return ""
    with open(task.log, "rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
        lines = log.read().decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1].removeprefix("error: ") if said else ""


def was_killed(code: int) -> bool:
    """Whether a process that ended with this exit code ended by a signal."""
    return code < 0

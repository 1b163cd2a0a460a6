"""A task as a child process."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gan_jax.sweep.runners.task import Task

# Seconds between two looks at what runs; tasks take minutes.
POLL = 0.1

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


def succeeded(task: Task, code: int) -> bool:
    """Whether a task that ended with this exit code is done."""
    return code == 0 and task.result.exists()


def was_killed(code: int) -> bool:
    """Whether a process that ended with this exit code ended by a signal."""
    return code < 0

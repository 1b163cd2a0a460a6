"""Tasks as processes of this machine, each on accelerators of its own."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_jax.core.errors import InputError
from gan_jax.sweep.runners import child, loop
from gan_jax.sweep.runners.task import Options, Task

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def run(tasks: Sequence[Task], options: Options, on_done: Callable[[Task], None]) -> dict[str, str]:
    """A `Runner`.

    Args:
        tasks: What to run.
        options: `address` is not used.
        on_done: Called with each task that is done.

    Raises:
        InputError: If the machine has fewer accelerators than are asked for.
        KeyboardInterrupt: After Ctrl-C, SIGTERM or SIGHUP; each task got SIGTERM and has ended.
    """
    return loop.run_tasks(_Machine(options), tasks, on_done)


@dataclass(eq=False)
class _Run:
    """A task that runs: its process, its slot and how often it may still be killed."""

    task: Task
    slot: dict[str, str]
    retries: int
    process: subprocess.Popen


class _Machine:
    """This machine, as a `loop.Executor`."""

    def __init__(self, options: Options):
        self._retries = options.retries
        self._slots = _slots(options.parallel or 1, options.accelerators)
        self.room = len(self._slots)

    def start(self, task: Task) -> _Run:
        slot = self._slots.pop()
        return _Run(task, slot, self._retries, child.start(task, slot))

    def wait(self, runs: Sequence[_Run]) -> list[tuple[_Run, str | None]]:
        time.sleep(child.POLL)
        ended = []
        for run in runs:
            code = run.process.poll()
            if code is None:
                continue
            if child.was_killed(code) and run.retries:
                run.retries -= 1
                run.process = child.start(run.task, run.slot)
            else:
                self._slots.append(run.slot)
                ended.append((run, child.failure(run.task, code)))
        return ended

    def stop(self, runs: Sequence[_Run]) -> None:
        for run in runs:
            run.process.terminate()
        for run in runs:
            run.process.wait()


def _slots(parallel: int, accelerators: int) -> list[dict[str, str]]:
    """For each task at a time the variables that show it its accelerators, and no others."""
    if not accelerators:
        return [{}] * parallel
    devices = _devices()
    if parallel * accelerators > len(devices):
        why = f"{parallel} at a time need {parallel * accelerators}, there are {len(devices)}"
        raise InputError("--accelerators", accelerators, f"{why} ({_VISIBLE} says which)")
    return [
        {_VISIBLE: ",".join(devices[first : first + accelerators])}
        for first in range(0, parallel * accelerators, accelerators)
    ]


def has_accelerators() -> bool:
    """Whether a task would find a GPU or TPU on this machine, told without touching it."""
    if os.environ.get("JAX_PLATFORMS", "") == "cpu":
        return False
    return bool(_devices()) or any(Path("/dev").glob("accel[0-9]*"))


def _devices() -> list[str]:
    """The GPUs that this process may use, found without touching them."""
    if _VISIBLE in os.environ:
        return [name for name in os.environ[_VISIBLE].split(",") if name]
    return [str(index) for index, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]

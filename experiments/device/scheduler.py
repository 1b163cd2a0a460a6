"""Cases in order of worth, each in a process of its stage, until the time is over."""

import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from experiments.device import stages
from experiments.device.case import Case, Row, Settings
from experiments.device.results import BEGUN, DONE, FAILED, StageFile

STARTS = 10.0  # seconds that a process takes until its first case begins
PATIENCE, GRACE = 2.0, 30.0  # a case may take so many times its estimate, and seconds beyond
LAST_LINES = 12  # of a process's errors, kept of a case that failed


class Task(NamedTuple):
    """A case to be measured.

    Attributes:
        stage: Its stage's name.
        case: The case.
    """

    stage: str
    case: Case


class Outcome(NamedTuple):
    """What became of a case.

    Attributes:
        rows: What it has measured.
        status: One of `results`.
        why: Why it is not done; None if it is.
    """

    rows: list[Row]
    status: str = DONE
    why: str | None = None


class Worker:
    """The process of a stage.

    Args:
        stage: Its name.
        settings: What the cases need to know.
    """

    def __init__(self, stage: str, settings: Settings):
        self.stage = stage
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (it lives as long as the worker)
        command = (sys.executable, "-m", "experiments.device.worker")
        self._process = subprocess.Popen(
            [*command, f"{stages.PACKAGE}.{stage}", json.dumps(settings._asdict())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,  # so that whatever it has started ends with it
        )
        self._answers = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def measure(self, name: str, limit: float) -> Outcome:
        """What becomes of a case.

        Args:
            name: The case's.
            limit: Seconds after which the process is ended.
        """
        rows, end = [], time.monotonic() + limit
        with contextlib.suppress(OSError):  # it has died; the answers' end says so below
            self._process.stdin.write(f"{name}\n")
            self._process.stdin.flush()
        while True:
            try:
                answer = self._answers.get(timeout=max(end - time.monotonic(), 0))
            except queue.Empty:
                return Outcome(rows, FAILED, f"not done after {limit:.0f} s\n{self._ended()}")
            if answer is None:
                lines = self._ended()
                code = self._process.returncode
                return Outcome(rows, FAILED, f"its process died (exit code {code})\n{lines}")
            if "row" in answer:
                rows.append(answer["row"])
            elif answer["status"] == FAILED:
                return Outcome(rows, FAILED, f"{answer['why']}\n{self._last_lines()}")
            else:
                return Outcome(rows, **answer)

    @property
    def lives(self) -> bool:
        """Whether another case can be asked for."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process and those that it started."""
        with contextlib.suppress(ProcessLookupError):  # it has ended, all of it
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()

    def _ended(self) -> str:
        """End the process, whose last lines are returned."""
        lines = self._last_lines()
        self.close()
        return lines

    def _listen(self) -> None:
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put(None)

    def _last_lines(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().rstrip().splitlines()
        return "\n".join(line[:300] for line in lines[-LAST_LINES:])


def run(
    tasks: Iterable[Task],
    files: dict[str, StageFile],
    settings: Settings,
    *,
    machine: dict,
    end: float,
    say: Callable[[str], None],
) -> list[Task]:
    """Measure what fits into the time.

    Args:
        tasks: In order of worth, none of them done.
        files: By stage, where results are written.
        settings: What the cases need to know.
        machine: What they are measured on.
        end: When all must have ended, on the monotonic clock.
        say: What a line is said by.

    Returns:
        The tasks that did not fit, or were begun and not finished.
    """
    worker, left = None, []
    try:
        for task in tasks:
            reused = worker is not None and worker.stage == task.stage and worker.lives
            needed = task.case.seconds + STARTS * (not reused)
            now = time.monotonic()
            if now + needed > end:
                left.append(task)
                continue
            if not reused:
                if worker:
                    worker.close()
                worker = Worker(task.stage, settings)
            patience = math.inf if task.case.resumable else PATIENCE * needed + GRACE
            found = worker.measure(task.case.name, min(patience, end - now))
            seconds = time.monotonic() - now
            written = found._asdict() | {"seconds": seconds, "machine": machine}
            files[task.stage].add(task.case.name, **written)
            if found.status == BEGUN:
                left.append(task)
            outcome = f"{found.status}: {found.why.splitlines()[0]}" if found.why else "done"
            say(
                f"{task.stage}: {task.case.name}: {seconds:.1f} s "
                f"(estimate {needed:.0f}): {len(found.rows)} rows, {outcome}"
            )
    finally:
        if worker:
            worker.close()
    return left

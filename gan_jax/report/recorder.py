"""Measurements from the device to `metrics.jsonl` and TensorBoard, without stopping the device."""

import math
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import logging

from gan_jax.core.errors import Diverged
from gan_jax.core.files import read_log, to_json, whole, write_atomically, writing
from gan_jax.report.events import EventFile

_FIELDS = {"step": whole(0)}


class _Rounds(NamedTuple):
    step: int  # after them
    measured: dict[str, jax.Array]
    logged: bool


class Recorder:
    """Keeps what the rounds measured on the device until asked for, then checks and writes it.

    `metrics.jsonl` has one line a logged step, in order, and depends on nothing but the run's
    config, data and versions: a run that was killed and went on leaves the file that an
    uninterrupted one leaves. Times go to TensorBoard only.

    Args:
        metrics: The JSON lines file.
        tensorboard: Folder of the event files.
        step: The step that the run goes on from; lines after it are dropped, to be written again.
        writes: Whether this process writes at all (one of a run's does).

    Attributes:
        latest: The newest numbers that were checked, by name.
        last: The step of the last line kept from earlier starts, or 0.

    Raises:
        Damaged: If the file has lines that no run writes, other than at its end.
        RunError: If the files can't be written; as `settle`, `time`, `sync` and `close` do.
    """

    def __init__(self, metrics: Path, tensorboard: Path, *, step: int, writes: bool = True):
        self._pending: list[_Rounds] = []
        self.latest: dict[str, float] = {}
        self.last = 0
        self._path, self._file, self._events = metrics, None, None
        if writes:
            rows, tail = read_log(metrics, _FIELDS)
            if tail:
                logging.warning("%s; dropped from there on", tail)
            kept = [row for row in rows if row["step"] <= step]
            self.last = kept[-1]["step"] if kept else 0
            with self._writing():
                write_atomically(metrics, "\n".join(map(to_json, kept)))
                self._events = EventFile(tensorboard, purge_step=step + 1)
                self._file = open(metrics, "a", encoding="utf-8")  # noqa: SIM115 (closed by close)

    def add(self, step: int, measured: dict[str, jax.Array], *, logged: bool) -> None:
        """Note what one or several rounds measured; nothing is waited for.

        Args:
            step: The step after the last of them.
            measured: Scalars on the device, or arrays [rounds].
            logged: Whether the last of them is to be written.
        """
        self._pending.append(_Rounds(step, measured, logged))

    def settle(
        self, *, before: int | None = None, extra: Callable[[], dict[str, float]] = dict
    ) -> None:
        """Fetch, check and write the rounds noted so far.

        Args:
            before: Leave alone the rounds from this step on, which the device may still work at.
            extra: Gives more numbers for the last of these rounds; called once all are checked.

        Raises:
            Diverged: If a measurement is not finite; names the first step.
        """
        settled = [one for one in self._pending if before is None or one.step < before]
        self._pending = self._pending[len(settled) :]
        values = jax.device_get([one.measured for one in settled])
        rows = [
            (row, one.logged and row["step"] == one.step)
            for one, measured in zip(settled, values, strict=True)
            for row in _rows(one.step, measured)
        ]
        for row, _ in rows:
            _refuse_non_finite(row)
        if rows:
            self.latest = rows[-1][0]
            self.latest |= extra()
            _refuse_non_finite(self.latest)
        with self._writing():
            for row, logged in rows:
                if logged:
                    self._write(row)
            if self._file:
                self._file.flush()  # for those who watch the file

    def time(self, step: int, images_per_second: float) -> None:
        """Note the speed in TensorBoard."""
        if self._events:
            with self._writing():
                self._events.add(step, {"speed/images_per_second": images_per_second})

    def sync(self) -> None:
        """Return when all that was written is on disk."""
        if self._file:
            with self._writing():
                os.fsync(self._file.fileno())
                self._events.flush()

    def close(self) -> None:
        """Close the files."""
        with self._writing(), ExitStack() as stack:  # each, whatever becomes of the other
            for file in filter(None, (self._file, self._events)):
                stack.callback(file.close)

    def _write(self, row: dict[str, float]) -> None:
        if self._file:
            self._file.write(to_json(row) + "\n")
            numbers = {name: value for name, value in row.items() if name != "step"}
            self._events.add(row["step"], numbers)

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self._path)


def read_rows(metrics: Path) -> list[dict[str, Any]]:
    """The whole lines of a JSON lines file; what a crash left of the last ones is no line.

    Raises:
        Damaged: If lines before those can't be read, or one has no step.
    """
    return read_log(metrics, _FIELDS)[0]


def _rows(step: int, measured: dict[str, np.ndarray]) -> list[dict[str, float]]:
    """One row a round, the last of them at `step`."""
    columns = {name: np.atleast_1d(values).tolist() for name, values in measured.items()}
    rounds = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        {"step": step - len(rounds) + number} | row for number, row in enumerate(rounds, start=1)
    ]


def _refuse_non_finite(row: dict[str, float]) -> None:
    bad = [name for name, value in row.items() if not math.isfinite(value)]
    if bad:
        raise Diverged(row["step"], bad)

"""A job at work: it plays its trials, notes what they measure, and goes on where it stood."""

import math
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import flax.serialization
import numpy as np

from gan_jax import data
from gan_jax.checkpoint import Checkpoints
from gan_jax.errors import Diverged
from gan_jax.report.recorder import read_rows
from gan_jax.rhythm import StopRequest
from gan_jax.sweep.jobs import Job
from gan_jax.sweep.program import Trial
from gan_jax.sweep.study import Probe
from gan_jax.sweep.together import Row, Together
from gan_jax.train import Run
from gan_jax.workdir import Workdir, to_json, versions, write_whole

SECONDS_A_CHECKPOINT = 30


class JobFolder:
    """The files of a job.

    Args:
        path: The folder.

    Attributes:
        rows: One line a trial and evaluation, in order.
        done: Written last, with what the job took.
        progress: The share of it that has been played.
    """

    def __init__(self, path: Path):
        self.path = path
        self.rows = path / "rows.jsonl"
        self.done = path / "done.json"
        self.progress = path / "progress.json"
        self.checkpoints = path / "checkpoints"
        self.run = path / "run"
        self.log = path / "log.txt"

    def share(self) -> float:
        """The share of the job that is done, in [0, 1]."""
        if self.done.exists():
            return 1.0
        return float(self.progress.read_text()) if self.progress.exists() else 0.0


def play(job: Job, folder: JobFolder, probe: Probe | None = None) -> None:
    """Play a job to its end; nothing is done again that was done before.

    Args:
        job: The job.
        folder: Its folder.
        probe: What to measure of a run of its own when it has been trained.

    Raises:
        InputError: If a config can't be used.
        KeyboardInterrupt: If a signal asked it to stop; what was played is kept.
    """
    if folder.done.exists():
        return
    folder.path.mkdir(parents=True, exist_ok=True)
    seconds = _play_together(job, folder) if job.together else _play_apart(job, folder, probe)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    record = {"device_seconds": seconds, "trials": len(job.trials), "versions": versions()}
    write_whole(folder.done, to_json(record, indent=2))


def _play_together(job: Job, folder: JobFolder) -> float:
    """Returns device-seconds, compiling included."""
    started = time.monotonic()
    side = Together([trial.config for trial in job.trials], data.load(job.trials[0].config.data))
    checkpoints, stop = Checkpoints(folder.checkpoints), StopRequest()
    try:
        trials, plays, before = _newest(side, checkpoints)
        _keep_rows(folder.rows, plays)
        saved = started
        while plays < side.plays:
            trials, plays = side.play(trials, plays)
            if side.due(plays):
                _note(job, folder.rows, plays, side.evaluate(trials, plays))
                write_whole(folder.progress, to_json(plays / side.plays))
            now = time.monotonic()
            if stop.signal or (side.due(plays) and now - saved > SECONDS_A_CHECKPOINT):
                so_far = np.float64(before + (now - started) * side.devices)
                checkpoints.save(plays, {"trials": side.to_host(trials), "seconds": so_far})
                saved = now
            if stop.signal:
                raise KeyboardInterrupt
    finally:
        checkpoints.close()
    return before + (time.monotonic() - started) * side.devices


def _newest(side: Together, checkpoints: Checkpoints) -> tuple[Trial, int, float]:
    """The trials where they stood, after how many plays, and the device-seconds it took."""
    trials, saved = side.start(), checkpoints.restore_newest()
    if saved is None:
        return trials, 0, 0.0
    plays, tree = saved
    host = flax.serialization.from_state_dict(side.to_host(trials), tree["trials"])
    return side.from_host(host), plays, float(tree["seconds"])


def _keep_rows(rows: Path, plays: int) -> None:
    """Drop the rows that will be written again."""
    kept = [to_json(row) for row in read_rows(rows) if row["plays"] <= plays]
    rows.write_text("".join(f"{row}\n" for row in kept), encoding="utf-8")


def _note(job: Job, rows: Path, plays: int, measured: Iterable[tuple[int, Row]]) -> None:
    """Add rows; a measurement that is not finite has no entry in its row."""
    with open(rows, "a", encoding="utf-8") as file:
        for place, row in measured:
            known = {name: value for name, value in row.items() if math.isfinite(value)}
            number = job.trials[place].number
            file.write(to_json({"trial": number, "plays": plays, **known}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _play_apart(job: Job, folder: JobFolder, probe: Probe | None) -> float:
    """A run as `gan_jax.main` makes it, then the probe. Returns device-seconds."""
    (trial,), started, fell = job.trials, time.monotonic(), {}
    run = Run(trial.config, str(folder.run))
    try:
        run.play()
    except Diverged as error:
        fell = {"step": error.step, "diverged_at": error.step}
    if not fell and run.step < trial.config.train.steps:
        raise KeyboardInterrupt
    measured = [row for row in read_rows(Workdir(folder.run).metrics) if _is_evaluation(row)]
    if probe and not fell:
        measured[-1] |= probe(folder.run)
    _keep_rows(folder.rows, -1)
    for row in [*measured, *([fell] if fell else [])]:
        _note(job, folder.rows, row["step"], [(0, {"diverged_at": -1} | row)])
    return (time.monotonic() - started) * run.devices.count


def _is_evaluation(row: Row) -> bool:
    return "replica_spread" in row

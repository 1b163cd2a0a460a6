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
from gan_jax.core.errors import Diverged
from gan_jax.core.files import to_json, write_atomically
from gan_jax.core.signals import StopRequest
from gan_jax.report.recorder import read_rows
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.train import Run
from gan_jax.run.workdir import Workdir, versions
from gan_jax.sweep.jobs import Job
from gan_jax.sweep.study import Probe
from gan_jax.sweep.trial_program import TrialState
from gan_jax.sweep.vmapped import Row, VmappedTrials

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


def run_job(job: Job, folder: JobFolder, probe: Probe | None = None) -> None:
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
    seconds = _run_vmapped(job, folder) if job.vmapped else _run_alone(job, folder, probe)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    record = {"device_seconds": seconds, "trials": len(job.trials), "versions": versions()}
    write_atomically(folder.done, to_json(record, indent=2))


def _run_vmapped(job: Job, folder: JobFolder) -> float:
    """Returns device-seconds, compiling included."""
    started = time.monotonic()
    side = VmappedTrials(
        [trial.config for trial in job.trials], data.load(job.trials[0].config.data)
    )
    checkpoints, stop = Checkpoints(folder.checkpoints), StopRequest()
    try:
        trials, steps, before = _newest(side, checkpoints)
        _keep_rows(folder.rows, steps)
        saved = started
        while steps < side.steps:
            trials, steps = side.step(trials, steps)
            if side.due(steps):
                _note(job, folder.rows, steps, side.evaluate(trials, steps))
                write_atomically(folder.progress, to_json(steps / side.steps))
            now = time.monotonic()
            if stop.signal or (side.due(steps) and now - saved > SECONDS_A_CHECKPOINT):
                so_far = np.float64(before + (now - started) * side.devices)
                checkpoints.save(steps, {"trials": side.to_host(trials), "seconds": so_far})
                saved = now
            if stop.signal:
                raise KeyboardInterrupt
    finally:
        checkpoints.close()
    return before + (time.monotonic() - started) * side.devices


def _newest(side: VmappedTrials, checkpoints: Checkpoints) -> tuple[TrialState, int, float]:
    """The trials where they stood, after how many plays, and the device-seconds it took."""
    trials, saved = side.start(), checkpoints.restore_newest()
    if saved is None:
        return trials, 0, 0.0
    steps, tree = saved
    host = flax.serialization.from_state_dict(side.to_host(trials), tree["trials"])
    return side.from_host(host), steps, float(tree["seconds"])


def _keep_rows(rows: Path, steps: int) -> None:
    """Drop the rows that will be written again."""
    kept = [to_json(row) for row in read_rows(rows) if row["plays"] <= steps]
    rows.write_text("".join(f"{row}\n" for row in kept), encoding="utf-8")


def _note(job: Job, rows: Path, steps: int, measured: Iterable[tuple[int, Row]]) -> None:
    """Add rows; a measurement that is not finite has no entry in its row."""
    with open(rows, "a", encoding="utf-8") as file:
        for place, row in measured:
            known = {name: value for name, value in row.items() if math.isfinite(value)}
            number = job.trials[place].number
            file.write(to_json({"trial": number, "plays": steps, **known}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _run_alone(job: Job, folder: JobFolder, probe: Probe | None) -> float:
    """A run as `gan_jax.main` makes it, then the probe. Returns device-seconds."""
    (trial,), started, fell = job.trials, time.monotonic(), {}
    run = Run(trial.config, str(folder.run))
    try:
        run.train()
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

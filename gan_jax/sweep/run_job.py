"""A job at work: it trains its trials, notes what they measure, and goes on where it stood."""

import math
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import flax.serialization
import jax
import numpy as np

from gan_jax import data
from gan_jax.core.errors import Diverged, RunError, Stopped
from gan_jax.core.files import to_json, write_atomically
from gan_jax.core.signals import StopRequest
from gan_jax.report.recorder import read_rows
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.train import Run
from gan_jax.run.workdir import Workdir, versions
from gan_jax.sweep import rows as table
from gan_jax.sweep.clock import SECONDS_A_NOTE, Clock
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import Job
from gan_jax.sweep.study import Probe
from gan_jax.sweep.trial_program import TrialState
from gan_jax.sweep.vmapped import Row, VmappedTrials

SECONDS_A_CHECKPOINT = 30


def run_job(
    job: Job, folder: JobFolder, probe: Probe | None = None, *, started: float | None = None
) -> None:
    """Train a job to its end; nothing is done again that was done before.

    Args:
        job: The job.
        folder: Its folder.
        probe: What to measure of a run of its own when it has been trained.
        started: When this process began, by `time.monotonic`; None: now.

    Raises:
        InputError: If a config can't be used.
        RunError: If a row is missing in the end.
        Stopped: If a signal asked it to stop; what was trained is kept.
    """
    if folder.done.exists() and not folder.lacks(job.trials):
        return
    folder.done.unlink(missing_ok=True)
    folder.path.mkdir(parents=True, exist_ok=True)
    started = time.monotonic() if started is None else started
    if job.vmapped:
        seconds = _run_vmapped(job, folder, started)
    else:
        seconds = _run_alone(job, folder, probe, started)
    lacking = table.incomplete(job.trials, table.read(folder.rows)[0])
    if lacking:
        raise RunError(f"{folder.rows}: rows of {len(lacking)} trials are missing: {lacking[0]}, …")
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    record = {"device_seconds": seconds, "trials": len(job.trials), "versions": versions()}
    write_atomically(folder.done, to_json(record, indent=2))


def _run_vmapped(job: Job, folder: JobFolder, started: float) -> float:
    """Returns device-seconds, compiling included."""
    begun = time.monotonic()
    side = VmappedTrials(
        [trial.config for trial in job.trials], data.load(job.trials[0].config.data)
    )
    stop, (checkpoints, trials, steps, before) = StopRequest(), _open(side, job, folder)
    try:
        clock, saved = Clock(folder.progress, steps / side.steps, started), begun
        while steps < side.steps:
            trials, steps = side.step(trials, steps)
            if clock.is_due():
                jax.block_until_ready(trials)  # what was dispatched has not been trained yet
                clock.note(steps / side.steps)
            if side.due(steps):
                with clock.compiling_once():
                    _note(job, folder, steps, side.evaluate(trials, steps), side.samples)
            now = time.monotonic()
            if stop.signal or (side.due(steps) and now - saved > SECONDS_A_CHECKPOINT):
                so_far = np.float64(before + (now - begun) * side.devices)
                checkpoints.save(steps, {"trials": side.to_host(trials), "seconds": so_far})
                saved = now
            if stop.signal:
                checkpoints.wait()
                clock.note(steps / side.steps)
                raise Stopped(f"stopped by {stop.signal}: {steps / side.steps:.0%} trained, saved")
    finally:
        checkpoints.close()
    clock.note(1.0)
    return before + (time.monotonic() - begun) * side.devices


def _open(
    side: VmappedTrials, job: Job, folder: JobFolder
) -> tuple[Checkpoints, TrialState, int, float]:
    """The trials where they stood, after how many steps, and the device-seconds it took.

    Rows that will be written again are dropped. Where one of those before is missing the job starts
    anew: a checkpoint without its rows would leave them out for good.
    """
    checkpoints, trials = Checkpoints(folder.checkpoints), side.start()
    steps, tree = checkpoints.restore_newest() or (0, {})
    rows, wrong = table.read(folder.rows)
    kept = [row for row in rows if row["steps"] <= steps]
    due = [(job.trials[place].digest, at) for place, at in side.dues(steps)]
    if sorted((row["trial"], row["steps"]) for row in kept) != sorted(due):
        why = wrong[0] if wrong else f"{folder.rows} lacks some"
        print(f"the rows up to the checkpoint are not there, the job starts anew: {why}")
        checkpoints.close()
        shutil.rmtree(folder.checkpoints)
        return _open(side, job, folder)
    _write_rows(folder.rows, kept)
    if not steps:
        return checkpoints, trials, 0, 0.0
    host = flax.serialization.from_state_dict(side.to_host(trials), tree["trials"])
    return checkpoints, side.from_host(host), steps, float(tree["seconds"])


def _write_rows(path: Path, rows: Sequence[table.Row]) -> None:
    """Replace all rows, in one step."""
    write_atomically(path, "\n".join(map(to_json, rows)))


def _note(
    job: Job,
    folder: JobFolder,
    steps: int,
    measured: Iterable[tuple[int, Row]],
    samples: Mapping[int, np.ndarray],
) -> None:
    """Add rows, and before the last one of a trial save its samples."""
    lines = []
    for place, row in measured:
        lines.append(to_json(_row(job, place, steps, row)) + "\n")
        if row["step"] == job.trials[place].config.train.steps:
            folder.save_samples(job.trials[place], samples[place])
    with open(folder.rows, "a", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _row(job: Job, place: int, steps: int, measured: Row) -> table.Row:
    """A row as it is written; a measurement that is not finite has no entry in it."""
    known = {name: value for name, value in measured.items() if math.isfinite(value)}
    return {"trial": job.trials[place].digest, "steps": steps, **known}


def _run_alone(job: Job, folder: JobFolder, probe: Probe | None, started: float) -> float:
    """A run as `gan_jax.main` makes it, then the probe. Returns device-seconds."""
    (trial,), begun, fell = job.trials, time.monotonic(), {}
    run = Run(trial.config, str(folder.run))
    try:
        with _noting(run, Clock(folder.progress, run.step / trial.config.train.steps, started)):
            run.train()
    except Diverged as error:
        fell = {"step": error.step, "diverged_at": error.step}
    if not fell and run.step < trial.config.train.steps:
        raise Stopped(f"stopped at step {run.step}, saved")
    measured = [row for row in read_rows(Workdir(folder.run).metrics) if _is_evaluation(row)]
    if probe and not fell:
        measured[-1] |= probe(folder.run)
    rows = [*measured, *([fell] if fell else [])]
    noted = [_row(job, 0, row["step"], {"diverged_at": -1} | row) for row in rows]
    _write_rows(folder.rows, noted)
    return (time.monotonic() - begun) * run.devices.count


@contextmanager
def _noting(run: Run, clock: Clock) -> Iterator[None]:
    """Note now and then how far the run is."""
    over, first, steps = threading.Event(), run.step, run.config.train.steps

    def note() -> None:
        while not over.wait(SECONDS_A_NOTE):
            if run.step > first:
                clock.note(run.step / steps)

    noting = threading.Thread(target=note, daemon=True)
    noting.start()
    try:
        yield
    finally:
        over.set()
        noting.join()
        clock.note(run.step / steps)


def _is_evaluation(row: Row) -> bool:
    return "replica_spread" in row

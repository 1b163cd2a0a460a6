"""A job at work: it trains its trials, notes what they measure, and goes on where it stood."""

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gan_jax.core.errors import Diverged, RunError, Stopped
from gan_jax.core.files import to_json, write_atomically
from gan_jax.report.recorder import read_rows
from gan_jax.run.train import Run
from gan_jax.run.workdir import Workdir, versions
from gan_jax.sweep import rows as table
from gan_jax.sweep.clock import SECONDS_A_NOTE, Clock
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import Job, is_small
from gan_jax.sweep.run_parts import run_parts
from gan_jax.sweep.study import Probe


def run_job(
    job: Job,
    folder: JobFolder,
    probe: Probe | None = None,
    *,
    most: int | None = None,
    keeps_runs: bool = False,
    started: float | None = None,
) -> None:
    """Train a job to its end; nothing is done again that was done before.

    Args:
        job: The job.
        folder: Its folder.
        probe: What to measure of each trial's work directory when it has been trained.
        most: How many are side by side at most; None: see `run_parts`.
        keeps_runs: Whether trials side by side have work directories even if nothing is to be
            probed. Those on other than small examples do in any case.
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
        kept = keeps_runs or probe is not None or not is_small(job.trials[0])
        seconds = run_parts(job, folder, most, writes_out=kept, started=started)
        if probe:
            _probe(job, folder, probe)
    else:
        seconds = _run_alone(job, folder, probe, started)
    lacking = table.incomplete(job.trials, table.read(folder.rows)[0])
    if lacking:
        raise RunError(f"{folder.rows}: rows of {len(lacking)} trials are missing: {lacking[0]}, …")
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    record = {"device_seconds": seconds, "trials": len(job.trials), "versions": versions()}
    write_atomically(folder.done, to_json(record, indent=2))


def _probe(job: Job, folder: JobFolder, probe: Probe) -> None:
    """Add to each trial's last row what is probed of it, unless it has diverged."""
    rows, _ = table.read(folder.rows)
    last = {row["trial"]: number for number, row in enumerate(rows)}
    for trial in job.trials:
        row = rows[last[trial.digest]]
        if row["diverged_at"] < 0:
            probed = row | probe(folder.path / job.run(trial))
            rows[last[trial.digest]] = table.row(trial, row["steps"], probed)
    table.write(folder.rows, rows)


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
    noted = [table.row(trial, row["step"], {"diverged_at": -1} | row) for row in rows]
    table.write(folder.rows, noted)
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


def _is_evaluation(row: Mapping[str, float]) -> bool:
    return "replica_spread" in row

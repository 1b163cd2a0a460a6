"""The trials of a job side by side: in parts, if they are more than fit, one after the other."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import jax
import numpy as np

from gan_jax import data
from gan_jax.core.errors import RunError, Stopped, out_of_memory
from gan_jax.core.signals import StopRequest
from gan_jax.sweep import rows as table
from gan_jax.sweep.clock import Clock
from gan_jax.sweep.fit import most_that_fit
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import Job, name_of, split_evenly
from gan_jax.sweep.part_files import JobAtWork, note, open_part
from gan_jax.sweep.study import TrialConfig
from gan_jax.sweep.vmapped import VmappedTrials
from gan_jax.sweep.write_out import Writer

SECONDS_A_CHECKPOINT = 30


def run_parts(
    job: Job, folder: JobFolder, most: int | None, *, writes_out: bool, started: float
) -> float:
    """Train a job's trials side by side, to their ends.

    Args:
        job: The job.
        folder: Its folder.
        most: How many are side by side at most; None: as many as when it was begun, or as fit.
        writes_out: Whether trials are written out as work directories.
        started: When this process began, by `time.monotonic`.

    Returns:
        Device-seconds, compiling included, of those who trained it before too.

    Raises:
        RunError: If so many take more memory than there is.
        Stopped: If a signal asked it to stop; what was trained is kept.
    """
    configs = [trial.config for trial in job.trials]
    dataset, record = data.load(configs[0].data), folder.part_record()
    most = most or record.get("side_by_side") or most_that_fit(configs, dataset)
    writer, shown = Writer(configs[0], dataset) if writes_out else None, dataset.kind.num_shown
    clock, work = Clock(folder.progress, folder.share(), started), None
    seconds, before, programs = record.get("seconds", 0.0), 0, {}
    folder.note_parts(most, seconds)
    for part in split_evenly(job.trials, most):
        if table.incomplete(part, table.read(folder.rows)[0]):
            begun, own = time.monotonic(), [trial.config for trial in part]
            with _naming_flag(len(part)):
                side = programs.get(len(part))
                later = configs if len(part) < len(configs) else ()
                side = side.with_configs(own) if side else VmappedTrials(own, dataset, later)
                programs[len(part)] = side
                work = work or JobAtWork(job, folder, shown, writer, clock, StopRequest())
                seconds = _train(work, side, part, before, seconds, begun)
            folder.note_parts(most, seconds)
        before += len(part)
    clock.note(1.0)
    return seconds


def _train(
    work: JobAtWork,
    side: VmappedTrials,
    part: Sequence[TrialConfig],
    before: int,
    seconds: float,
    begun: float,
) -> float:
    """Train a part to its end.

    Args:
        work: What all parts share.
        side: The part's programs.
        part: The trials.
        before: How many trials are done.
        seconds: Device-seconds that they took.
        begun: When this part was begun here, by `time.monotonic`.

    Returns:
        Device-seconds of the job so far.
    """
    path, clock, total = work.folder.checkpoints / name_of(part), work.clock, len(work.job.trials)
    opened = open_part(side, part, path, work.folder)
    checkpoints, trials, steps, seconds = opened._replace(seconds=opened.seconds or seconds)

    def share() -> float:
        return (before + len(part) * steps / side.steps) / total

    try:
        saved = time.monotonic()
        while steps < side.steps:
            trials, steps = side.step(trials, steps)
            if clock.is_due():
                jax.block_until_ready(trials)  # what was dispatched has not been trained yet
                clock.note(share())
            if side.due(steps):
                with clock.compiling_once():
                    measured = side.evaluate(trials, steps)
                    note(work, side, part, trials, steps, measured)
            now = time.monotonic()
            if work.stop.signal or (side.due(steps) and now - saved > SECONDS_A_CHECKPOINT):
                so_far = np.float64(seconds + (now - begun) * side.devices)
                checkpoints.save(steps, {"trials": side.to_host(trials), "seconds": so_far})
                saved = now
            if work.stop.signal:
                checkpoints.wait()
                clock.note(share())
                raise Stopped(f"stopped by {work.stop.signal}: {share():.0%} trained, saved")
    finally:
        checkpoints.close()
    shutil.rmtree(path, ignore_errors=True)
    return seconds + (time.monotonic() - begun) * side.devices


@contextmanager
def _naming_flag(trials: int) -> Iterator[None]:
    """Make errors that tell of too little memory say what to do about it."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        line = out_of_memory(error)
        if not line:
            raise
        how_much, *_ = line.split(";")
        message = f"--side_by_side={trials}: {how_much}; give fewer trials at once"
        raise RunError(message) from error

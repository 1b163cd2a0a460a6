"""How far does the device come with published tables?

The protocols of `experiments.common.protocols`, in full: PacGAN's ring and grid (GAN, PacGAN2 to
PacGAN4, 400,000 rounds), unrolled's ring (25,000) and stacked MNIST with unrolled's small networks
(500,000, from the embedded digits), ten trials a method side by side, by the engine that sweeps
use. A method is trained until the command's time is over; the next command, on another machine too,
goes on where it stood, from FOLDER/published. A row says which `part` of the protocol its figures
are of, with intervals of 95 % over the trials, beside those reported after the whole; `minutes` is
what the whole took, if it is done, and `minutes_for_all` what it takes at the last command's pace.
"""

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.common import protocols, trained
from experiments.device.case import Case, Row, Settings, Unfinished
from gan_jax.core.errors import Stopped
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import Job, name_of
from gan_jax.sweep.run_job import run_job
from gan_jax.sweep.study import TrialConfig

LEAST, TINY_LEAST = 75, 40  # seconds: compiling, and training that is worth it
SAVING = 15  # seconds before the end from when on it stops and saves
TINY = "ring, PacGAN: GAN"
TINY_TRIALS = 2
TINY_FIELDS = {
    "train.batch_size": 8,
    "train.steps": 100,
    "eval.every": 50,
    "model.generator.width": 4,
    "model.discriminator.width": 4,
}


def cases(settings: Settings) -> list[Case]:
    """One a method, after all that takes a known time: they take all that is left."""
    if settings.tiny:
        return [Case(TINY, TINY_LEAST, late=True, resumable=True)]
    return [Case(_title(one), LEAST, late=True, resumable=True) for one in protocols.whole()]


def measure(name: str, settings: Settings) -> Iterator[Row]:
    """The only row of a method.

    Raises:
        Unfinished: If the time was over before its end.
    """
    (wanted,) = (one for one in protocols.whole() if _title(one) == name)
    if settings.tiny:
        wanted = _shrunk(wanted)
    job = Job(name_of(wanted.configs), tuple(wanted.configs), vmapped=True)
    place = JobFolder(Path(settings.out) / "published" / "jobs" / job.name)
    if not place.digests():
        place.assign(job.trials, vmapped=True)
    unfinished = None
    try:
        with _stopping(settings.end - SAVING):
            run_job(job, place, most=len(job.trials))
    except Stopped as stopped:
        unfinished = Unfinished(str(stopped))
    for row in trained.beside([place], [wanted]):
        yield row | _minutes(place)
    if unfinished:
        raise unfinished


def _title(one: protocols.Trials) -> str:
    return f"{one.protocol}: {one.method}"


def _shrunk(one: protocols.Trials) -> protocols.Trials:
    trials = [
        dataclasses.replace(trial, config=_tiny(trial)) for trial in one.configs[:TINY_TRIALS]
    ]
    return one._replace(configs=trials)


def _tiny(trial: TrialConfig):
    config = trial.config.copy_and_resolve_references()
    config.update_from_flattened_dict(TINY_FIELDS)
    return config


@contextmanager
def _stopping(end: float) -> Iterator[None]:
    """From `end` on, by `time.monotonic`, a job is asked to stop, as by a scheduler's signal."""
    ask = threading.Timer(end - time.monotonic(), os.kill, (os.getpid(), signal.SIGTERM))
    ask.daemon = True
    ask.start()
    try:
        yield
    finally:
        ask.cancel()


def _minutes(place: JobFolder) -> Row:
    told, record = place.job_progress(), place.record()
    trained_here = told.share - (told.since or 0.0)
    pace = told.seconds / trained_here if trained_here else None
    return {
        "minutes": record and record["device_seconds"] / 60,
        "minutes_for_all": pace and pace / 60,
    }

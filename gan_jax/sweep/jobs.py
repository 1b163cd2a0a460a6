"""How a study is divided into jobs: what one process trains."""

import hashlib
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from gan_jax.config.hyperparameters import structure
from gan_jax.core.errors import choose
from gan_jax.core.files import to_json
from gan_jax.data import DATASETS
from gan_jax.sweep.study import TrialConfig


class Job(NamedTuple):
    """Trials that one process trains.

    Attributes:
        name: By its trials' digests: another where anything of its trials is another, whatever
            their places in the study.
        trials: Of one structure, or a single one.
        vmapped: Whether they are one program, side by side; else each is a run of its own.
    """

    name: str
    trials: tuple[TrialConfig, ...]
    vmapped: bool


def split_into_jobs(trials: Sequence[TrialConfig], most: int) -> list[Job]:
    """The jobs of a study.

    Points take little of a machine each and are trained side by side. A GAN of images fills it.

    Args:
        trials: The trials.
        most: How many are trained side by side.
    """
    groups: dict[str, list[TrialConfig]] = {}
    for trial in trials:
        key = to_json(structure(trial.config)) if _side_by_side(trial) else f"run {trial.number}"
        groups.setdefault(key, []).append(trial)
    jobs = []
    for group in groups.values():
        parts = -(-len(group) // most)
        # Of equal length, but for one: a short rest would cost a program of its own.
        size = -(-len(group) // parts)
        for first in range(0, len(group), size):
            part = tuple(group[first : first + size])
            jobs.append(Job(_name(part), part, _side_by_side(part[0])))
    return jobs


def existing_job(name: str, trials: Sequence[TrialConfig]) -> Job:
    """The job that was made before and goes by this name; at least one trial is left of it."""
    return Job(name, tuple(trials), _side_by_side(trials[0]))


def _side_by_side(trial: TrialConfig) -> bool:
    """Whether many such trials are one program, side by side."""
    return choose("config.data.name", trial.config.data.name, DATASETS).kind.side_by_side


def _name(trials: Sequence[TrialConfig]) -> str:
    digests = "".join(trial.digest for trial in trials)
    return hashlib.sha256(digests.encode()).hexdigest()[:12]


def rounds(trials: Sequence[TrialConfig]) -> int:
    """Rounds of all trials."""
    return sum(trial.config.train.steps for trial in trials)


def updates(job: Job) -> float:
    """What a job has to train: updates of both players, of all trials to the end of the longest."""
    longest = max(
        trial.config.train.steps
        * (trial.config.schedule.discriminator + trial.config.schedule.generator)
        for trial in job.trials
    )
    return longest * len(job.trials)


def kind(job: Job) -> Hashable:
    """Jobs of one kind take about as long for the same number of updates."""
    config = job.trials[0].config
    return config.data.name, config.model.name, job.vmapped


def programs(jobs: Sequence[Job]) -> int:
    """Programs that are compiled for the jobs."""
    return len({(to_json(structure(job.trials[0].config)), len(job.trials)) for job in jobs})

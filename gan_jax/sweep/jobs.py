"""How a study is cut into jobs: what one process plays."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from gan_jax.config.hyperparameters import structure
from gan_jax.core.errors import choose
from gan_jax.core.files import to_json
from gan_jax.data import DATASETS
from gan_jax.sweep.study import TrialConfig


class Job(NamedTuple):
    """Trials that one process plays.

    Attributes:
        name: Unique in the study; another where anything of its trials is another.
        trials: Of one structure, or a single one.
        vmapped: Whether they are one program, side by side; else each is a run of its own.
    """

    name: str
    trials: tuple[TrialConfig, ...]
    vmapped: bool


def split_into_jobs(trials: Sequence[TrialConfig], most: int) -> list[Job]:
    """The jobs of a study.

    Points take little of a machine each and are played side by side. A GAN of images fills it.

    Args:
        trials: The trials.
        most: How many are played side by side.
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


def _side_by_side(trial: TrialConfig) -> bool:
    """Whether many such trials are one program, side by side."""
    return choose("config.data.name", trial.config.data.name, DATASETS).kind.side_by_side


def _name(trials: Sequence[TrialConfig]) -> str:
    configs = to_json([[trial.number, trial.config.to_dict()] for trial in trials])
    return f"{trials[0].number:05d}-{hashlib.sha256(configs.encode()).hexdigest()[:8]}"


def rounds(trials: Sequence[TrialConfig]) -> int:
    """Rounds of all trials."""
    return sum(trial.config.train.steps for trial in trials)


def programs(jobs: Sequence[Job]) -> int:
    """Programs that are compiled for the jobs."""
    return len({(to_json(structure(job.trials[0].config)), len(job.trials)) for job in jobs})

"""How a study is divided into jobs: what one process trains."""

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from gan_jax.config.hyperparameters import structure
from gan_jax.core.errors import InputError, choose
from gan_jax.core.files import to_json
from gan_jax.data import DATASETS
from gan_jax.examples.kind import ExampleKind
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.study import TrialConfig

SMALL_ON_CPU = 32  # trials on small examples in one program, on two cores
# Rounds of all trials of one ratio k:m, from when on a program of their own pays. Of the ring with
# networks 32 wide and k of 1, 2, 4, 8 and 16, four seeds each, a round of a trial took 4.6 ms by
# turns and 1.3 ms sorted by k (two cores, other jobs beside it); to compile takes 6 s.
RATIO_PAYS = 2_000
MOST_IN_A_JOB = 4096  # trials of a job on accelerators, which trains as many at a time as fit


class Job(NamedTuple):
    """Trials that one process trains.

    Attributes:
        name: By its trials' digests: another where anything of its trials is another, whatever
            their places in the study.
        trials: Of one structure, or a single one.
        vmapped: Whether they are trained side by side, as one program or as several in turn; else
            it is a run as `gan_jax.main` makes it.
    """

    name: str
    trials: tuple[TrialConfig, ...]
    vmapped: bool

    def run(self, trial: TrialConfig) -> str:
        """Where in the job's folder a trial's work directory is, if it has one."""
        return f"runs/{trial.digest}" if self.vmapped else "run"


def most_side_by_side(asked: str) -> int | None:
    """The flag's value: a number, or None for "auto".

    Raises:
        InputError: If it is neither.
    """
    if asked == "auto":
        return None
    if not asked.isdecimal() or int(asked) < 1:
        raise InputError("--side_by_side", asked, "must be auto or a whole number from 1")
    return int(asked)


def at_once_on_cpu(kind: ExampleKind) -> int:
    """How many trials are best trained side by side on a CPU: a GAN of images fills it alone."""
    return SMALL_ON_CPU if kind.small else 1


def split_into_jobs(
    trials: Sequence[TrialConfig], most: int | None = None, *, accelerated: bool = False
) -> list[Job]:
    """The jobs of a study.

    No device is touched: the machine that divides a study may have none of those that train it.

    Args:
        trials: The trials.
        most: How many are trained side by side; None: as the devices like it.
        accelerated: Whether jobs run on accelerators. They find out themselves how many trials fit,
            and train those of a job in several parts if need be.
    """
    jobs = []
    for group in _programs(trials):
        largest = _most(group[0], most, accelerated)
        parts = split_evenly(group, largest)
        vmapped = largest > 1 or is_small(group[0])
        jobs += [Job(name_of(part), tuple(part), vmapped) for part in parts]
    return jobs


def _programs(trials: Sequence[TrialConfig]) -> list[list[TrialConfig]]:
    """Trials that are one program, by their first ones.

    Those of several ratios k:m take turns, for as many as the longest round has, and a step on
    many of them at once computes both players' updates to keep one. So a ratio has a program of its
    own where its trials are long enough to make up for compiling it.
    """
    rounds_of = Counter()
    for trial in trials:
        rounds_of[_ratio(trial)] += trial.config.train.steps
    groups: dict[Hashable, list[TrialConfig]] = {}
    for trial in trials:
        ratio = _ratio(trial)
        key = ratio if rounds_of[ratio] >= RATIO_PAYS else ratio[:1]
        groups.setdefault(key, []).append(trial)
    return list(groups.values())


def _ratio(trial: TrialConfig) -> tuple[str, int, int]:
    """Its structure, k and m."""
    schedule = trial.config.schedule
    return to_json(structure(trial.config)), schedule.discriminator, schedule.generator


def split_evenly(trials: Sequence[TrialConfig], most: int) -> list[Sequence[TrialConfig]]:
    """Trials in parts of at most so many, in order.

    They are of equal length, but for the last: a short rest would cost a program of its own.
    """
    parts = -(-len(trials) // most)
    size = -(-len(trials) // parts)
    return [trials[first : first + size] for first in range(0, len(trials), size)]


def existing_job(place: JobFolder, trials: Sequence[TrialConfig]) -> Job:
    """The job that was made before and has this folder; at least one trial is left of it."""
    vmapped = place.vmapped()
    # Where it does not say so it was made before images could be trained side by side.
    vmapped = is_small(trials[0]) if vmapped is None else vmapped
    return Job(place.path.name, tuple(trials), vmapped)


def _most(trial: TrialConfig, asked: int | None, accelerated: bool) -> int:
    """Most trials of a job with this one."""
    if asked is not None:
        return asked
    return MOST_IN_A_JOB if accelerated else at_once_on_cpu(_kind(trial))


def is_small(trial: TrialConfig) -> bool:
    """Whether its examples are a few numbers each."""
    return _kind(trial).small


def _kind(trial: TrialConfig) -> ExampleKind:
    return choose("config.data.name", trial.config.data.name, DATASETS).kind


def name_of(trials: Sequence[TrialConfig]) -> str:
    """A name of trials in this order, by their digests."""
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

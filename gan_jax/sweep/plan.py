"""What is to be trained of a study: what its folder holds already, and the jobs that are left."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import Job, existing_job, programs, rounds, split_into_jobs
from gan_jax.sweep.study import TrialConfig


class Plan(NamedTuple):
    """The jobs of a study, by their first trials.

    Attributes:
        folder: The study's.
        done: Jobs that are finished; of their trials those that the study still has.
        left: Jobs to be trained, or to be finished.
        damaged: What is wrong with jobs that said they were finished, by their names: their
            trials are trained again.
    """

    folder: Path
    done: list[Job]
    left: list[Job]
    damaged: dict[str, str]

    @property
    def jobs(self) -> list[Job]:
        """All jobs."""
        return _sorted([*self.done, *self.left])

    def place(self, job: Job) -> JobFolder:
        """A job's folder."""
        return JobFolder(self.folder / "jobs" / job.name)

    def runs(self) -> dict[int, Path]:
        """Where each trial's work directory is, by its number, if it has one."""
        return {
            trial.number: self.place(job).path / job.run(trial)
            for job in self.jobs
            for trial in job.trials
        }

    def __str__(self) -> str:
        trials = [trial for job in self.jobs for trial in job.trials]
        apart = sum(not job.vmapped for job in self.left)
        left = [trial for job in self.left for trial in job.trials]
        kept_ones = len(trials) - len(left)
        lines = [
            f"{len(left)} trials, {rounds(left):,} rounds: {len(self.left)} jobs, {apart} of them "
            f"runs of their own, {programs(self.left)} programs to compile"
        ]
        if kept_ones:
            done = [trial for job in self.done for trial in job.trials]
            lines.append(f"{kept_ones} of {len(trials)} trials are done: {numbers(done)}")
        lines += [f"job {name}: {why}; it is trained again" for name, why in self.damaged.items()]
        return "\n".join(lines)


def make(
    trials: Sequence[TrialConfig],
    folder: Path,
    most: int | None = None,
    *,
    accelerated: bool = False,
) -> Plan:
    """What is done of trials, and the jobs for the others; nothing is changed.

    Trials are known by their configs, wherever they stood when they were trained. A job that was
    begun goes on as it was cut if all its trials are wanted.

    Args:
        trials: All of the study.
        folder: The study's.
        most: How many are trained side by side; None: as the devices like it.
        accelerated: Whether jobs run on accelerators.
    """
    wanted = {trial.digest: trial for trial in trials}
    done, begun, left, damaged = [], [], [], {}
    for place in map(JobFolder, sorted((folder / "jobs").glob("*/"))):
        its = [wanted[digest] for digest in place.digests() if digest in wanted]
        why = place.lacks(its) if place.done.exists() else ""
        if why or not place.done.exists():
            begun.append((place, why))
        elif its:
            done.append(existing_job(place, _taken(wanted, place.digests())))
    for place, why in begun:
        digests = place.digests()
        if why and wanted.keys() & set(digests):
            damaged[place.path.name] = why
        if digests and wanted.keys() >= set(digests):
            left.append(existing_job(place, _taken(wanted, digests)))
    left += split_into_jobs(list(wanted.values()), most, accelerated=accelerated)
    return Plan(folder, _sorted(done), _sorted(left), damaged)


def numbers(trials: Sequence[TrialConfig]) -> str:
    """Trials by their numbers, in words: "0 to 4, 7"."""
    runs: list[list[int]] = []
    for number in sorted(trial.number for trial in trials):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _taken(wanted: dict[str, TrialConfig], digests: Sequence[str]) -> list[TrialConfig]:
    """The trials that are wanted, which from now on they are no more."""
    return [wanted.pop(digest) for digest in digests if digest in wanted]


def _sorted(jobs: Sequence[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: min(trial.number for trial in job.trials))

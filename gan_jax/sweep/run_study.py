"""A study from its plan to its report."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gan_jax.core.errors import RunError
from gan_jax.run.workdir import versions
from gan_jax.study import page
from gan_jax.sweep import results
from gan_jax.sweep.jobs import Job, programs, rounds
from gan_jax.sweep.progress import Progress
from gan_jax.sweep.run_job import JobFolder
from gan_jax.sweep.runners import Options, Runner, Task
from gan_jax.sweep.study import Study


def plan(jobs: Sequence[Job]) -> str:
    """What would be run, in words."""
    trials = [trial for job in jobs for trial in job.trials]
    apart = sum(not job.vmapped for job in jobs)
    return (
        f"{len(trials)} trials, {rounds(trials):,} rounds: {len(jobs)} jobs, {apart} of them runs "
        f"of their own, {programs(jobs)} programs to compile"
    )


def tasks(jobs: Sequence[Job], folder: Path, command: Sequence[str]) -> list[Task]:
    """The jobs as command lines.

    Args:
        jobs: The jobs.
        folder: The study's folder.
        command: What starts this study; it is given the job's name.
    """
    made = []
    for job in jobs:
        place = JobFolder(folder / "jobs" / job.name)
        argv = (*command, f"--job={job.name}")
        made.append(Task(job.name, argv, place.done, place.log, len(job.trials)))
    return made


def run_study(
    study: Study,
    jobs: Sequence[Job],
    folder: Path,
    command: Sequence[str],
    given: Sequence[str],
    runner: Runner,
    options: Options,
) -> None:
    """Run the jobs that have not been run, and report when all have.

    Args:
        study: The study.
        jobs: All its jobs.
        folder: Where everything goes.
        command: What starts this study.
        given: The user's flags, for the report.
        runner: Where jobs run.
        options: For the runner.

    Raises:
        RunError: If a job failed; the others are run before.
    """
    print(plan(jobs), flush=True)
    folders = [JobFolder(folder / "jobs" / job.name) for job in jobs]
    for place in folders:
        place.path.mkdir(parents=True, exist_ok=True)
    with Progress(jobs, folders) as progress:
        failed = runner(tasks(jobs, folder, command), options, progress.done)
    table = results.collect(study.trials, folders)
    if not table.empty:
        results.write(table, folder)
    if failed:
        logs = ", ".join(str(folder / "jobs" / name / "log.txt") for name in failed)
        raise RunError(f"{len(failed)} of {len(jobs)} jobs failed, see {logs}")
    records = [json.loads(place.done.read_text()) for place in folders if place.done.exists()]
    if len(records) < len(jobs):
        print(f"{len(records)} of {len(jobs)} jobs are done; the same command collects the rest")
        return
    report = study.report(table)
    if study.exhibit:
        runs = {job.trials[0].number: place.run for job, place in zip(jobs, folders, strict=True)}
        report = replace(report, sections=[*report.sections, *study.exhibit(runs)])
    page.write(report, folder, _provenance(study, jobs, given, records))
    print(f"finished: see {folder / 'report.html'}", flush=True)


def _provenance(
    study: Study, jobs: Sequence[Job], given: Sequence[str], records: Sequence[dict]
) -> dict[str, str]:
    trials = [trial for job in jobs for trial in job.trials]
    seconds = sum(record["device_seconds"] for record in records)
    return {
        "command": " ".join(["python -m gan_jax.sweep", f"experiments/{study.path.name}", *given]),
        "trials": f"{len(trials)}, {rounds(trials):,} rounds, {programs(jobs)} programs",
        "cost": f"{seconds:,.0f} device-seconds, compiling included",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }

"""A study from its plan to its report."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from gan_jax.core.errors import InputError, RunError, Stopped
from gan_jax.run.workdir import Workdir, versions
from gan_jax.study import page
from gan_jax.study.report import Report
from gan_jax.sweep import plan as plans
from gan_jax.sweep import results, standard
from gan_jax.sweep.jobs import Job, programs, rounds
from gan_jax.sweep.plan import Plan
from gan_jax.sweep.progress import Progress
from gan_jax.sweep.runners import Options, Runner, Task
from gan_jax.sweep.study import Study, error_in_study

MOST_NAMED = 8  # jobs or trials in a line


def tasks(plan: Plan, command: Sequence[str]) -> list[Task]:
    """The jobs that are left as command lines.

    Args:
        plan: The jobs.
        command: What starts this study; it is given the job's name.
    """
    made = []
    for job in plan.left:
        place = plan.place(job)
        argv = (*command, f"--job={job.name}")
        traces = (place.rows, Workdir(place.run).metrics)
        made.append(Task(job.name, argv, place.done, place.log, len(job.trials), traces))
    return made


def run_study(
    study: Study,
    plan: Plan,
    command: Sequence[str],
    typed: str,
    runner: Runner,
    options: Options,
) -> None:
    """Run the jobs that have not been run, and report when all have.

    Args:
        study: The study.
        plan: What is left of it.
        command: What starts this study.
        typed: The command that the user gave, for the report.
        runner: Where jobs run.
        options: For the runner.

    Raises:
        RunError: If a job failed, when the others have been run; or if trials diverged, or the
            report can't be made, when the results are safe.
        Stopped: If the user wished so.
    """
    print(plan, flush=True)
    if plan.left:
        _run(plan, tasks(plan, command), runner, options, study.trials)
    records = [plan.place(job).record() for job in plan.jobs]
    finished = sum(record is not None for record in records)
    if finished < len(records):
        print(f"{finished} of {len(records)} jobs are done; the same command collects the rest")
        return
    table = results.collect(study.trials, [plan.place(job) for job in plan.jobs])
    results.write(table, plan.folder)
    page.write(_report(study, plan, table), plan.folder, _provenance(plan, typed, records))
    print(f"finished: see {plan.folder / 'report.html'}", flush=True)
    _name_diverged(study, table)


def _run(
    plan: Plan, todo: Sequence[Task], runner: Runner, options: Options, trials: Sequence
) -> None:
    """Run jobs; what they have measured is collected whatever becomes of them."""
    places = [plan.place(job) for job in plan.left]
    for job, place in zip(plan.left, places, strict=True):
        place.assign(job.trials, vmapped=job.vmapped)
        if job.name in plan.damaged:
            place.done.unlink(missing_ok=True)
    try:
        with Progress(plan.left, places, options.parallel) as progress:
            failed = runner(todo, options, progress.done)
    except KeyboardInterrupt as stop:
        raise Stopped(_interrupted(plan, stop)) from None
    finally:
        table = results.collect(trials, [plan.place(job) for job in plan.jobs])
        if not table.empty:
            results.write(table, plan.folder)
    for job, place in zip(plan.left, places, strict=True):
        if place.record() is not None and (why := place.lacks(job.trials)):
            failed[job.name] = why
    if failed:
        raise RunError(_failed(plan, failed))


def _interrupted(plan: Plan, stop: KeyboardInterrupt) -> str:
    """What became of a study that was stopped, in a line."""
    told_all = [plan.place(job).job_progress() for job in plan.jobs]
    done = sum(told.share == 1 for told in told_all)
    begun = sum(0 < told.share < 1 for told in told_all)
    what = f"{done} of {len(told_all)} jobs are done"
    if begun:
        what += f", {begun} begun and saved where they stood"
    return f"stopped by {stop or 'Ctrl-C'}: {what}; the same command goes on from there"


def _failed(plan: Plan, failed: dict[str, str]) -> str:
    """Which jobs failed, with their trials and causes, in a line."""
    jobs = [job for job in plan.left if job.name in failed]
    named = [
        f"job {job.name} ({_trials(job)}): {failed[job.name]}, see {plan.place(job).log}"
        for job in jobs
    ]
    return f"{len(failed)} of {len(plan.jobs)} jobs failed: {_some(named)}"


def _trials(job: Job) -> str:
    if len(job.trials) == 1:
        return str(job.trials[0])
    return f"trials {plans.numbers(job.trials)}"


def _name_diverged(study: Study, table: pd.DataFrame) -> None:
    """Raise a RunError that names the trials that diverged, if any did."""
    fell = table[table.diverged_at >= 0].groupby("trial").diverged_at.max()
    if not fell.empty:
        named = [
            f"{trial} in round {fell[trial.number]}"
            for trial in study.trials
            if trial.number in fell.index
        ]
        raise RunError(f"{len(fell)} of {len(study.trials)} trials diverged: {_some(named)}")


def _some(named: Sequence[str]) -> str:
    more = f"; and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return "; ".join(named[:MOST_NAMED]) + more


def _report(study: Study, plan: Plan, table: pd.DataFrame) -> Report:
    if study.report is None:
        report = standard.report(study, plan, table)
    else:
        report = _asked(study, plan.folder, "report", study.report, table)
    if not isinstance(report, Report):
        why = f"its function report returned {type(report).__name__}, a Report is wanted"
        raise RunError(f"{_safe(plan.folder)}: {study.path}: {why}")
    if not study.exhibit:
        return report
    further = _asked(study, plan.folder, "exhibit", study.exhibit, plan.runs())
    return replace(report, sections=[*report.sections, *further])


def _asked(study: Study, folder: Path, name: str, function: Callable, argument: Any) -> Any:
    """What a function of the study's returns; whatever it raises is told in a line."""
    try:
        return function(argument)
    except (InputError, RunError):
        raise
    except Exception as error:
        why = f"its function {name} failed, {error_in_study(error, study.path)}"
        raise RunError(f"{_safe(folder)}: {study.path}: {why}") from error


def _safe(folder: Path) -> str:
    return f"the results are in {folder / 'results.parquet'}, the report could not be made"


def _provenance(plan: Plan, typed: str, records: Sequence[dict]) -> dict[str, str]:
    trials = [trial for job in plan.jobs for trial in job.trials]
    seconds = sum(record["device_seconds"] for record in records)
    return {
        "command": typed,
        "trials": f"{len(trials)}, {rounds(trials):,} rounds, {programs(plan.jobs)} programs",
        "cost": f"{seconds:,.0f} device-seconds, compiling included",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }

"""Run a study: all its trials, then its report.

    python -m gan_jax.sweep experiments/step_ratio.py [--workdir=DIR] [--config.KEY=VALUE ...]
    python -m gan_jax.sweep configs/ring.py --vary=KEY=VALUE,VALUE [--vary ...] [--seeds=5]

A study is a file with the function `sweep`; of a config file all combinations of what is varied are
trials, see `gan_jax.sweep.vary`. The same command goes on with a study that was interrupted. Trials
that differ in numbers only are trained side by side as one program: on accelerators as many as fit,
on a CPU 32 on points, where each trial on images is a run of its own unless --side_by_side is a
number.
"""

import shlex
import sys
import time
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from gan_jax.core import cli
from gan_jax.core.errors import InputError, choose

_CONFIG = config_flags.DEFINE_config_file("config", None, "The study.", lock_config=True)
_VARY = flags.DEFINE_multi_string(
    "vary",
    [],
    "A field of a config file with its values: KEY=VALUE,VALUE or KEY=LOW:HIGH[:log]:NUM.",
)
_SEEDS = flags.DEFINE_string("seeds", None, "Of each combination: how many, or a list, 3,5,7.")
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "The study's folder; default: runs/<its name>, <its name>_sweep with --vary."
)
_FILTER = flags.DEFINE_string("filter", "", "Only trials with KEY=VALUE[,KEY=VALUE...].")
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Say what would be run, and its cost.")
_SIDE_BY_SIDE = flags.DEFINE_string(
    "side_by_side", "auto", "Most trials in one program; auto: what suits the devices."
)
_RUNNER = flags.DEFINE_string("runner", "local", "Where jobs run: local, ray or slurm.")
_ADDRESS = flags.DEFINE_string("address", "auto", "The Ray cluster: auto, local or HOST:PORT.")
_PARALLEL = flags.DEFINE_integer("parallel", None, "Most jobs at a time.", 1)
_ACCELERATORS = flags.DEFINE_integer("accelerators", 0, "GPUs for each job.", 0)
_RETRIES = flags.DEFINE_integer("retries", 2, "How often a killed job is run again.", 0)
_JOB = flags.DEFINE_string("job", None, "Train this job of the study, and no other.")
_STARTED = time.monotonic()
_TYPED = sys.argv[1:]


def main() -> None:
    """Load the study; run what is missing of it, or train one of its jobs."""
    if _CONFIG.value is None:
        why = "missing, give one such as experiments/step_ratio.py, or a config file to --vary"
        raise InputError("study", "", why)
    from gan_jax.sweep import study as studies
    from gan_jax.sweep import vary

    path = Path(config_flags.get_config_filename(flags.FLAGS["config"])).absolute()
    overridden = config_flags.get_override_values(flags.FLAGS["config"])
    combinations = vary.combinations(_VARY.value, _SEEDS.value, overridden)
    study = studies.load(path, _CONFIG.value, combinations)
    if _FILTER.value:
        study = study._replace(trials=studies.matching(study.trials, _FILTER.value))
    name = f"{path.stem}_sweep" if combinations else path.stem
    folder = Path(_WORKDIR.value or f"runs/{name}").expanduser().absolute()
    if _JOB.value is None:
        _conduct(study, folder)
    else:
        _run(study, folder)


def _run(study, folder: Path) -> None:
    from gan_jax.core.devices import use_cores
    from gan_jax.sweep.folder import JobFolder
    from gan_jax.sweep.jobs import existing_job, most_side_by_side
    from gan_jax.sweep.run_job import run_job

    place = JobFolder(folder / "jobs" / _JOB.value)
    trials = {trial.digest: trial for trial in study.trials}
    digests = place.digests()
    if not digests or not trials.keys() >= set(digests):
        raise InputError("--job", _JOB.value, f"is no job of this study in {folder}")
    job = existing_job(place, [trials[digest] for digest in digests])
    if job.vmapped:
        use_cores()
    run_job(
        job,
        place,
        study.probe,
        most=most_side_by_side(_SIDE_BY_SIDE.value),
        keeps_runs=study.exhibit is not None,
        started=_STARTED,
    )


def _conduct(study, folder: Path) -> None:
    from gan_jax.sweep import identity, plan, run_study, vary
    from gan_jax.sweep.jobs import most_side_by_side
    from gan_jax.sweep.runners import RUNNERS, Options, expects_accelerators, slurm

    runner = choose("--runner", _RUNNER.value, RUNNERS)
    options = Options(_PARALLEL.value, _ADDRESS.value, _ACCELERATORS.value, _RETRIES.value)
    # Jobs are started by the same command, wherever they run, on the study's file as it is now.
    given = [argument for argument in sys.argv[1:] if not argument.startswith("--config=")]
    mine = identity.identity(
        study.path, _FILTER.value, given, study.trials, vary.fields(_VARY.value)
    )
    changed = identity.refuse_other(folder, mine)
    planned = plan.make(
        study.trials,
        folder,
        most_side_by_side(_SIDE_BY_SIDE.value),
        accelerated=expects_accelerators(runner, options),
    )
    copy = identity.copied(study.path, folder)
    flags_of_jobs = (f"--config={copy}", *given, f"--workdir={folder}")
    command = [sys.executable, "-m", "gan_jax.sweep", *flags_of_jobs]
    if changed:
        print(changed)
    if not _DRY_RUN.value:
        identity.record_identity(folder, mine)
        identity.copy(study.path, copy)
        typed = shlex.join(["python", "-m", "gan_jax.sweep", *_TYPED])
        run_study.run_study(study, planned, command, typed, runner, options)
        return
    print(planned)
    if runner is slurm.run and planned.left:
        print(slurm.script(run_study.tasks(planned, command), options))


if __name__ == "__main__":
    # The study is given as an argument; its file is also that of its config.
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        sys.argv[1] = f"--config={sys.argv[1]}"
    cli.run(main)

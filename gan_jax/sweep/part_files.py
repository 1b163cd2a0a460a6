"""What trials side by side leave in their job's folder, and how they go on from it."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import flax.serialization
import jax
import numpy as np

from gan_jax.core.signals import StopRequest
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.sweep import rows as table
from gan_jax.sweep.clock import Clock
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import Job
from gan_jax.sweep.study import TrialConfig
from gan_jax.sweep.trial_program import TrialState
from gan_jax.sweep.vmapped import Row, VmappedTrials
from gan_jax.sweep.write_out import Writer, keeps


class JobAtWork(NamedTuple):
    """What all parts of a job share.

    Attributes:
        job: The job.
        folder: Its folder.
        num_shown: How many samples of a trial are kept.
        writer: What writes its trials out as work directories; None: they are not.
        clock: What notes how far it is.
        stop: Whether it shall stop.
    """

    job: Job
    folder: JobFolder
    num_shown: int
    writer: Writer | None
    clock: Clock
    stop: StopRequest


class OpenPart(NamedTuple):
    """A part's trials where they stand.

    Attributes:
        checkpoints: The part's.
        trials: The trials.
        steps: How many they have taken.
        seconds: The job's device-seconds by then; 0 at the beginning.
    """

    checkpoints: Checkpoints
    trials: TrialState
    steps: int
    seconds: float


def open_part(
    side: VmappedTrials, part: Sequence[TrialConfig], path: Path, folder: JobFolder
) -> OpenPart:
    """A part's trials where they stood, after how many steps, and the device-seconds by then.

    Rows that will be written again are dropped. Where one of those before is missing the part
    starts anew: a checkpoint without its rows would leave them out for good.
    """
    checkpoints, trials = Checkpoints(path), side.start()
    steps, tree = checkpoints.restore_newest() or (0, {})
    rows, wrong = table.read(folder.rows)
    own = {trial.digest for trial in part}
    kept = [row for row in rows if row["trial"] not in own or row["steps"] <= steps]
    due = [(part[place].digest, at) for place, at in side.dues(steps)]
    if sorted((row["trial"], row["steps"]) for row in kept if row["trial"] in own) != sorted(due):
        why = wrong[0] if wrong else f"{folder.rows} lacks some"
        print(f"the rows up to the checkpoint are not there, the job starts anew: {why}")
        checkpoints.close()
        shutil.rmtree(path)
        return open_part(side, part, path, folder)
    table.write(folder.rows, kept)
    if not steps:
        return OpenPart(checkpoints, trials, 0, 0.0)
    host = flax.serialization.from_state_dict(side.to_host(trials), tree["trials"])
    return OpenPart(checkpoints, side.from_host(host), steps, float(tree["seconds"]))


def note(
    work: JobAtWork,
    side: VmappedTrials,
    part: Sequence[TrialConfig],
    trials: TrialState,
    steps: int,
    measured: Iterable[tuple[int, Row]],
) -> None:
    """Add rows, after what is written out of their trials."""
    rows = {place: table.row(part[place], steps, row) for place, row in measured}
    kept = [place for place, row in rows.items() if keeps(part[place].config, row["step"])]
    if kept:
        samples = side.samples(trials, work.num_shown)
        for place in kept:
            if rows[place]["step"] == part[place].config.train.steps:
                work.folder.save_samples(part[place], samples[place])
        if work.writer:
            _write_out(work, side, part, trials, {place: rows[place] for place in kept}, samples)
    table.append(work.folder.rows, rows.values())


def _write_out(
    work: JobAtWork,
    side: VmappedTrials,
    part: Sequence[TrialConfig],
    trials: TrialState,
    rows: Mapping[int, table.Row],
    samples: np.ndarray,
) -> None:
    """Write trials out as work directories, after the rows that they have before these."""
    earlier, host = table.read(work.folder.rows)[0], side.to_host(trials).state
    for place, row in rows.items():
        trial, state = part[place], jax.tree.map(lambda leaf, at=place: leaf[at], host)
        its = [one for one in earlier if one["trial"] == trial.digest]
        folder = work.folder.path / work.job.run(trial)
        work.writer.write(folder, trial.config, state, [*its, row], samples[place])

"""A trial of many side by side as the work directory that a run of its own would leave."""

import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from gan_jax.core.files import to_json, write_atomically
from gan_jax.data import Dataset
from gan_jax.game.state import GANState
from gan_jax.metrics import PROTOCOLS
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.workdir import Workdir, describe
from gan_jax.sweep.rows import Row

_OF_JOB = ("trial", "steps", "diverged_at")  # what only a job's rows have


class Writer:
    """Writes trials out: config, metrics at evaluations, checkpoints and samples.

    There are no lines between evaluations, no TensorBoard files and no film. Once a trial has
    diverged it gets no checkpoints and samples any more, as a run would not.

    Args:
        config: The config of any of the trials, all of one structure.
        dataset: Their data.
    """

    def __init__(self, config: ConfigDict, dataset: Dataset):
        self._protocol, self._dataset = PROTOCOLS[config.eval.protocol], dataset

    def write(
        self,
        folder: Path,
        config: ConfigDict,
        state: GANState,
        rows: Sequence[Row],
        samples: np.ndarray,
    ) -> None:
        """Write a trial out, or bring what was written out of it up to its last row.

        Args:
            folder: Its work directory.
            config: Its config.
            state: Its state, numpy arrays.
            rows: Its job's rows of it, up to this state.
            samples: Some to show.
        """
        workdir, record = Workdir(folder), describe(config, self._dataset)
        step, holds = rows[-1]["step"], rows[-1]["diverged_at"] < 0
        lines = [{key: row[key] for key in row if key not in _OF_JOB} for row in rows]
        workdir.open(record)
        try:
            write_atomically(workdir.metrics, "\n".join(map(to_json, lines)))
            kind, real = self._dataset.kind, self._dataset.test
            kind.picture(real[: kind.num_shown], real).save(workdir.reals)
            if holds:
                kind.picture(samples, real).save(workdir.samples / f"{step:06d}.png")
                _save(workdir.checkpoints, config.checkpoint.keep, step, state)
            if holds and step == config.train.steps:
                summary = {
                    "results": lines[-1],
                    "protocol": self._protocol.name,
                    "noise_floor": self._floor,
                }
                write_atomically(workdir.summary, to_json(summary | record, indent=2))
        finally:
            workdir.close()

    @cached_property
    def _floor(self) -> dict[str, float]:
        reference = self._protocol.reference(self._dataset)
        return self._protocol.noise_floor(self._dataset, reference)


def keeps(config: ConfigDict, step: int) -> bool:
    """Whether a finished run of this config has the checkpoint of a step."""
    every, last = config.checkpoint.every, config.train.steps
    saved = sorted({*range(every, last, every), last})
    return step in saved[-config.checkpoint.keep :]


def _save(folder: Path, keep: int, step: int, state: GANState) -> None:
    shutil.rmtree(folder / str(step), ignore_errors=True)  # of a job that was killed after it
    checkpoints = Checkpoints(folder, keep)
    try:
        checkpoints.save(step, state)
        checkpoints.wait()
    finally:
        checkpoints.close()

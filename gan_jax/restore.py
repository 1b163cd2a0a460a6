"""A trained GAN from its folder, without its training data."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.serialization
import jax
from ml_collections import ConfigDict

from gan_jax import build
from gan_jax.build import Players
from gan_jax.checkpoint import Checkpoints
from gan_jax.errors import InputError
from gan_jax.game.state import GANState, Variables
from gan_jax.workdir import Workdir

WEIGHTS = ("ema", "raw")


class Trained(NamedTuple):
    """A saved step of a run.

    Attributes:
        workdir: The run's folder.
        record: The run's config.json.
        config: Its config.
        players: Its networks.
        step: The step.
        generator: The generator's variables to sample with.
        state: All that was saved of it.
    """

    workdir: Workdir
    record: dict[str, Any]
    config: ConfigDict
    players: Players
    step: int
    generator: Variables
    state: GANState


def restore(folder: str | Path, step: int | None = None, weights: str = "ema") -> Trained:
    """Load a saved step of a run.

    Args:
        folder: The run's work directory.
        step: A saved step; None: the newest that is sound.
        weights: "ema", the moving average where the run keeps one, or "raw".

    Raises:
        InputError: If there is no run, no such step, or no such weights.
        RunError: If the step asked for is damaged.
    """
    if weights not in WEIGHTS:
        raise InputError("--weights", weights, f"choose from {', '.join(WEIGHTS)}")
    workdir = Workdir(folder)
    record = workdir.read()
    config, shape = ConfigDict(record["config"]), tuple(record["data"]["shape"])
    per_epoch = build.batches(config, record["data"]["train"]).per_epoch
    players = build.players(config, shape, per_epoch)
    step, tree = _load(workdir, step)
    like = jax.eval_shape(partial(build.initial, config, players, shape))
    state = flax.serialization.from_state_dict(like, tree)
    generator = state.generator_variables() if weights == "ema" else state.generator.variables
    return Trained(workdir, record, config, players, step, generator, state)


def _load(workdir: Workdir, step: int | None) -> tuple[int, dict[str, Any]]:
    checkpoints = Checkpoints(workdir.checkpoints)
    steps = checkpoints.steps()
    if step is not None and step not in steps:
        raise InputError("--step", step, f"not saved in {workdir.path}, which has {steps}")
    found = checkpoints.restore_newest() if step is None else (step, checkpoints.restore(step))
    checkpoints.close()
    if found is None:
        raise InputError("--workdir", workdir.path, "has no sound checkpoint yet")
    return found

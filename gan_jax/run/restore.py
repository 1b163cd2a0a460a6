"""A trained GAN from its folder, without its training data."""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.serialization
import jax
from ml_collections import ConfigDict

from gan_jax.config import build
from gan_jax.config.build import Players
from gan_jax.core.errors import InputError
from gan_jax.game.state import GANState, Variables
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.workdir import Workdir

WEIGHTS = ("ema", "raw")
ALL = tuple(GANState.__dataclass_fields__)


class Trained(NamedTuple):
    """A saved step of a run.

    Attributes:
        workdir: The run's folder.
        record: The run's config.json.
        config: Its config.
        players: Its networks.
        step: The step.
        generator: The generator's variables to sample with.
        state: What was read of the state; the other fields are None.
    """

    workdir: Workdir
    record: dict[str, Any]
    config: ConfigDict
    players: Players
    step: int
    generator: Variables
    state: GANState

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        return tuple(self.record["data"]["shape"])


def restore(
    folder: str | Path,
    step: int | None = None,
    weights: str = "ema",
    *,
    beside: Collection[str] = ALL,
) -> Trained:
    """Load a saved step of a run.

    Args:
        folder: The run's work directory.
        step: A saved step; None: the newest that is sound.
        weights: "ema", the moving average where the run keeps one, or "raw".
        beside: Fields of the state to read, beside the one with the variables to sample with.

    Raises:
        InputError: If there is no run, or one of another version, no such step, no such weights, or
            if the step was saved by another architecture than the run's config describes.
        RunError: If config.json or the step asked for is damaged or can't be read.
    """
    if weights not in WEIGHTS:
        raise InputError("--weights", weights, f"choose from {', '.join(WEIGHTS)}")
    workdir = Workdir(folder)
    record = workdir.read()
    config, shape = ConfigDict(record["config"]), tuple(record["data"]["shape"])
    per_epoch = build.batches(config, record["data"]["train"]).per_epoch
    players = build.players(config, shape, per_epoch)
    like = jax.eval_shape(partial(build.initial, config, players, shape))
    averaged = weights == "ema" and like.ema is not None
    parts = {*beside, "ema" if averaged else "generator"}
    step, tree = _load(workdir, step, parts)
    state = _fitted(like, tree, parts, f"{workdir.path}, step {step}")
    generator = state.ema if averaged else state.generator.variables
    return Trained(workdir, record, config, players, step, generator, state)


def _load(workdir: Workdir, step: int | None, parts: Collection[str]) -> tuple[int, dict[str, Any]]:
    checkpoints = Checkpoints(workdir.checkpoints)
    steps = checkpoints.steps()
    try:
        if step is None:
            found = checkpoints.restore_newest(parts, sets_aside=False)
        elif step in steps:
            found = step, checkpoints.restore(step, parts)
        else:
            raise InputError("--step", step, f"not saved in {workdir.path}, which has {steps}")
    finally:
        checkpoints.close()
    if found is None:
        raise InputError("--workdir", workdir.path, "has no sound checkpoint yet")
    return found


def _fitted(like: GANState, tree: dict[str, Any], parts: Collection[str], place: str) -> GANState:
    """The parts of a state in the form that its config gives it."""
    wanted = like.replace(**{name: None for name in ALL if name not in parts})
    tree = dict.fromkeys(ALL) | tree
    expected, found = _shapes(flax.serialization.to_state_dict(wanted)), _shapes(tree)
    for name in sorted(expected.keys() | found.keys()):
        ours, theirs = expected.get(name, "not there"), found.get(name, "not there")
        if ours != theirs:
            why = f"saved by another architecture: {name} is {theirs}, by config.json {ours}"
            raise InputError("--workdir", place, why)
    return flax.serialization.from_state_dict(wanted, tree)


def _shapes(tree: dict[str, Any]) -> dict[str, str]:
    """The shapes of a tree's arrays by their paths."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): str(leaf.shape)
        for path, leaf in jax.tree.leaves_with_path(tree)
    }

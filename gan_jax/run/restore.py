"""A trained GAN from its folder, without its training data."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import flax.serialization
import jax
from ml_collections import ConfigDict

from gan_jax import data
from gan_jax.config.fields import check
from gan_jax.config.setup import Setup, build
from gan_jax.core.errors import InputError
from gan_jax.examples.condition import Condition
from gan_jax.game.state import GANState, Variables
from gan_jax.run import stand_ins
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.workdir import Workdir, data_of

WEIGHTS = ("ema", "raw")
ALL = tuple(GANState.__dataclass_fields__)


class Trained(NamedTuple):
    """A saved step of a run.

    Attributes:
        workdir: The run's folder.
        record: The run's config.json.
        setup: What it is made of. Where it has rules of its own, others stand in for them: see
            `gan_jax.run.stand_ins`.
        step: The step.
        generator: The generator's variables to sample with.
        state: What was read of the state; the other fields are None.
    """

    workdir: Workdir
    record: dict[str, Any]
    setup: Setup
    step: int
    generator: Variables
    state: GANState

    @property
    def config(self) -> ConfigDict:
        """The run's config."""
        return self.setup.config

    def conditions(self) -> Condition | None:
        """The held-out conditions that samples are made for; None where the prior draws its own.

        Raises:
            InputError: If there are such and the data can't be read.
        """
        if not self.setup.game.prior.given:
            return None
        return self.setup.held_out(data.load(self.config.data)).condition


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
        RunError: If the step asked for is damaged.
    """
    if weights not in WEIGHTS:
        raise InputError("--weights", weights, f"choose from {', '.join(WEIGHTS)}")
    workdir = Workdir(folder)
    record = workdir.read()
    try:
        config = check(ConfigDict(record["config"]))
        setup = replace(build(stand_ins.known(config), data_of(record)), config=config)
    except InputError as error:
        why = f"config.json is of another version of this project: {error}"
        raise InputError("--workdir", workdir.path, why) from None
    like = jax.eval_shape(setup.initial)
    averaged = weights == "ema" and like.ema is not None
    parts = {*beside, "ema" if averaged else "generator"}
    step, tree = _load(workdir, step, parts)
    own_parts = stand_ins.own_parts(config)
    state = _fitted(like, tree, parts, own_parts, f"{workdir.path}, step {step}")
    generator = state.ema if averaged else state.generator.variables
    return Trained(workdir, record, setup, step, generator, state)


def _load(workdir: Workdir, step: int | None, parts: Collection[str]) -> tuple[int, dict[str, Any]]:
    checkpoints = Checkpoints(workdir.checkpoints)
    steps = checkpoints.steps()
    try:
        if step is None:
            found = checkpoints.restore_newest(parts)
        elif step in steps:
            found = step, checkpoints.restore(step, parts)
        else:
            raise InputError("--step", step, f"not saved in {workdir.path}, which has {steps}")
    finally:
        checkpoints.close()
    if found is None:
        raise InputError("--workdir", workdir.path, "has no sound checkpoint yet")
    return found


def _fitted(
    like: GANState,
    tree: dict[str, Any],
    parts: Collection[str],
    own_parts: Collection[stand_ins.Path],
    place: str,
) -> GANState:
    """The parts of a state in the form that its config gives it, but for the run's own: those stay
    the dicts that they were saved as."""
    wanted = like.replace(**{name: None for name in ALL if name not in parts})
    tree = dict.fromkeys(ALL) | tree
    for path in own_parts:
        wanted = _with_saved(wanted, tree, path)
    expected, found = _shapes(flax.serialization.to_state_dict(wanted)), _shapes(tree)
    for name in sorted(expected.keys() | found.keys()):
        ours, theirs = expected.get(name, "not there"), found.get(name, "not there")
        if ours != theirs:
            why = f"saved by another architecture: {name} is {theirs}, by config.json {ours}"
            raise InputError("--workdir", place, why)
    return flax.serialization.from_state_dict(wanted, tree)


def _with_saved(wanted: Any, tree: Any, path: stand_ins.Path) -> Any:
    """A tree of dicts and dataclasses with what was saved at a path, where anything was."""
    name, *rest = path
    if wanted is None or not isinstance(tree, dict) or tree.get(name) is None:
        return wanted
    is_dict = isinstance(wanted, dict)
    inner = wanted.get(name, {}) if is_dict else getattr(wanted, name)
    inner = _with_saved(inner, tree[name], tuple(rest)) if rest else tree[name]
    return {**wanted, name: inner} if is_dict else wanted.replace(**{name: inner})


def _shapes(tree: dict[str, Any]) -> dict[str, str]:
    """The shapes of a tree's arrays by their paths."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): str(leaf.shape)
        for path, leaf in jax.tree.leaves_with_path(tree)
    }

"""Checkpoints by Orbax: asynchronous, atomic, and verified when read."""

import functools
import hashlib
import shutil
import sys
import time
from asyncio.log import logger as asyncio_logger
from collections.abc import Collection
from pathlib import Path
from typing import Any

import flax.serialization
import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging

from gan_jax.core.errors import RunError
from gan_jax.core.files import Damaged
from gan_jax.core.reading import is_the_systems, withheld

_WAITS = (0.1, 0.5, 2.0, 0.0)  # seconds after each try to read


class Checkpoints:
    """The checkpoints of a run, by step.

    A checkpoint is a tree of numpy arrays in nested dicts. Its parts, the entries of the outermost
    dict, can be read alone. Each has a digest of its bytes: a file that was cut or altered after it
    was written is found out when it is read.

    Args:
        folder: Where they are, or will be.
        keep: How many of the newest are kept.
    """

    def __init__(self, folder: Path, keep: int = 1):
        _mute_orbax()
        self._folder = folder.absolute()
        options = ocp.CheckpointManagerOptions(max_to_keep=keep)
        handlers = {"state": ocp.PyTreeCheckpointHandler(), "check": ocp.JsonCheckpointHandler()}
        self._manager = ocp.CheckpointManager(self._folder, options=options, item_handlers=handlers)

    def steps(self) -> list[int]:
        """The steps saved, oldest first."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: Any) -> None:
        """Start to save a state; whatever the last save still does is waited for.

        Args:
            step: Its number.
            state: A tree of numpy arrays that nobody changes.

        Raises:
            RunError: If this or the last save could not be written.
        """
        tree = flax.serialization.to_state_dict(state)
        if jax.process_index() == 0:
            _rehearse(self._folder, tree)
        arguments = ocp.args.Composite(
            state=ocp.args.PyTreeSave(tree),
            check=ocp.args.JsonSave({name: digest(part) for name, part in tree.items()}),
        )
        self._guard(lambda: self._manager.save(step, args=arguments, force=True))

    def wait(self) -> None:
        """Return when the last save is on disk.

        Raises:
            RunError: If it could not be written.
        """
        self._guard(self._manager.wait_until_finished)

    def restore(self, step: int, parts: Collection[str] | None = None) -> dict[str, Any]:
        """The tree saved at `step`, as nested dicts of numpy arrays.

        Args:
            step: Its number.
            parts: Which of its parts to read, None: all.

        Raises:
            Damaged: If it lacks a part, or is not what was saved.
            RunError: If the system does not let it be read, though it was asked several times.
        """
        place = self._folder / str(step)
        saved = self._read_patiently(step, parts)
        digests = saved.check if isinstance(saved.check, dict) else {}
        for name, part in saved.state.items():
            if digest(part) != digests.get(name):
                raise Damaged(f"{place}: {name} is not what was saved, its digest differs")
        return saved.state

    def restore_newest(
        self, parts: Collection[str] | None = None, *, sets_aside: bool = True
    ) -> tuple[int, Any] | None:
        """The newest checkpoint of which the parts asked for are sound, or None if there is none.

        A damaged one is named in a warning.

        Args:
            parts: Which of its parts to read, None: all.
            sets_aside: Whether a damaged one is, so that its step can be saved again: by the run
                itself, not by those who only read.

        Raises:
            RunError: If the system does not let one be read: it may be sound.
        """
        for step in reversed(self.steps()):
            try:
                return step, self.restore(step, parts)
            except Damaged as error:
                if not (self._folder / str(step)).exists():
                    # The run goes on meanwhile, and has replaced it by a newer one.
                    self._manager.reload()
                    return self.restore_newest(parts, sets_aside=sets_aside)
                logging.warning("damaged checkpoint, going back to the one before: %s", error)
                if sets_aside:
                    self._set_aside(step)
        return None

    def close(self) -> None:
        """Finish what is under way."""
        self._manager.close()

    def _read_patiently(self, step: int, parts: Collection[str] | None) -> ocp.args.Composite:
        place = self._folder / str(step)
        for number, seconds in enumerate(_WAITS):
            try:
                return self._read(step, parts)
            except Exception as error:  # Orbax and TensorStore raise whatever their layers raise.
                failed = error
            trouble = failed if is_the_systems(failed) else withheld(place)
            if number and not trouble:  # twice: what passed in between may have hidden behind it
                raise Damaged(f"{place}: {_first_line(failed)}") from failed
            time.sleep(seconds)
        why = f"can't be read, though it may be sound: {_first_line(trouble or failed)}"
        raise RunError(f"{place}: {why}") from failed

    def _read(self, step: int, parts: Collection[str] | None) -> ocp.args.Composite:
        described = self._manager.item_metadata(step).state.tree
        wanted = {name: described[name] for name in parts or described}
        as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), wanted)
        state = ocp.args.PyTreeRestore(item=wanted, restore_args=as_numpy, partial_restore=True)
        arguments = ocp.args.Composite(state=state, check=ocp.args.JsonRestore())
        return self._manager.restore(step, args=arguments)

    def _set_aside(self, step: int) -> None:
        if jax.process_index() == 0:
            shrine = self._folder.parent / "damaged" / str(step)
            shutil.rmtree(shrine, ignore_errors=True)
            shrine.parent.mkdir(exist_ok=True)
            (self._folder / str(step)).rename(shrine)
        self._manager.reload()

    def _guard(self, action) -> None:
        try:
            action()
        except Exception as error:  # as above
            message = f"{self._folder}: a checkpoint could not be written: {_first_line(error)}"
            raise RunError(message) from error


def digest(tree: Any) -> str:
    """SHA-256 of the paths, types, shapes and bytes of a tree of arrays, in hexadecimal."""
    total = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        array = np.asarray(leaf)
        total.update(f"{jax.tree_util.keystr(path)}{array.dtype}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _rehearse(folder: Path, tree: Any) -> None:
    """Write as many bytes as a checkpoint may take, and take them away again.

    Orbax fails in many threads, each with its own account of it; this fails in one line.

    Raises:
        RunError: If the disk, a quota or the folder's rights do not allow it.
    """
    trial = folder.with_name("rehearsal.partial")
    try:
        trial.write_bytes(bytes(2 * sum(leaf.nbytes for leaf in jax.tree.leaves(tree))))
    except OSError as error:
        message = f"{folder}: a checkpoint could not be written: {error.strerror}"
        raise RunError(message) from error
    finally:
        trial.unlink(missing_ok=True)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@functools.cache
def _mute_orbax() -> None:
    """Keep Orbax's own accounts off the terminal: what fails is raised, and told in one line.

    Where one read fails it leaves the others behind. They end when their event loop is closed, each
    with an account that nobody asked for.
    """
    logging.get_absl_logger().addFilter(lambda record: "orbax" not in record.pathname)
    asyncio_logger.addFilter(lambda record: "never retrieved" not in record.getMessage())
    told = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            told(unraisable)

    sys.unraisablehook = hook

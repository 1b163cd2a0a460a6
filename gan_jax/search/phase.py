"""Trials of a search that are trained to their ends, and saved on the way."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax import data
from gan_jax.core.errors import Stopped
from gan_jax.core.signals import StopRequest
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.search.database import Database
from gan_jax.search.progress import Progress
from gan_jax.search.search import Options, Search
from gan_jax.search.search_file import SearchFile
from gan_jax.search.slots import Slots
from gan_jax.search.space import Point
from gan_jax.search.trials import Trials

SECONDS_A_CHECKPOINT = 30


class Saving(NamedTuple):
    """Where a search is saved, and what was saved of it before.

    Attributes:
        checkpoints: Where.
        database: What its trials are noted in, which is saved with it.
        step: The number of the last checkpoint.
        saved: What it holds; empty: there is none.
    """

    checkpoints: Checkpoints
    database: Database
    step: int
    saved: Mapping[str, Any]

    @property
    def phase(self) -> int:
        """The phase that the search stood in."""
        return int(self.saved.get("phase", 0))

    @property
    def seconds(self) -> float:
        """Device-seconds that it had taken."""
        return float(self.saved.get("seconds", 0.0))


class Phase(NamedTuple):
    """A part of a search.

    Attributes:
        number: Its place among the phases.
        name: What is trained, in words.
        file: What is searched.
        options: How.
        trials: Where its trials are noted.
        programs: The values of each program, and how many of its trials are trained at once.
    """

    number: int
    name: str
    file: SearchFile
    options: Options
    trials: Trials
    programs: Sequence[tuple[Point, int]]


def train(phase: Phase, saving: Saving) -> Saving:
    """Train what is left of a phase, and save the search at its end.

    Raises:
        Stopped: If a signal asked it to stop; what was trained is saved.
    """
    if saving.phase > phase.number:
        return saving
    begun = time.monotonic()
    dataset = data.load(phase.file.space.config.data)
    programs = [
        Slots(phase.file.space, program, phase.file.seeds, count, dataset)
        for program, count in phase.programs
    ]
    search = Search(phase.file, phase.options, phase.trials, programs)
    _start(search, programs, phase.trials, saving.saved.get("programs"))

    def save(step: int) -> dict[str, Any]:
        taken = (time.monotonic() - begun) * programs[0].devices
        states = {str(number): one.to_host() for number, one in enumerate(programs)}
        tree = {
            "database": saving.database.saved(),
            "seconds": np.float64(saving.seconds + taken),
            "phase": np.int64(phase.number + search.over),
            "programs": {} if search.over else states,
        }
        saving.checkpoints.save(step, tree)
        return tree

    progress = Progress(phase.name, phase.trials, phase.options.trials)
    step = 1 + _loop(search, progress, saving, save)
    saved = save(step)
    saving.checkpoints.wait()
    return saving._replace(step=step, saved=saved)


def _loop(search: Search, progress: Progress, saving: Saving, save: Callable[[int], Any]) -> int:
    """Advance to the end, and save now and then. Returns the number of the last step."""
    step, noted = saving.step, time.monotonic()
    with StopRequest() as stop, progress:
        while not search.over:
            evaluated, step = search.advance(), step + 1
            if evaluated:
                progress.show()
            if stop.signal:
                save(step)
                saving.checkpoints.wait()
                raise Stopped(f"stopped by {stop.signal}: {progress.text}; saved")
            if evaluated and time.monotonic() - noted > SECONDS_A_CHECKPOINT:
                save(step)
                noted = time.monotonic()
    return step


def _start(
    search: Search,
    programs: Sequence[Slots],
    trials: Trials,
    saved: Mapping[str, Mapping[str, Any]] | None,
) -> None:
    """Begin a phase, or go on with what was saved of it."""
    if not saved:
        search.start()
        return
    points = {trial.number: trial.params for trial in trials.all}
    for number, slots in enumerate(programs):
        slots.restore(saved[str(number)], points)

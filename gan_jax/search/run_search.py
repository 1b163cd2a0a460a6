"""A search from its first trial to its last, in a folder in which it goes on where it stood."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax import data
from gan_jax.core.errors import InputError, Stopped
from gan_jax.core.signals import StopRequest
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.lock import Lock
from gan_jax.search.database import Database
from gan_jax.search.identity import identity, record, refuse_other
from gan_jax.search.progress import Progress
from gan_jax.search.search import Options, Search
from gan_jax.search.search_file import SearchFile
from gan_jax.search.slots import Slots
from gan_jax.search.space import Point
from gan_jax.search.trials import Trials

SECONDS_A_CHECKPOINT = 30
SEARCHED, CONFIRMED = range(2)  # the phases of a search


class Found(NamedTuple):
    """What a search has found.

    Attributes:
        trials: Its trials, all of which have ended.
        confirmed: The best one and that of the config's own values, each trained again on other
            seeds, in this order; only one if they are the same, none if nothing was confirmed.
        seconds: Device-seconds that it took, compiling included.
    """

    trials: Trials
    confirmed: Trials
    seconds: float


class _Phase(NamedTuple):
    """A part of a search: trials that are trained by the same loop, and saved in the same way."""

    number: int
    file: SearchFile
    options: Options
    trials: Trials
    programs: Sequence[tuple[Point, int]]  # the values of a program, and its trials side by side


class _Saving(NamedTuple):
    """Where a search is saved, and what was saved of it before."""

    checkpoints: Checkpoints
    database: Database
    step: int
    saved: Mapping[str, Any]

    @property
    def phase(self) -> int:
        """The phase that it stood in."""
        return int(self.saved.get("phase", SEARCHED))


def slots_a_program(file: SearchFile, options: Options) -> int:
    """How many trials of each program are trained at once.

    Raises:
        InputError: If there are not places enough for one.
    """
    programs, seeds = len(file.space.programs), len(file.seeds)
    count = options.places // (seeds * programs)
    if not count:
        why = f"a trial of {seeds} seeds in each of {programs} programs takes {seeds * programs}"
        raise InputError("--places", options.places, why)
    return min(count, -(-options.trials // programs))


@contextmanager
def search_in(file: SearchFile, options: Options, folder: Path) -> Iterator[Found]:
    """Train all trials of a search; nothing is done again that was saved. For use in a `with`.

    The database is saved with the trials' states, and put back as it was then: what it says is
    always what the states are.

    Raises:
        InputError: If the folder holds another search, or a trial can't be trained.
        Stopped: If a signal asked it to stop; what was trained is kept.
    """
    mine = identity(file, options)
    refuse_other(folder, mine)
    record(folder, mine)
    lock, checkpoints = Lock(folder / "lock"), Checkpoints(folder / "checkpoints")
    step, saved = checkpoints.restore_newest() or (0, {})
    database = Database(folder / "search.db", saved.get("database"))
    try:
        yield _run(file, options, _Saving(checkpoints, database, step, saved))
    finally:
        database.close()
        checkpoints.close()
        lock.release()


def _run(file: SearchFile, options: Options, saving: _Saving) -> Found:
    space, name = file.space, file.path.stem
    drawn = options.sampler, options.seed
    trials = Trials(saving.database, name, space, *drawn, first=[space.own])
    count = slots_a_program(file, options)
    searching = [(program, count) for program in space.programs]
    saving = _train(_Phase(SEARCHED, file, options, trials, searching), saving)

    best = trials.best
    points = [] if best is None or not options.confirm else _unlike([best.params, space.own])
    others = range(file.seeds.stop, file.seeds.stop + options.confirm)
    confirmed = Trials(saving.database, f"{name}, other seeds", space, *drawn, first=points)
    last = options._replace(trials=len(points), method="none")
    confirming = [(space.program_of(point), 1) for point in points]
    saving = _train(
        _Phase(CONFIRMED, file._replace(seeds=others), last, confirmed, confirming), saving
    )
    return Found(trials, confirmed, float(saving.saved["seconds"]))


def _unlike(points: Sequence[Point]) -> list[Point]:
    return [point for place, point in enumerate(points) if point not in points[:place]]


def _train(phase: _Phase, saving: _Saving) -> _Saving:
    """Train what is left of a phase and save the search at its end."""
    if saving.phase > phase.number:
        return saving
    begun, before = time.monotonic(), float(saving.saved.get("seconds", 0.0))
    dataset = data.load(phase.file.space.config.data)
    programs = [
        Slots(phase.file.space, program, phase.file.seeds, count, dataset)
        for program, count in phase.programs
    ]
    search = Search(phase.file, phase.options, phase.trials, programs)
    _start(search, programs, phase.trials, saving.saved.get("programs"))

    def save(step: int) -> dict[str, Any]:
        taken = (time.monotonic() - begun) * max((one.devices for one in programs), default=0)
        states = {str(number): one.to_host() for number, one in enumerate(programs)}
        tree = {
            "database": saving.database.saved(),
            "seconds": np.float64(before + taken),
            "phase": np.int64(phase.number + search.over),
            "programs": {} if search.over else states,
        }
        saving.checkpoints.save(step, tree)
        return tree

    step = _loop(search, Progress(phase.trials, phase.options.trials), saving, save)
    saved = save(step + 1)
    saving.checkpoints.wait()
    return saving._replace(step=step + 1, saved=saved)


def _loop(search: Search, progress: Progress, saving: _Saving, save) -> int:
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

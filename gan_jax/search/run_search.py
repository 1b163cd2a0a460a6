"""A search from its first trial to its last, in a folder in which it goes on where it stood."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from optuna.trial import FrozenTrial

from gan_jax.core.errors import InputError
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.lock import Lock
from gan_jax.search.database import Database
from gan_jax.search.identity import identity, record, refuse_other
from gan_jax.search.phase import Phase, Saving, train
from gan_jax.search.search import Options
from gan_jax.search.search_file import SearchFile
from gan_jax.search.space import Point, Space
from gan_jax.search.trials import Trials

_SEARCHING, _FINALS = range(2)  # phases; of the finals each program's is one


class Found(NamedTuple):
    """What a search has found.

    Attributes:
        trials: Its trials, all of which have ended.
        finals: The best of them and the config's own values, each trained again on other seeds;
            none if that was not asked for.
        seconds: Device-seconds that it took, compiling included.
    """

    trials: Trials
    finals: Trials
    seconds: float

    @property
    def winner(self) -> FrozenTrial | None:
        """The best final; None if there are none, or a seed of each diverged."""
        return self.finals.best

    @property
    def best(self) -> FrozenTrial | None:
        """The trial whose values won the finals; without these that of the highest value."""
        if self.winner is None:
            return self.trials.best
        ended = self.trials.complete
        return next(trial for trial in ended if trial.params == self.winner.params)


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
        yield _run(file, options, Saving(checkpoints, database, step, saved))
    finally:
        database.close()
        checkpoints.close()
        lock.release()


def _run(file: SearchFile, options: Options, saving: Saving) -> Found:
    space, name = file.space, file.path.stem
    drawn = options.sampler, options.seed
    trials = Trials(saving.database, name, space, *drawn, first=[space.own])
    count = slots_a_program(file, options)
    searching = [(program, count) for program in space.programs]
    saving = train(Phase(_SEARCHING, "trials", file, options, trials, searching), saving)

    points = _finalists(trials, space, options) if options.confirm else []
    finals = Trials(saving.database, f"{name}, finals", space, *drawn, first=points)
    other = file._replace(seeds=range(file.seeds.stop, file.seeds.stop + options.confirm))
    programs = [space.program_of(point) for point in points]
    for number, program in enumerate(_unlike(programs), _FINALS):
        count = programs.count(program)
        again = options._replace(trials=count, method="none")
        at_once = min(count, max(1, options.places // options.confirm))
        training = Phase(number, "finals", other, again, finals, [(program, at_once)])
        saving = train(training, saving)
    return Found(trials, finals, saving.seconds)


def _finalists(trials: Trials, space: Space, options: Options) -> list[Point]:
    """The best points, each once, and the config's own; those of a program next to each other."""
    finite = [trial for trial in trials.complete if math.isfinite(trial.value)]
    ranked = sorted(finite, key=lambda trial: -trial.value)
    best = _unlike([trial.params for trial in ranked])[: options.finalists]
    points = _unlike([*best, space.own]) if best else []
    programs = _unlike([space.program_of(point) for point in points])
    return sorted(points, key=lambda point: programs.index(space.program_of(point)))


def _unlike(points: Sequence[Point]) -> list[Point]:
    """The points, each once."""
    return [point for place, point in enumerate(points) if point not in points[:place]]

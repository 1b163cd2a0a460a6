"""A search from its first trial to its last, in a folder in which it goes on where it stood."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gan_jax.core.errors import InputError
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.lock import Lock
from gan_jax.search.database import Database
from gan_jax.search.identity import identity, record, refuse_other
from gan_jax.search.phase import Phase, Saving, train
from gan_jax.search.search import Options
from gan_jax.search.search_file import SearchFile
from gan_jax.search.space import Point
from gan_jax.search.trials import Trials

_SEARCHING, _CONFIRMING = range(2)  # phases


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

    best = trials.best
    points = [] if best is None or not options.confirm else _unlike([best.params, space.own])
    others = range(file.seeds.stop, file.seeds.stop + options.confirm)
    confirmed = Trials(saving.database, f"{name}, other seeds", space, *drawn, first=points)
    if points:
        programs = [space.program_of(point) for point in points]
        confirming = [(program, programs.count(program)) for program in _unlike(programs)]
        again = options._replace(trials=len(points), method="none")
        other = file._replace(seeds=others)
        saving = train(
            Phase(_CONFIRMING, "on other seeds", other, again, confirmed, confirming), saving
        )
    return Found(trials, confirmed, saving.seconds)


def _unlike(points: Sequence[Point]) -> list[Point]:
    """The points, each once."""
    return [point for place, point in enumerate(points) if point not in points[:place]]

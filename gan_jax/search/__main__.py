"""Search for hyperparameters: many trials, of which the hopeless stop early, then a report.

    python -m gan_jax.search experiments/search_ring.py --trials=256 [--workdir=DIR]
        [--config.KEY=VALUE ...]

The same command goes on with a search that was interrupted.
"""

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from gan_jax.core import cli
from gan_jax.core.errors import InputError, RunError, choose

_CONFIG = config_flags.DEFINE_config_file("config", None, "The search.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "The search's folder; default: runs/<its name>.")
_TRIALS = flags.DEFINE_integer("trials", 64, "How many trials are drawn.", 1)
_PLACES = flags.DEFINE_integer("places", 32, "Most networks side by side, each seed's one.", 1)
_SAMPLER = flags.DEFINE_string("sampler", "tpe", "What draws trials: tpe or random.")
_METHOD = flags.DEFINE_string(
    "method", "halving", "What becomes of trials on the way: halving, population or none."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of what the search draws; trials have seeds of their own.", 0
)
_CONFIRM = flags.DEFINE_integer(
    "confirm", 8, "Other seeds to train the best trials on; 0: none.", 0
)
_FINALISTS = flags.DEFINE_integer("finalists", 4, "How many those are.", 1)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Say what would be searched.")
_TYPED = sys.argv[1:]


def main() -> None:
    """Load the search, train what is missing of it, and report."""
    if _CONFIG.value is None:
        raise InputError("search", "", "missing, for example experiments/search_ring.py")
    if find_spec("optuna") is None:
        raise RunError("a search needs Optuna: pip install 'gan-jax[search]'")
    from gan_jax.search import search_file
    from gan_jax.search.draw import SAMPLERS
    from gan_jax.search.methods import METHODS
    from gan_jax.search.run_search import slots_a_program
    from gan_jax.search.search import Options

    choose("--sampler", _SAMPLER.value, SAMPLERS)
    choose("--method", _METHOD.value, METHODS)
    path = Path(config_flags.get_config_filename(flags.FLAGS["config"])).absolute()
    file = search_file.load(path, _CONFIG.value)
    options = Options(
        _TRIALS.value,
        _PLACES.value,
        _SAMPLER.value,
        _METHOD.value,
        _SEED.value,
        _CONFIRM.value,
        _FINALISTS.value,
    )
    count, programs = slots_a_program(file, options), len(file.space.programs)
    print(
        f"{options.trials} trials of {len(file.seeds)} seeds, {file.space.config.train.steps:,} "
        f"rounds at most: {programs} programs, {count} trials side by side in each\n{file.space}",
        flush=True,
    )
    if not _DRY_RUN.value:
        _search(file, options, Path(_WORKDIR.value or f"runs/{path.stem}").expanduser().absolute())


def _search(file, options, folder: Path) -> None:
    from gan_jax.core.devices import use_cores
    from gan_jax.search import best, report
    from gan_jax.search.run_search import search_in
    from gan_jax.study import page

    use_cores()
    with search_in(file, options, folder) as found:
        trial = found.best
        if trial is None:
            raise RunError(f"{folder}: none of {len(found.trials.all)} trials has a finite value")
        about = f"Trial {trial.number} of {file.path.name}, the best of {len(found.trials.all)}."
        config = file.space.config_of(trial.params, file.seeds.start)
        best.write(folder / "best.py", config.to_dict(), about)
        typed = shlex.join(["python", "-m", "gan_jax.search", *_TYPED])
        told = report.provenance(file, options, found, typed)
        page.write(report.report(file, options, found), folder, told)
    print(f"finished: see {folder / 'report.html'} and {folder / 'best.py'}", flush=True)


if __name__ == "__main__":
    # The search is given as an argument; its file is also that of its config.
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        sys.argv[1] = f"--config={sys.argv[1]}"
    cli.run(main)

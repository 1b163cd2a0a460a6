"""Does a search find better recipes than random search at equal compute?

    python -m experiments.search_benchmark --workdir=DIR

Claim: on the ring, TPE with successive halving finds better recipes than random search that trains
as many rounds. Both start from the values that configs/base.py has for what is searched, and search
the space of search_ring.py, with narrow players and small batches. Random search trains each of its
trials to the end, so it has fewer. Both end with the same finals: the best four trials and the
config's own values, each on eight further seeds. The winners are trained once more, on seeds that
nothing has seen yet, the same for all; a winner's value is the mean over them (8.99 for a perfect
sampler).

What would refute it: a mean difference over the repetitions, each with other draws, that is not
above zero. Two CPU cores: about ten minutes. The same command goes on after a stop.
"""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from absl import flags

from configs import base
from experiments import search_ring
from gan_jax.core import cli
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import Paired, paired
from gan_jax.study.text import text

_WORKDIR = flags.DEFINE_string("workdir", "runs/search_benchmark", "Where to.")
_REPETITIONS = flags.DEFINE_integer("repetitions", 10, "How often both search.", 2)
_TRIALS = flags.DEFINE_integer("trials", 24, "Trials of the search; random search's follow.", 1)
_ROUNDS = flags.DEFINE_integer("rounds", 2_700, "Of a trial; divides by 9.", 9)
_WIDTH = flags.DEFINE_integer("width", 32, "Of the players' layers.", 1)
_JUDGED = flags.DEFINE_integer("judged", 16, "Seeds that winners are trained on in the end.", 2)

SEEDS, PLACES, BATCH = 2, 32, 64
FIRST_JUDGED = 1_000  # seed: neither the search nor its finals come near it
FIRST_DRAWS = 400  # seed of the draws: lower ones were looked at when this was made
RANDOM = 10_000  # added to it for random search, whose first draws would be the same
WORST = -3.0  # what a seed that diverges counts as: no mode, nothing within 3 sigma


class Search(NamedTuple):
    """What a search came to.

    Attributes:
        point: The values that won.
        trials: How many it tried.
        rounds: Which they were trained, all seeds together.
    """

    point: Mapping[str, float]
    trials: int
    rounds: int


class Outcome(NamedTuple):
    """A repetition: the values of the winners and of the config's own, and the searches.

    Attributes:
        value: Of the search's winner.
        random: Of random search's.
        own: Of the config's own.
        searches: The search, and random search.
    """

    value: float
    random: float
    own: float
    searches: tuple[Search, Search]


def main() -> None:
    """Search, as often as was asked, and report."""
    from gan_jax.core.devices import use_cores
    from gan_jax.search import search_file
    from gan_jax.study import page

    use_cores()
    folder = Path(_WORKDIR.value).expanduser().absolute()
    file = search_file.load(Path(search_ring.__file__), _config())
    file = file._replace(seeds=range(SEEDS))
    outcomes = []
    for seed in range(FIRST_DRAWS, FIRST_DRAWS + _REPETITIONS.value):
        search = _searched(file, folder / f"search-{seed}", seed, _TRIALS.value, halves=True)
        full = max(1, round(search.rounds / (_ROUNDS.value * SEEDS)))
        random = _searched(file, folder / f"random-{seed}", seed + RANDOM, full, halves=False)
        values = _judged(file, [search.point, random.point, file.space.own])
        outcomes.append(Outcome(*values, (search, random)))
        print(f"seed {seed}: {values[0]:.3f}, random {values[1]:.3f}", flush=True)
    command = shlex.join(["python", "-m", "experiments.search_benchmark", *sys.argv[1:]])
    page.write(report(outcomes), folder, {"command": command})
    print(f"finished: see {folder / 'report.html'}")


def _searched(file, folder: Path, seed: int, trials: int, *, halves: bool) -> Search:
    from gan_jax.search import evidence
    from gan_jax.search.run_search import search_in
    from gan_jax.search.search import Options

    names = (
        {"sampler": "tpe", "method": "halving"}
        if halves
        else {"sampler": "random", "method": "none"}
    )
    with search_in(file, Options(trials, PLACES, **names, seed=seed), folder) as found:
        rounds = evidence.rounds_trained(found.trials.all, SEEDS)
        return Search(found.best.params, len(found.trials.all), rounds)


def _judged(file, points: Sequence[Mapping[str, float]]) -> list[float]:
    """The mean values of points on seeds that nothing has seen."""
    from gan_jax import data
    from gan_jax.sweep.vmapped import VmappedTrials

    seeds = range(FIRST_JUDGED, FIRST_JUDGED + _JUDGED.value)
    configs = [file.space.config_of(point, seed) for point in points for seed in seeds]
    side = VmappedTrials(configs, data.load(configs[0].data))
    trials, steps = side.start(), 0
    while steps < side.steps:
        trials, steps = side.step(trials, steps)
    values = [max(file.value(row), WORST) for _, row in side.evaluate(trials, steps)]
    return np.reshape(values, (len(points), len(seeds))).mean(axis=1).tolist()


def _config():
    config = search_ring.get_config()
    plain = base.get_config()
    for player in ("generator", "discriminator"):
        config.model[player].width = _WIDTH.value
        for name in ("learning_rate", "b1", "b2"):
            config.optim[player][name] = plain.optim[player][name]
    config.penalty.weight, config.ema.half_life = plain.penalty.weight, plain.ema.half_life
    config.train.batch_size = BATCH
    config.train.steps, config.eval.every = _ROUNDS.value, _ROUNDS.value // 9
    return config


def report(outcomes: Sequence[Outcome]) -> Report:
    """The verdict."""
    ours, random = ([one.value for one in outcomes], [one.random for one in outcomes])
    gain = paired(ours, random)
    difference = gain.difference
    return Report(
        title="Search against random search",
        question="Does a search find better recipes than random search at equal compute?",
        claim=Claim("of the search", "TPE with successive halving finds better recipes."),
        refuted_by="A mean difference that is not above zero.",
        answer=f"On the ring the winner of TPE with successive halving is worth "
        f"{text(np.mean(ours))} on seeds that nothing has seen, that of random search "
        f"{text(np.mean(random))}: {text(difference.estimate)} more ({text(difference.low)} to "
        f"{text(difference.high)}) in {len(outcomes)} repetitions.",
        status=_status(gain),
        details="A value is modes found plus the share within 3 sigma minus |log(covariance ratio "
        f"/ a perfect sampler's)|: 8.99 at best. The p-value of no difference is "
        f"{text(gain.p_value)}.",
        sections=[Section("Repetitions", _CAPTION, table=_table(outcomes))],
    )


_CAPTION = "Each with draws of its own; rounds are those of all seeds of all trials together."


def _status(gain: Paired) -> str:
    low, high = gain.difference.low, gain.difference.high
    return "confirmed" if low > 0 else "refuted" if high <= 0 else "undecided"


def _table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    rows = [
        {
            "search": one.value,
            "random": one.random,
            "difference": one.value - one.random,
            "the config's own": one.own,
            "trials: search": one.searches[0].trials,
            "trials: random": one.searches[1].trials,
            "rounds: search": one.searches[0].rounds,
            "rounds: random": one.searches[1].rounds,
        }
        for one in outcomes
    ]
    return pd.DataFrame(rows).rename_axis("repetition")


if __name__ == "__main__":
    cli.run(main)

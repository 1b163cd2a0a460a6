"""Does a search find better recipes than random search at equal compute?

    python -m experiments.search_benchmark --workdir=DIR

Claim: on the ring, TPE with successive halving finds better recipes than random search that trains
as many rounds. Both start from the same config's own values and search the space of search_ring.py,
with narrow players and small batches. Random search trains each of its trials to the end: so it
has about a quarter as many. Each winner is trained again, from start to end, on seeds that neither
has seen, the same for all; its value is the mean over them (8.99 for a perfect sampler).

What would refute it: a mean difference over the repetitions, each with other draws, that is not
above zero. Two CPU cores: about ten minutes. The same command goes on after a stop.
"""

import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from absl import flags

from experiments import search_ring
from gan_jax.core import cli
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import Paired, paired
from gan_jax.study.text import text

_WORKDIR = flags.DEFINE_string("workdir", "runs/search_benchmark", "Where to.")
_REPETITIONS = flags.DEFINE_integer("repetitions", 6, "How often both search.", 2)
_TRIALS = flags.DEFINE_integer("trials", 96, "Trials of the search; random search's follow.", 1)
_ROUNDS = flags.DEFINE_integer("rounds", 2_700, "Of a trial; divides by 9.", 9)
_WIDTH = flags.DEFINE_integer("width", 32, "Of the players' layers.", 1)
_CONFIRM = flags.DEFINE_integer("confirm", 16, "Seeds that winners are trained again on.", 2)

SEEDS, PLACES, BATCH = 2, 32, 64
FIRST = 100  # seed of the draws: lower ones were looked at when the sampler was chosen
WORST = -3.0  # what a seed that diverges counts as: no mode, nothing within 3 sigma


class Outcome(NamedTuple):
    """What a search came to.

    Attributes:
        value: Of its winner, on seeds that it has not seen.
        own: Of the config's own values there.
        trials: How many it tried.
        rounds: Which they were trained, all seeds together.
    """

    value: float
    own: float
    trials: int
    rounds: int


def main() -> None:
    """Search, as often as was asked, and report."""
    from gan_jax.core.devices import use_cores
    from gan_jax.study import page

    use_cores()
    folder = Path(_WORKDIR.value).expanduser().absolute()
    outcomes = []
    for seed in range(FIRST, FIRST + _REPETITIONS.value):
        search = _searched(folder / f"search-{seed}", seed, _TRIALS.value, halves=True)
        full = round(search.rounds / (_ROUNDS.value * SEEDS))
        random = _searched(folder / f"random-{seed}", seed, max(full, 1), halves=False)
        outcomes.append((search, random))
        print(f"seed {seed}: {search.value:.3f}, random {random.value:.3f}", flush=True)
    command = shlex.join(["python", "-m", "experiments.search_benchmark", *sys.argv[1:]])
    page.write(report(outcomes), folder, {"command": command})
    print(f"finished: see {folder / 'report.html'}")


def _searched(folder: Path, seed: int, trials: int, *, halves: bool) -> Outcome:
    from gan_jax.search import evidence, search_file
    from gan_jax.search.run_search import search_in
    from gan_jax.search.search import Options

    file = search_file.load(Path(search_ring.__file__), _config())
    file = file._replace(seeds=range(SEEDS))
    names = (
        {"sampler": "tpe", "method": "halving"}
        if halves
        else {"sampler": "random", "method": "none"}
    )
    options = Options(trials, PLACES, **names, seed=seed, confirm=_CONFIRM.value)
    with search_in(file, options, folder) as found:
        again = found.confirmed.all
        rounds = evidence.rounds_trained(found.trials.all, SEEDS)
        return Outcome(_value(again[0]), _value(again[-1]), len(found.trials.all), rounds)


def _config():
    config = search_ring.get_config()
    for player in ("generator", "discriminator"):
        config.model[player].width = _WIDTH.value
        config.optim[player].learning_rate = 1e-3
    config.train.batch_size = BATCH
    config.train.steps, config.eval.every = _ROUNDS.value, _ROUNDS.value // 9
    return config


def _value(trial) -> float:
    from gan_jax.search.evidence import seed_values

    return float(np.mean([WORST if one is None else one for one in seed_values(trial)]))


def report(outcomes: list[tuple[Outcome, Outcome]]) -> Report:
    """The verdict."""
    ours, random = ([pair[place].value for pair in outcomes] for place in (0, 1))
    gain = paired(ours, random)
    difference = gain.difference
    return Report(
        title="Search against random search",
        question="Does a search find better recipes than random search at equal compute?",
        claim=Claim("of the search", "TPE with successive halving finds better recipes."),
        refuted_by="A mean difference that is not above zero.",
        answer=f"on the ring the winner of TPE with successive halving is worth "
        f"{text(np.mean(ours))} on seeds that it has not seen, that of random search "
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


def _table(outcomes: list[tuple[Outcome, Outcome]]) -> pd.DataFrame:
    rows = [
        {
            "search": ours.value,
            "random": random.value,
            "difference": ours.value - random.value,
            "the config's own": random.own,
            "trials: search": ours.trials,
            "trials: random": random.trials,
            "rounds: search": ours.rounds,
            "rounds: random": random.rounds,
        }
        for ours, random in outcomes
    ]
    return pd.DataFrame(rows).rename_axis("repetition")


if __name__ == "__main__":
    cli.run(main)

"""Can a GAN start whose discriminator can't tell the first fakes from real data?

Claim C7: if a classifier can't tell real data from the initial generator's output, GAN training
can't start.

Each setting (how wide the discriminator is, how large the generator's initial kernels are) is
played twice with the same seeds: with the generator held at its start, which makes the
discriminator a classifier of the initial output, and as a GAN. The claim is put to the test where
the classifier does little better than guess. It would be refuted if GANs started there too, and
nothing is known if no classifier fails, or if GANs start nowhere.
"""

from scipy.stats import spearmanr

from configs import ring
from experiments.common import mixtures
from experiments.common.readings import last
from experiments.common.scatter import scatter
from experiments.common.verdicts import judge
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell, interval, paired
from gan_jax.study.text import text

WIDTHS = (1, 2, 4, 8, 16, 64)
# The output grows with the third power: a speck, a blob inside the ring, clouds as wide as the
# ring, one several times as wide.
SCALES = (0.2, 0.8, 1.1, 1.3, 1.6, 2.5)
SEEDS = range(10)
STEPS = 6_000
AT_START = 1  # update of the generator: as good as none

WIDTH, SCALE = "model.discriminator.width", "model.generator.initial_scale"
STOP = "optim.generator.stop"
NAMES = {WIDTH: "discriminator's width", SCALE: "initial scale"}
KEYS = list(NAMES.values())
TOLD, REACHED = "classifier's accuracy", "GAN's share within 3 sigma"
CANNOT = 0.6  # accuracy up to which a classifier can't tell; guessing has 0.5
STARTED = 0.1  # share within 3 sigma from which on a GAN has started; a cloud hits 0.002 by chance


def get_config():
    """The ring, whose generator may start large or small."""
    config = mixtures.narrow(ring.get_config())
    config.model.discriminator.dropout = 0.0
    config.train.steps = STEPS
    config.eval.every = STEPS // 4
    return config


def sweep(add):
    """Each setting with the generator held at its start, and as a GAN."""
    for width in WIDTHS:
        for stop in (AT_START, STEPS):
            for scale in SCALES:
                for seed in SEEDS:
                    add(**{WIDTH: width, STOP: stop, SCALE: scale, "seed": seed})


def report(results):
    """What the classifier can tell against what the GAN reaches."""
    trials = side_by_side(results)
    cells = settings(trials)
    verdict = judge(_not_started(trials, cells), 1 - STARTED)
    anywhere = (cells[f"{REACHED} low"] > STARTED).any()
    return Report(
        title="Where a GAN can start",
        question="Can a GAN start whose discriminator can't tell the first fakes from real data?",
        claim=Claim(
            "C7",
            "If a classifier can't tell real data from the initial generator's output, GAN "
            "training can't start.",
        ),
        refuted_by=f"Where the classifier is right in less than {CANNOT:.0%} of cases, GANs bring "
        f"more than {STARTED:.0%} of their samples within 3 sigma of a mode.",
        verdict=_verdict(verdict, cells, trials, anywhere),
        status=verdict.status if anywhere else "undecided",
        sections=[
            _against(cells, trials),
            _map(trials, TOLD, "How well a classifier tells real points from the first fakes"),
            _map(trials, REACHED, "What GANs of these settings reach"),
            Section(
                "Where the classifier can't tell",
                f"Its accuracy is below {CANNOT} with the whole interval. The claim holds in a "
                f"setting where more than {1 - STARTED:.0%} of the GANs' samples lie beyond 3 "
                "sigma of every mode.",
                table=verdict.table,
                caption="Share of samples beyond 3 sigma, 95 % intervals over seeds.",
            ),
            _ends(results),
            mixtures.published(),
        ],
    )


def side_by_side(results):
    """One row a setting and seed: what the classifier tells, and what the GAN reaches.

    Returns:
        `KEYS`, `seed`, `trial` (the GAN's), `TOLD` (the mean of the shares of held-out reals and of
        first fakes that are judged rightly) and `REACHED`.
    """
    rows = last(mixtures.scored(results)).rename(columns=NAMES)
    sides = rows[[f"discriminator/accuracy_{side}" for side in ("held_out", "generated")]]
    rows = rows.assign(**{TOLD: sides.mean(axis=1), REACHED: rows.high_quality})
    held = rows[STOP] == AT_START
    keys = [*KEYS, "seed"]
    return rows[held][[*keys, TOLD]].merge(rows[~held][[*keys, "trial", REACHED]], on=keys)


def settings(trials):
    """One row a setting: both measures with their intervals."""
    one, other = (
        by_cell(trials, KEYS, measure).rename(
            columns={"estimate": measure, "low": f"{measure} low", "high": f"{measure} high"}
        )
        for measure in (TOLD, REACHED)
    )
    return one.merge(other.drop(columns="num"), on=KEYS)


def _not_started(trials, cells):
    """Shares of samples that are nowhere, for each setting whose classifier can't tell."""
    cannot = cells[cells[f"{TOLD} high"] < CANNOT]
    found = {}
    for setting, cell in trials.merge(cannot[KEYS], on=KEYS).groupby(KEYS):
        nowhere = 1 - cell.set_index("seed")[REACHED]
        found[
            ", ".join(f"{key} {text(value)}" for key, value in zip(KEYS, setting, strict=True))
        ] = paired(nowhere, 0 * nowhere)
    return found


def _verdict(verdict, cells, trials, anywhere):
    tried = len(verdict.table)
    if not tried:
        return f"The classifier could tell in all {len(cells)} settings: the claim was not tested."
    if not anywhere:
        return "GANs started in no setting at all: the claim was not tested."
    overall, within = correlations(trials)
    return (
        f"Where the classifier can't tell, {tried} of {len(cells)} settings, the claim "
        f"{verdict.sentence} of samples beyond 3 sigma. Over all settings the rank correlation of "
        f"the classifier's accuracy with what the GAN reaches is {overall}, among those of one "
        f"width {within}."
    )


def correlations(trials):
    """Spearman's rank correlation of the two measures: over all settings, and within a width.

    One for each seed (and width); their mean over seeds with its interval. A correlation of equal
    values counts as 0.
    """

    def by(keys):
        each = trials.groupby(keys)[[TOLD, REACHED]].apply(_rank_correlation)
        return interval(each.groupby("seed").mean())

    return by(["seed"]), by(["seed", KEYS[0]])


def _rank_correlation(pair):
    if (pair.nunique() < 2).any():
        return 0.0
    return spearmanr(pair[TOLD], pair[REACHED]).statistic


def _against(cells, trials):
    overall, within = correlations(trials)
    return Section(
        "What it can tell against what is reached",
        f"If the claim is true there is nothing in the upper left. Rank correlation {overall}, "
        f"within a width {within}.",
        scatter(
            cells,
            TOLD,
            REACHED,
            KEYS[0],
            title="A GAN's success by what its discriminator can tell at the start",
            references={"guessing": 0.5, "can't tell": CANNOT},
        ),
        caption="A dot a setting, a colour a width; means over seeds, 95 % intervals.",
    )


def _map(trials, measure, title):
    cells = by_cell(trials, KEYS, measure)
    return Section(
        title,
        "",
        figures.heat_map(cells, *KEYS, title=title, label=measure),
        caption=f"Means over {cells.num.max()} seeds, 95 % intervals.",
    )


def _ends(results):
    rows = last(mixtures.scored(results)).rename(columns=NAMES)
    return Section(
        "GANs at the end",
        mixtures.SCORING,
        table=mixtures.endings(rows[rows[STOP] != AT_START], KEYS),
        caption="Means over seeds, and how many trials end how.",
    )

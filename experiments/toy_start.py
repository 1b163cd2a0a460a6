"""Can a GAN start whose discriminator can't tell the first fakes from real data?

Claim C7: if a classifier can't tell real data from the initial generator's output, GAN training
can't start.

    python -m gan_jax.sweep experiments/toy_start.py

Each setting (how wide the discriminator is and how fast it learns, how large the generator's
initial kernels are) is trained twice with the same seeds and for as long: with the generator held
at its start, which makes the discriminator a classifier of the initial output, and as a GAN.

The claim is put to the test where the classifier does little better than guess, though GANs of
this width do start elsewhere: a discriminator too narrow to train any GAN shows nothing about
starts. It would be refuted if GANs started there too. Nothing is known if there is no such place.
"""

from scipy.stats import spearmanr

from configs import ring_plain
from experiments.common import mixtures
from experiments.common.readings import in_order, last
from experiments.common.scatter import scatter
from experiments.common.sentences import number, percent
from experiments.common.verdicts import verdict_of
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell, interval, paired
from gan_jax.study.text import text

WIDTHS = (2, 8, 64)
SLOWNESS = (1, 100, 10_000)  # by which the discriminator's rate is divided
# The output grows with the third power: a blob inside the ring, a cloud as wide as the ring, one
# several times as wide.
SCALES = (0.8, 1.3, 2.0)
SEEDS = range(10)
STEPS = 4_000
AT_START = 1  # update of the generator: as good as none

WIDTH, RATE = "model.discriminator.width", "optim.discriminator.learning_rate"
SCALE, STOP = "model.generator.initial_scale", "optim.generator.stop"
KEYS = ["width", "rate", "initial scale"]
TOLD, REACHED = "classifier's accuracy", "GAN's share within 3 sigma"
CANNOT = 0.6  # accuracy up to which a classifier can't tell; guessing has 0.5
STARTED = 0.1  # share within 3 sigma from which on a GAN has started; a cloud hits 0.002 by chance


def get_config():
    """The ring, learned steadily."""
    config = mixtures.steady(ring_plain.get_config())
    config.train.steps = STEPS
    config.eval.every = STEPS // 4
    return config


def sweep(add):
    """Each setting with the generator held at its start, and as a GAN."""
    fastest = get_config().optim.discriminator.learning_rate
    for width in WIDTHS:
        for stop in (AT_START, STEPS):
            for slowness in SLOWNESS:
                for scale in SCALES:
                    for seed in SEEDS:
                        own = {WIDTH: width, RATE: fastest / slowness, SCALE: scale, STOP: stop}
                        add(**own, seed=seed)


def report(results):
    """What the classifier can tell against what the GAN reaches."""
    trials = side_by_side(results)
    cells = settings(trials)
    verdict = verdict_of(_not_started(trials, cells), margin=1 - STARTED)
    return Report(
        title="Where a GAN can start",
        question="Can a GAN start whose discriminator can't tell the first fakes from real data?",
        claim=Claim(
            "C7",
            "If a classifier can't tell real data from the initial generator's output, GAN "
            "training can't start.",
        ),
        refuted_by=f"Where the classifier is right in less than {percent(CANNOT)} of cases, GANs "
        f"bring more than {percent(STARTED)} of their samples within 3 sigma of a mode.",
        answer="A GAN whose discriminator can't tell the first fakes from real data fails to start "
        f"{verdict.where}; in the median one {number(verdict.median, '%')} of its samples lie "
        "beyond 3 sigma of every mode.",
        status=verdict.status,
        details=_details(verdict, cells, trials),
        sections=[
            _against(cells),
            *_maps(cells, TOLD, "What a classifier tells"),
            *_maps(cells, REACHED, "What the GAN reaches"),
            Section(
                "Where the classifier can't tell",
                f"Its accuracy is below {CANNOT} with the whole interval, and GANs of its width "
                "start elsewhere. The claim holds in a setting where more than "
                f"{percent(1 - STARTED)} of the GANs' samples lie beyond 3 sigma of every mode.",
                table=verdict.table,
                caption="Share of samples beyond 3 sigma, 95 % intervals over seeds.",
            ),
            _ends(results),
            mixtures.published(),
        ],
    )


def _named(results):
    """The last scored row of each trial, its setting under short names."""
    rows = last(mixtures.scored(results))
    width, rate, scale = KEYS
    named = {width: rows[WIDTH], rate: rows[RATE].map(text), scale: rows[SCALE]}
    return in_order(rows.assign(**named), rate=sorted(set(named[rate]), key=float))


def side_by_side(results):
    """One row a setting and seed: what the classifier tells, and what the GAN reaches.

    Returns:
        `KEYS`, `seed`, `trial` (the GAN's), `TOLD` (the mean of the shares of held-out reals and of
        first fakes that are classified correctly) and `REACHED`.
    """
    rows = _named(results)
    sides = rows[[f"discriminator/accuracy_{side}" for side in ("held_out", "generated")]]
    rows = rows.assign(**{TOLD: sides.mean(axis=1), REACHED: rows.high_quality})
    held, keys = rows[STOP] == AT_START, [*KEYS, "seed"]
    return rows[held][[*keys, TOLD]].merge(rows[~held][[*keys, "trial", REACHED]], on=keys)


def settings(trials):
    """One row a setting: both measures with their intervals, `<measure> low` and so on.

    Also `blind`, whether the classifier can't tell; `starts`, whether the GAN does; and `able`,
    whether GANs of this width do in any setting. Each with the whole interval.
    """
    one, other = (
        by_cell(trials, KEYS, measure, bounds=(0, 1)).rename(
            columns={"estimate": measure, "low": f"{measure} low", "high": f"{measure} high"}
        )
        for measure in (TOLD, REACHED)
    )
    cells = one.merge(other.drop(columns="num"), on=KEYS)
    starts = cells[f"{REACHED} low"] > STARTED
    return cells.assign(
        blind=cells[f"{TOLD} high"] < CANNOT,
        starts=starts,
        able=starts.groupby(cells[KEYS[0]]).transform("any"),
    )


def _not_started(trials, cells):
    """Shares of samples that are near no mode, for each setting that puts the claim to the test."""
    tests = trials.merge(cells[cells.blind & cells.able][KEYS], on=KEYS)
    found = {}
    for setting, cell in tests.groupby(KEYS, sort=False):
        name = ", ".join(f"{key} {text(one)}" for key, one in zip(KEYS, setting, strict=True))
        beyond = 1 - cell.set_index("seed")[REACHED]
        found[name] = paired(beyond, 0 * beyond)
    return found


def _details(verdict, cells, trials):
    overall, within = correlations(trials)
    telling = cells[cells[f"{TOLD} low"] > CANNOT]
    return (
        f"The classifier can't tell in {cells.blind.sum()} of {len(cells)} settings, "
        f"{(cells.blind & cells.able).sum()} of them of a width that GANs start with elsewhere: "
        f"only those count. The claim is that there more than {percent(1 - STARTED)} of the "
        f"samples lie beyond 3 sigma of every mode. {verdict.rest}\n\nWhere the classifier can "
        f"tell, {telling.starts.sum()} of {len(telling)} GANs start. The rank correlation of the "
        f"classifier's accuracy with the share of samples that the GAN brings within 3 sigma is "
        f"{number(overall)} over all settings, {number(within)} among those of one width."
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


def _against(cells):
    return Section(
        "What it can tell against what is reached",
        "If the claim is true there is nothing in the upper left. What is in the lower right can "
        "tell and does not start: to tell is not enough.",
        scatter(
            cells,
            TOLD,
            REACHED,
            KEYS[0],
            title="A GAN's success by what its discriminator can tell at the start",
            references={"guessing": 0.5, "can't tell": CANNOT},
        ),
        caption="A dot a setting, a colour a width of the discriminator; means over seeds, 95 % "
        "intervals.",
    )


def _maps(cells, measure, heading):
    """A heat map for each initial scale."""
    width, rate, scale = KEYS
    ends = {measure: "estimate", f"{measure} low": "low", f"{measure} high": "high"}
    axes = {width: "discriminator's width", rate: "discriminator's rate"}
    for value, some in cells.rename(columns=ends | axes).groupby(scale):
        some = in_order(some, **{axes[rate]: sorted(set(some[axes[rate]]), key=float)})
        yield Section(
            f"{heading}, initial scale {text(value)}",
            "",
            figures.heat_map(some, *axes.values(), title=heading, label=measure),
            caption=f"Means over {some.num.max()} seeds, 95 % intervals.",
        )


def _ends(results):
    rows = _named(results)
    return Section(
        "GANs at the end",
        mixtures.SCORING,
        table=mixtures.endings(rows[rows[STOP] != AT_START], KEYS),
        caption="Means over seeds, and how many trials end how.",
    )

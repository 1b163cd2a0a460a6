"""What happens if neither player is held constant while the other one learns?

Claim C2: without holding the other player constant the generator chases a moving target and may
never converge. (And part P3: updates alternate, by steps or by epochs.)

    python -m gan_jax.sweep experiments/freezing.py

Not to hold the other player constant can mean two things: one's gradient reaches its parameters too
(`joint`: both descend the gradient of the sum of both losses), or it moves at the same time
(`simultaneous`). Each is paired with as many alternating updates (`alternating`). The claim would
be refuted if the ring were covered as well in both of these ways.
"""

from configs import ring_plain
from experiments.common import mixtures
from experiments.common.readings import in_order, last
from experiments.common.sentences import by, number
from experiments.common.verdicts import Verdict, compare, verdict_of
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell
from gan_jax.study.text import text

PER_EPOCH = 781  # updates: 100,000 points in batches of 128
EPOCHS = 8
HELD, EPOCH_WISE = "alternating updates", "alternating epochs"
JOINT, SIMULTANEOUS = "joint gradient", "simultaneous updates"
SCHEMES = {
    HELD: {"schedule.scheme": "alternating"},
    JOINT: {"schedule.scheme": "joint"},
    SIMULTANEOUS: {"schedule.scheme": "simultaneous"},
    EPOCH_WISE: {"schedule.unit": "epoch", "train.steps": EPOCHS, "eval.every": 1},
}
PENALTY = "zero_centred"
OBJECTIVES = [
    ("non_saturating", "none"),
    *((loss, PENALTY) for loss in ("non_saturating", "minimax", "wasserstein")),
]
SPEEDS = (0.3, 1.0)  # times the usual learning rates
SEEDS = range(10)

MATTERS = 0.05  # a difference of scores
LEARNS = 0.2  # a score below which neither side of a pair has learned enough to be compared


def get_config():
    """The ring, evaluated once an epoch, at the generator itself: an average would hide swings."""
    config = mixtures.steady(ring_plain.get_config())
    config.ema.half_life = 0
    config.train.steps = EPOCHS * PER_EPOCH
    config.eval.every = PER_EPOCH
    return config


def sweep(add):
    """Each loss and penalty with each scheme, at two speeds."""
    optim = get_config().optim
    rates = {f"optim.{player}.learning_rate": optim[player].learning_rate for player in optim}
    for loss, penalty in OBJECTIVES:
        for scheme in SCHEMES.values():
            for speed in SPEEDS:
                for seed in SEEDS:
                    own = {name: speed * rate for name, rate in rates.items()} | scheme
                    add(**own, **{"loss": loss, "penalty.name": penalty, "seed": seed})


def report(results):
    """Scores over updates, and pairs by seed of those held with those not held."""
    rows = named(results)
    late = second_half(rows)
    ways = [against_alternating(late, scheme) for scheme in (JOINT, SIMULTANEOUS)]
    verdict = verdict_of(*ways, margin=MATTERS)
    epochs = verdict_of(against_alternating(late, EPOCH_WISE), margin=MATTERS)
    return Report(
        title="Alternating, simultaneous and joint updates",
        question="What happens if neither player is held constant while the other one learns?",
        claim=Claim(
            "C2",
            "Without holding the other player constant the generator chases a moving target and "
            "may never converge.",
        ),
        refuted_by=f"With the joint gradient and with simultaneous updates the score is not by "
        f"more than {MATTERS} below that of alternating updates.",
        answer=_answer(*(verdict_of(way, margin=MATTERS) for way in ways)),
        status=verdict.status,
        details="The other player is not held constant in either way: with the joint gradient "
        "both descend the sum of both losses, with simultaneous updates both move at once. The "
        f"claim is that the score, 0 to 1, is more than {MATTERS} lower than with alternating "
        f"updates. {verdict.rest}",
        sections=[
            Section(
                "Scores by scheme",
                f"{mixtures.SCORING}\n\nHere it is the mean score over the second half of the "
                f"evaluations. A setting in which neither side reaches {LEARNS} is left out.",
                _worth(late),
                verdict.table,
                "Scores with alternating updates minus the other scheme's, paired by seed, 95 % "
                "intervals. The rate is that of both players.",
            ),
            *_curves(rows),
            Section(
                "Alternating epochs",
                "Is it better still to hold the other player constant for longer, for an epoch "
                "instead of an update, with as many updates in all? Alternating updates score "
                f"higher than alternating epochs {epochs.where}, "
                f"{by(epochs.median, 'higher', 'lower')} in the median one.",
                table=epochs.table,
            ),
            _ends(rows),
            mixtures.published(),
        ],
    )


def named(results):
    """The scored results with `objective`, `scheme`, `rate` and `updates` (of each player)."""
    rows = mixtures.scored(results)
    names = {fields.get("schedule.scheme"): name for name, fields in SCHEMES.items()}
    scheme = rows["schedule.scheme"].map(names)
    rows = rows.assign(
        objective=rows.loss.where(
            rows["penalty.name"] == "none", rows.loss + " + " + rows["penalty.name"]
        ),
        scheme=scheme.mask(rows["schedule.unit"] == "epoch", EPOCH_WISE),
        rate=rows["optim.generator.learning_rate"].map(text),
        updates=rows["generator/updates"].astype(int),
    )
    return in_order(rows, scheme=list(SCHEMES))


def second_half(rows):
    """One row a trial, with its mean score after half of its updates."""
    late = rows[rows.updates > rows.groupby("trial").updates.transform("max") / 2]
    keys = ["objective", "scheme", "rate", "seed", "trial"]
    return late.groupby(keys, sort=False).score.mean().reset_index()


def against_alternating(late, other):
    """Alternating updates minus another scheme, by objective and rate, where either has learned."""
    both, setting = late[late.scheme.isin([HELD, other])], ["objective", "rate"]
    means = both.groupby([*setting, "scheme"]).score.mean()
    best = means.groupby(setting).max()
    learned = both.set_index(setting).index.map(best).to_numpy() >= LEARNS
    shown = both[learned].assign(rate="rate " + both.rate)
    pairs = compare(shown, "score", "scheme", (HELD, other), setting)
    return {f"{other}, {name}": pair for name, pair in pairs.items()}


def _answer(joint: Verdict, simultaneous: Verdict) -> str:
    return (
        f"Descending one joint gradient scores lower than {HELD} {joint.where}, by "
        f"{number(joint.median, mixtures.ON_SCORE)} in the median one; {SIMULTANEOUS} score lower "
        f"{simultaneous.where}."
    )


def _worth(late):
    cells = by_cell(late, ["scheme", "objective", "rate"], "score", bounds=(0, 1))
    cells = in_order(cells, scheme=list(SCHEMES))
    return figures.points(
        cells.assign(setting=cells.objective + ", rate " + cells.rate),
        "setting",
        "scheme",
        title="How well the ring is covered, by how updates are made",
        label="score in the second half",
        references=mixtures.CEILING,
    )


def _curves(rows):
    """A figure for each objective, at the higher rate."""
    rate = max(rows.rate, key=float)
    x = "updates of each player"
    for objective, some in rows[rows.rate == rate].groupby("objective", sort=False):
        cells = by_cell(some, ["scheme", "updates"], "score", bounds=(0, 1))
        cells = cells.rename(columns={"updates": x})
        yield Section(
            f"{objective} over the run",
            "",
            figures.curves(
                cells,
                x,
                "scheme",
                title=f"How well the ring is covered, {objective}",
                label="score",
                references=mixtures.CEILING,
            ),
            caption=f"Means over {cells.num.max()} seeds, 95 % intervals, at the rate {rate}.",
        )


def _ends(rows):
    keys, cosine = ["objective", "scheme", "rate"], "generator/gradient_cosine"
    ends = last(rows)
    moves = ends.groupby(keys, sort=False)[cosine].mean().rename("cosine").reset_index()
    return Section(
        "At the end",
        "The cosine is that between the generator's gradients before and after a round in which "
        "both players move: below 0 the target has gone to the other side.",
        table=mixtures.endings(ends, keys).merge(moves, on=keys),
        caption="Means over seeds, and how many trials end how.",
    )

"""What happens if neither player is held constant while the other one learns?

Claim C2: without holding the other player constant the generator chases a moving target and may
never converge. (And part P3: they take turns, of steps or of epochs.)

    python -m gan_jax.sweep experiments/freezing.py

Not to hold the other player constant can mean two things: one's gradient reaches its parameters too
(`joint`: both descend the gradient of the sum of both losses), or it moves at the same time
(`simultaneous`). Each is paired with turns (`alternating`) of as many updates. The claim would be
refuted if the ring were covered as well in both of these ways.
"""

from configs import ring
from experiments.common import mixtures
from experiments.common.readings import in_order, last
from experiments.common.verdicts import compare, judge
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell
from gan_jax.study.text import text

PER_EPOCH = 781  # updates: 100,000 points in batches of 128
EPOCHS = 8
HELD, EPOCH_WISE = "turns of a step", "turns of an epoch"
NOT_HELD = ("joint gradient", "simultaneous")
PLAYS = {
    HELD: {"schedule.scheme": "alternating"},
    "joint gradient": {"schedule.scheme": "joint"},
    "simultaneous": {"schedule.scheme": "simultaneous"},
    EPOCH_WISE: {"schedule.unit": "epoch", "train.steps": EPOCHS, "eval.every": 1},
}
PENALTY = "zero_centred"
GAMES = [
    ("non_saturating", "none"),
    *((loss, PENALTY) for loss in ("non_saturating", "minimax", "wasserstein")),
]
SPEEDS = (0.3, 1.0)  # times the usual learning rates
SEEDS = range(10)

MATTERS = 0.05  # a difference of scores
LEARNS = 0.2  # a score below which neither side of a pair has learned enough to be compared


def get_config():
    """The ring, evaluated once an epoch, at the generator itself: an average would hide swings."""
    config = mixtures.steady(ring.get_config())
    config.ema.half_life = 0
    config.train.steps = EPOCHS * PER_EPOCH
    config.eval.every = PER_EPOCH
    return config


def sweep(add):
    """Each game in each way of playing it, at two speeds."""
    optim = get_config().optim
    rates = {f"optim.{player}.learning_rate": optim[player].learning_rate for player in optim}
    for loss, penalty in GAMES:
        for play in PLAYS.values():
            for speed in SPEEDS:
                for seed in SEEDS:
                    own = {name: speed * rate for name, rate in rates.items()} | play
                    add(**own, **{"loss": loss, "penalty.name": penalty, "seed": seed})


def report(results):
    """Scores over updates, and pairs by seed of those held with those not held."""
    rows = named(results)
    late = second_half(rows)
    verdict = judge(*(against_turns(late, play) for play in NOT_HELD), margin=MATTERS)
    epochs = judge(against_turns(late, EPOCH_WISE), margin=MATTERS)
    return Report(
        title="Holding the other player constant",
        question="What happens if neither player is held constant while the other one learns?",
        claim=Claim(
            "C2",
            "Without holding the other player constant the generator chases a moving target and "
            "may never converge.",
        ),
        refuted_by=f"With the joint gradient and with simultaneous updates the score is not by "
        f"more than {MATTERS} below that of turns.",
        verdict=f"How much better turns of a step score than play without holding the other player "
        f"constant: the claim {verdict.sentence}.",
        status=verdict.status,
        sections=[
            Section(
                "Turns of a step against play without them",
                f"{mixtures.SCORING}\n\nHere it is the mean score over the second half of the "
                f"evaluations. A setting in which neither side reaches {LEARNS} is left out.",
                _worth(late),
                verdict.table,
                "Scores with turns of a step less those without, paired by seed, 95 % intervals. "
                "rate: of both players.",
            ),
            *_curves(rows),
            Section(
                "Turns of an epoch",
                "Is it better still to hold the other player constant for longer? For the claim "
                "would speak that turns of a step are better than turns of an epoch, of as many "
                f"updates in all: that {epochs.sentence}.",
                table=epochs.table,
            ),
            _ends(rows),
            mixtures.published(),
        ],
    )


def named(results):
    """The scored results with `game`, `play`, `rate` and `updates` (of each player)."""
    rows = mixtures.scored(results)
    plays = {play.get("schedule.scheme"): name for name, play in PLAYS.items()}
    play = rows["schedule.scheme"].map(plays)
    rows = rows.assign(
        game=rows.loss.where(
            rows["penalty.name"] == "none", rows.loss + " + " + rows["penalty.name"]
        ),
        play=play.mask(rows["schedule.unit"] == "epoch", EPOCH_WISE),
        rate=rows["optim.generator.learning_rate"].map(text),
        updates=rows["generator/updates"].astype(int),
    )
    return in_order(rows, play=list(PLAYS))


def second_half(rows):
    """One row a trial, with its mean score after half of its updates."""
    late = rows[rows.updates > rows.groupby("trial").updates.transform("max") / 2]
    keys = ["game", "play", "rate", "seed", "trial"]
    return late.groupby(keys, sort=False).score.mean().reset_index()


def against_turns(late, other):
    """Turns of a step less another play, by game and rate, where either has learned."""
    both = late[late.play.isin([HELD, other])]
    means = both.groupby(["game", "rate", "play"]).score.mean()
    best = means.groupby(["game", "rate"]).max()
    learned = both.set_index(["game", "rate"]).index.map(best).to_numpy() >= LEARNS
    pairs = compare(both[learned], "score", "play", (HELD, other), ["game", "rate"])
    return {f"{other}, {setting}": pair for setting, pair in pairs.items()}


def _worth(late):
    cells = by_cell(late, ["play", "game", "rate"], "score", bounds=(0, 1))
    cells = in_order(cells, play=list(PLAYS))
    return figures.points(
        cells.assign(setting=cells.game + ", rate " + cells.rate),
        "setting",
        "play",
        title="How well the ring is covered, by who is held constant",
        label="score in the second half",
        references=mixtures.CEILING,
    )


def _curves(rows):
    """A figure for each game, at the higher rate."""
    rate = max(rows.rate, key=float)
    x = "updates of each player"
    for game, some in rows[rows.rate == rate].groupby("game", sort=False):
        cells = by_cell(some, ["play", "updates"], "score", bounds=(0, 1))
        cells = cells.rename(columns={"updates": x})
        yield Section(
            f"{game} over the run",
            "",
            figures.curves(
                cells,
                x,
                "play",
                title=f"How well the ring is covered, {game}",
                label="score",
                references=mixtures.CEILING,
            ),
            caption=f"Means over {cells.num.max()} seeds, 95 % intervals, at the rate {rate}.",
        )


def _ends(rows):
    keys, cosine = ["game", "play", "rate"], "generator/gradient_cosine"
    ends = last(rows)
    moves = ends.groupby(keys, sort=False)[cosine].mean().rename("cosine").reset_index()
    return Section(
        "At the end",
        "The cosine is that between the generator's gradients before and after a round in which "
        "both players move: below 0 the target has gone to the other side.",
        table=mixtures.endings(ends, keys).merge(moves, on=keys),
        caption="Means over seeds, and how many trials end how.",
    )

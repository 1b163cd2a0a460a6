"""For which losses does the generator's gradient vanish when the discriminator becomes too good?

Claim C4: when the discriminator becomes too good, the generator's gradients vanish.

    python -m gan_jax.sweep experiments/vanishing_gradients.py

Both players train on the ring for a while; then the generator is held constant and the
discriminator goes on alone, as in figure 2 of Arjovsky and Bottou (2017, arXiv:1701.04862), here
for every loss, and for some with a penalty. The claim holds for a loss whose gradient falls below a
hundredth of its norm at the stop. It would be refuted if none did so in front of a discriminator
that is right in 95 of 100 cases or more; one that never becomes so good does not put it to the
test.
"""

import numpy as np
import pandas as pd

from configs import ring_plain
from experiments.common import mixtures
from experiments.common.sentences import by, percent
from experiments.common.verdicts import Verdict, verdict_of
from gan_jax.game.losses import LOSSES
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell, holm, paired

STOPS = (250, 1_000)  # rounds that both train: a blob near the middle, and a rough ring
SEEDS = range(10)
PENALTY = "gradient"
PENALIZED = ("minimax", "non_saturating", "least_squares", "wasserstein", "hinge")

STOP = "optim.generator.stop"
NORM = "generator/gradient_norm"
AT_STOP = "norm at the stop"
VANISHED = 2.0  # orders of magnitude that the norm falls
GONE = -12.0  # orders of magnitude: what a gradient of 0 counts as
GOOD = 0.95  # mean of the accuracies on held-out reals and on fakes
# Their logits mean something as differences only, so accuracies, which count from 0, do not.
NO_ZERO = {"wasserstein", *(name for name, loss in LOSSES.items() if loss.relativistic)}


def get_config():
    """The ring with a sharp discriminator, which is alone for most of the rounds."""
    config = mixtures.narrow(ring_plain.get_config())
    config.model.discriminator.dropout = 0.0
    config.penalty.weight = 0.1  # Gulrajani et al.'s for rings
    config.train.steps = 11_000
    config.eval.every = 250
    return config


def sweep(add):
    """Every loss, and some with a penalty, at each stop."""
    games = [(loss, "none") for loss in LOSSES] + [(loss, PENALTY) for loss in PENALIZED]
    for loss, penalty in games:
        for stop in STOPS:
            for seed in SEEDS:
                add(**{"loss": loss, "penalty.name": penalty, STOP: stop, "seed": seed})


def report(results):
    """What is left of the gradient, over the discriminator's updates, by loss and by layer."""
    rows = since_stop(results)
    end = rows[rows.k == rows.k.max()]
    cells = at_the_end(end)
    verdict = verdict_of(*(_losses(end, cells, stop) for stop in STOPS), margin=VANISHED)
    return Report(
        title="Vanishing gradients",
        question="For which losses does the generator's gradient vanish when the discriminator "
        "becomes too good?",
        claim=Claim(
            "C4", "When the discriminator becomes too good, the generator's gradients vanish."
        ),
        refuted_by="For no loss does the gradient fall below a hundredth of its norm at the stop, "
        f"though the discriminator is right in {percent(GOOD)} of cases or more.",
        answer="On the ring of eight Gaussians, once the discriminator is too good, the "
        f"generator's gradient vanishes {verdict.where}; in the median one its norm "
        f"{by(verdict.median, 'falls', 'grows', 'orders of magnitude')}.",
        status=verdict.status,
        details=_details(verdict, cells, end.k.max()),
        sections=[
            Section(
                "Which losses",
                f"The claim holds where more than {VANISHED:g} orders of magnitude are lost. "
                "A trial that diverged counts as one that lost none: its gradient did not vanish.",
                table=verdict.table,
                caption="Orders of magnitude that the gradient's norm lost since the stop, means "
                "over seeds, 95 % intervals.",
            ),
            *(_curves(rows, stop) for stop in rows[STOP].unique()),
            _ends(cells),
            _penalties(end),
            _layers(end),
        ],
    )


def since_stop(results):
    """The rows from the stop on, to where the shortest trial ends.

    Returns:
        The results with `k` (updates of the discriminator since the generator's last), `game` (loss
        and penalty), `accuracy` (mean of that on held-out reals and on fakes), and for each norm of
        the gradient `left <norm>`: orders of magnitude above that at the stop, 0 after divergence;
        `AT_STOP`, the whole gradient's norm there.
    """
    steps = results.step.groupby(results.trial)
    before = results.step.where(results.step <= results[STOP]).groupby(results.trial)
    at_stop = before.transform("max").fillna(steps.transform("min"))
    plain = results["penalty.name"] == "none"
    sides = results[[f"discriminator/accuracy_{side}" for side in ("held_out", "generated")]]
    rows = results.assign(
        k=(results.step - at_stop).astype(int),
        game=results.loss.where(plain, results.loss + " + " + results["penalty.name"]),
        accuracy=sides.mean(axis=1),
    )
    rows = rows[(rows.k >= 0) & (rows.k <= rows.groupby("trial").k.max().min())]
    first = rows[rows.k == 0].set_index("trial")
    left = {
        f"left {norm}": _orders(rows[norm], rows.trial.map(first[norm])) for norm in _norms(rows)
    }
    return rows.assign(**left, **{AT_STOP: rows.trial.map(first[NORM])})


def _norms(rows):
    return [name for name in rows if name.startswith(NORM)]


def _orders(now, then):
    orders = np.log10((now / then).clip(lower=10**GONE))
    return orders.where(np.isfinite(orders), 0.0)


def at_the_end(end):
    """One row a game and stop: what is left of the gradient, the slope, and the accuracy."""
    cells = _ratios(by_cell(end, ["game", "loss", STOP], f"left {NORM}"))
    games = end.groupby(["game", "loss", STOP])
    cells = cells.join(
        games[["accuracy", "generator/saturation"]].mean(), on=["game", "loss", STOP]
    )
    cells = cells.join(games[[AT_STOP, NORM]].median(), on=["game", "loss", STOP])
    return cells.assign(
        cell=[_setting(*one) for one in zip(cells.game, cells[STOP], strict=True)],
        good=(cells.accuracy >= GOOD) | cells.loss.isin(NO_ZERO),
    )


def _setting(game, stop):
    return f"{game} after {stop:,} rounds"


def _ratios(cells):
    """Cells of orders of magnitude as cells of ratios."""
    return cells.assign(**10.0 ** cells[["estimate", "low", "high"]])


def _losses(end, cells, stop):
    """Orders of magnitude lost by each loss without a penalty, where that is a test."""
    tested = set(cells[cells.good].cell)
    plain = end[(end["penalty.name"] == "none") & (end[STOP] == stop)]
    lost = {_setting(loss, stop): -cell[f"left {NORM}"] for loss, cell in plain.groupby("loss")}
    return {name: paired(cell, 0 * cell) for name, cell in lost.items() if name in tested}


def _details(verdict: Verdict, cells, k):
    never = ", ".join(cells[~cells.good & (cells.game == cells.loss)].cell) or "none"
    return (
        f"After {k:,} updates of the discriminator alone the claim is that the gradient's norm has "
        f"fallen by more than {VANISHED:g} orders of magnitude. {verdict.rest} Not counted, as "
        f"the discriminator never became too good: {never}."
    )


def _curves(rows, stop):
    heading = f"The generator stopped after {stop:,} rounds"
    plain = rows[(rows[STOP] == stop) & (rows["penalty.name"] == "none") & (rows.k > 0)]
    if plain.empty:
        return Section(heading, "No round was trained after the stop.")
    x = "updates of the discriminator since the stop"
    cells = _ratios(by_cell(plain, ["loss", "k"], f"left {NORM}")).rename(columns={"k": x})
    return Section(
        heading,
        "Arjovsky and Bottou saw the minimax gradient of a DCGAN on images fall by up to five "
        "orders of magnitude within 4,000 updates of the discriminator.",
        figures.curves(
            cells,
            x,
            "loss",
            title="What is left of the generator's gradient",
            label="norm, of that at the stop",
            x_scale="log",
            y_scale="log",
            references={"vanished": 10**-VANISHED},
        ),
        caption=f"Geometric means of {cells.num.max()} seeds, 95 % intervals, logarithmic axes.",
    )


def _ends(cells):
    names = {STOP: "stop", "estimate": "left", "generator/saturation": "slope"}
    norms = {AT_STOP: AT_STOP, NORM: "at the end"}
    return Section(
        "How good the discriminator is, and where the gradient is lost",
        "The accuracy is the mean of those on held-out reals and on fakes; below "
        f"{percent(GOOD)} a loss is not tested. It means nothing for "
        f"{', '.join(sorted(NO_ZERO))}, of whose logits only differences count, and is not asked "
        "of them.\n\nThe slope is the mean derivative of the generator's loss in a fake's logit. "
        "Near 0 the loss itself is flat; elsewhere, what is lost is lost in the discriminator, "
        "flat around the fakes. What vanishes relative to the stop may only come back from an "
        "explosion: the norms themselves are beside.",
        table=cells[["game", *names, "accuracy", "low", "high", *norms]].rename(
            columns=names | norms
        ),
        caption="left: the gradient's norm at the end, of that at the stop; geometric means, 95 % "
        "intervals. The norms: medians over seeds.",
    )


def _penalties(end):
    heading = "With a gradient penalty"
    left = end.set_index(["loss", STOP, "seed", "penalty.name"])[f"left {NORM}"].unstack()
    if not {"none", PENALTY} <= set(left):
        return Section(heading, "It was not tried, or nothing else was.")
    pairs = left[["none", PENALTY]].dropna().groupby(level=["loss", STOP], sort=False)
    tests = {cell: paired(pair[PENALTY], pair["none"]) for cell, pair in pairs}
    table = pd.DataFrame(
        [(*cell, *test.difference, test.p_value) for cell, test in tests.items()],
        columns=["loss", "stop", "estimate", "low", "high", "num", "p"],
    )
    return Section(
        heading,
        "It keeps the discriminator's slope near 1 between reals and fakes, so that there is "
        "something to follow, unless the loss itself is flat.",
        figures.points(
            table,
            "loss",
            "stop",
            title="What the penalty keeps of the gradient",
            label="orders of magnitude left, with the penalty minus without",
            references={"no difference": 0.0},
        ),
        table.assign(**{"p (Holm)": holm(table.p)}),
        "Mean differences, paired by seed, with 95 % intervals; p of sign flips.",
    )


def _layers(end):
    first = end[end[STOP] == end[STOP].min()]
    layers = [norm for norm in _norms(end) if norm != NORM]
    cells = [
        by_cell(first, ["game"], f"left {norm}").assign(layer=norm.removeprefix(f"{NORM}/"))
        for norm in layers
    ]
    return Section(
        "Layer by layer",
        "Dense_0 is next to the latent. Where all layers lose alike, the gradient is lost before "
        "it reaches the generator.",
        figures.heat_map(
            pd.concat(cells),
            "game",
            "layer",
            title="What is left of each layer's gradient",
            label="log10 of the norm over that at the stop",
        ),
        caption=f"Stopped after {first[STOP].iloc[0]:,} rounds; -2 is a hundredth. Means over "
        "seeds, 95 % intervals.",
    )

"""Does one direction of a latent space move one attribute of the digits, and hold the class?

Claim D1: one direction moves one attribute and holds the class.

    python -m experiments.latent.directions --workdir=RUN --out=FOLDER

Each seed draws latents to fit directions to, by every method of `gan_jax.latent.directions`, and
others to move along them. An edit is what becomes of one latent between -2 and 2 standard
deviations along a direction. It does what is claimed if the attribute gains at least a standard
deviation of real digits, no other attribute changes more than half as much (in the same units),
and the classifier takes all images on the way for the same digit.

The claim is put to the test with the directions orthogonal to the classifier's logits, which are
made for it. It would be refuted if half of the edits or fewer did so. The other methods, and a
random direction, are there to compare with.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.common.of_run import study
from experiments.common.readings import in_order
from experiments.common.sentences import number, percent
from experiments.common.verdicts import Verdict, difference, verdict_of
from gan_jax import data
from gan_jax.examples import IMAGE
from gan_jax.latent.attributes import ATTRIBUTES, measure
from gan_jax.latent.directions import METHODS, explained
from gan_jax.latent.edits import Followed, edit, follow
from gan_jax.latent.measured_latents import measure_latents
from gan_jax.latent.space import Space
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.sheets import image_sheet
from gan_jax.study.statistics import by_cell, paired
from gan_jax.study.text import text

SEEDS = range(10, 18)
FITTED, EXPLAINED, MOVED = 4096, 1024, 64  # latents a seed
AMOUNTS = np.arange(-3.0, 4.0)
EDIT = (-2.0, 2.0)
WAY = np.abs(AMOUNTS) <= EDIT[1]
LEAST = 1.0  # standard deviations of real digits that an edit has to move its attribute
ASIDE = 0.5  # of that move, which no other attribute may exceed
MOST = 0.5  # share of edits from which on the claim holds
TESTED = "class_orthogonal"
EDITED = (3, 7)  # digits shown
SHOWN = 10  # real digits at either end of an attribute
ORDERS = {"method": list(METHODS), "attribute": list(ATTRIBUTES), "changes": list(ATTRIBUTES)}
UNITS = "units a sd of latent"
GAIN = "sd of real digits a sd of latent"
OTHER = "largest of another attribute"
SHIFT = "gain, sd of real digits"
KEPT = "share that keep their digit"
DONE = "share of edits that do as claimed"
R2 = "R^2"


class Real(NamedTuple):
    """Real digits to compare with.

    Attributes:
        images: uint8 [N, H, W, 1].
        values: Their attributes [N, A].
    """

    images: np.ndarray
    values: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """Standard deviations of the attributes, [A]."""
        return self.values.std(axis=0)


def report(space: Space) -> Report:
    """Every method's directions, moved along."""
    images = data.load(space.config.data).train
    real = Real(images, np.asarray(jax.jit(measure)(IMAGE.to_model(jnp.asarray(images)))))
    moved = [one for seed in SEEDS for one in _moved(space, seed)]
    trials = pd.DataFrame(_in_all(one, real.spread) for one in moved)
    moves, gains = (
        pd.DataFrame(row for one in moved for row in rows(one, real.spread))
        for rows in (_by_amount, _by_attribute)
    )
    verdict = put_to_the_test(trials)
    return Report(
        title="Directions that move one attribute",
        question="Does one direction of the latent space move one attribute of the digits, and "
        "hold the class?",
        claim=Claim("D1", "One direction moves one attribute and holds the class."),
        refuted_by=f"Between {EDIT[0]:g} and {EDIT[1]:g} standard deviations along the direction "
        f"orthogonal to the classifier's logits, {percent(MOST)} of the edits or fewer gain a "
        "standard deviation of the attribute, change no other by half as much, and keep the digit.",
        answer=answer(verdict),
        status=verdict.status,
        details=_details(verdict, trials),
        sections=[
            _edits(space),
            _done(trials, verdict),
            *_curves(moves),
            _selectivity(gains),
            _numbers(trials),
            _extremes(real),
        ],
    )


def put_to_the_test(trials: pd.DataFrame) -> Verdict:
    """The claim for each attribute, by the share of edits that do as claimed."""
    tested = trials[trials.method == TESTED]
    shares = {
        name: cell.set_index("seed")[DONE] for name, cell in tested.groupby("attribute", sort=False)
    }
    found = {name: paired(share, 0 * share) for name, share in shares.items()}
    return verdict_of(found, margin=MOST, each="attribute")


def answer(verdict: Verdict) -> str:
    """The first sentence, from the verdict on all attributes."""
    best = verdict.table.loc[verdict.table.difference.idxmax()]
    return (
        "Most edits along one direction move their attribute alone and keep the digit "
        f"{verdict.where}; the best is {best.setting}, with {number(difference(best), '%')} of its "
        "edits."
    )


def does_as_claimed(followed: Followed, meant: int, spread: np.ndarray) -> np.ndarray:
    """Which edits do, bool [N].

    Args:
        followed: Edits at `AMOUNTS`; those between the amounts `EDIT` count.
        meant: Number of the attribute to move.
        spread: Standard deviations of real digits' attributes, [A].
    """
    ends = followed.values[:, WAY][:, [0, -1]] / spread
    gains = ends[:, 1] - ends[:, 0]
    own, others = gains[:, meant], np.abs(np.delete(gains, meant, axis=1)).max(axis=1)
    return (own >= LEAST) & (others <= ASIDE * own) & followed.kept[:, WAY].all(axis=1)


class Moved(NamedTuple):
    """Latents moved along a direction for one attribute.

    Attributes:
        key: Method, attribute, seed and trial.
        meant: The attribute's number.
        followed: What came.
        r_squared: Of the attribute on the place along the direction, 0 to 1.
    """

    key: dict[str, object]
    meant: int
    followed: Followed
    r_squared: float


def _moved(space: Space, seed: int) -> Iterator[Moved]:
    """A seed's directions, by every method for every attribute."""
    fitted = measure_latents(space, FITTED, seed)
    rest = measure_latents(space, EXPLAINED, seed, first=FITTED)
    moved = rest.head(MOVED)
    for method, find in METHODS.items():
        directions = find(fitted)
        shares = np.diag(explained(directions, rest.z, rest.values))
        for meant, name in enumerate(ATTRIBUTES):
            key = {"method": method, "attribute": name, "seed": seed, "trial": seed}
            followed = follow(space.prior, moved, directions[meant], AMOUNTS)
            yield Moved(key, meant, followed, shares[meant])


def _by_amount(moved: Moved, spread: np.ndarray) -> Iterator[dict[str, object]]:
    """A row an amount: how far the attribute is from where it was, and who kept the digit."""
    values = moved.followed.values[..., moved.meant] / spread[moved.meant]
    shifts = values - values[:, AMOUNTS == 0]
    columns = AMOUNTS, shifts.mean(axis=0), moved.followed.kept.mean(axis=0)
    for amount, shift, kept in zip(*columns, strict=True):
        yield {**moved.key, "amount": amount, SHIFT: shift, KEPT: kept}


def _by_attribute(moved: Moved, spread: np.ndarray) -> Iterator[dict[str, object]]:
    """A row an attribute: how much it changes, meant or not."""
    gains = moved.followed.slopes.mean(axis=0) / spread
    for changes, gain in zip(ATTRIBUTES, gains, strict=True):
        yield {**moved.key, "changes": changes, GAIN: gain}


def _in_all(moved: Moved, spread: np.ndarray) -> dict[str, object]:
    """One row: what the direction does."""
    gains = moved.followed.slopes.mean(axis=0)
    return {
        **moved.key,
        UNITS: gains[moved.meant],
        GAIN: (gains / spread)[moved.meant],
        OTHER: np.abs(np.delete(gains / spread, moved.meant)).max(),
        KEPT: moved.followed.kept[:, WAY].all(axis=1).mean(),
        DONE: does_as_claimed(moved.followed, moved.meant, spread).mean(),
        R2: moved.r_squared,
    }


def _cells(rows: pd.DataFrame, keys: list[str], measured: str) -> pd.DataFrame:
    """Means over seeds with intervals, methods and attributes in the order of their tables."""
    cells = by_cell(rows, keys, measured)
    return in_order(cells, **{key: ORDERS[key] for key in keys if key in ORDERS})


def _details(verdict: Verdict, trials: pd.DataFrame) -> str:
    means = trials.groupby(["attribute", "method"], sort=False)[DONE].mean()
    best = "; ".join(
        f"{name}: {cell.idxmax()[1]}, {text(cell.max())}"
        for name, cell in means.groupby("attribute", sort=False)
    )
    return (
        "The claim is that more than half of the edits do so, with directions orthogonal to the "
        f"classifier's logits. {verdict.rest}\n\nThe best method of each, with the share of edits "
        f"that do so: {best}."
    )


def _edits(space: Space) -> Section:
    """Digits moved along each attribute's direction."""
    fitted = measure_latents(space, FITTED, SEEDS[0])
    rest = measure_latents(space, MOVED, SEEDS[0], first=FITTED)
    rows = {}
    for name, direction in zip(ATTRIBUTES, METHODS[TESTED](fitted), strict=True):
        for digit in EDITED:
            first = np.flatnonzero(rest.digits == digit)[:1]
            labels = None if rest.labels is None else rest.labels[first]
            images = edit(space, rest.z[first], direction, AMOUNTS, labels)
            rows[f"{name}, a {digit}"] = IMAGE.to_data(images[0])
    return Section(
        "Edits",
        "Latents keep their length.",
        image_sheet(rows, title=f"From {AMOUNTS[0]:g} to {AMOUNTS[-1]:g} sd of the latent"),
        caption=f"The first {' and the first '.join(map(str, EDITED))} of the latents that no "
        f"direction was fitted to, by {TESTED}; in the middle as drawn.",
    )


def _done(trials: pd.DataFrame, verdict: Verdict) -> Section:
    return Section(
        "Edits that do as claimed",
        f"From {EDIT[0]:g} to {EDIT[1]:g} the attribute gains at least {LEAST:g} standard "
        f"deviation of real digits, others change by at most {ASIDE:g} of that, and the digit "
        "stays.",
        figures.points(
            _cells(trials, ["attribute", "method"], DONE),
            "attribute",
            "method",
            title="How many edits do as claimed",
            label=DONE,
            references={"most": MOST},
        ),
        verdict.table,
        caption=f"Means over {len(SEEDS)} seeds of {MOVED} latents each, 95 % intervals. The table "
        f"is of {TESTED}.",
    )


def _curves(moves: pd.DataFrame) -> Iterator[Section]:
    """What a move brings and what it costs, over all attributes."""
    mean = moves.groupby(["method", "amount", "seed", "trial"])[[SHIFT, KEPT]].mean().reset_index()
    for measured, heading, words in (
        (SHIFT, "How far the attribute moves", "The same amounts buy more of it by some methods."),
        (
            KEPT,
            "How many keep their digit",
            "A random direction moves no attribute and changes "
            "digits all the same: what counts is how much of an attribute a lost digit buys.",
        ),
    ):
        cells = _cells(mean, ["method", "amount"], measured)
        yield Section(
            heading,
            words,
            figures.curves(
                cells.rename(columns={"amount": "sd of the latent"}),
                "sd of the latent",
                "method",
                title=heading,
                label=measured,
            ),
            caption=f"Means over the attributes and {len(SEEDS)} seeds, 95 % intervals over seeds.",
        )


def _selectivity(gains: pd.DataFrame) -> Section:
    cells = _cells(gains[gains.method == TESTED], ["attribute", "changes"], GAIN)
    return Section(
        "What else moves",
        "",
        figures.heat_map(
            cells.rename(columns={"attribute": "direction for"}),
            "direction for",
            "changes",
            title=f"What each direction changes ({TESTED})",
            label=GAIN,
        ),
        caption=f"Means over {len(SEEDS)} seeds, 95 % intervals.",
    )


def _numbers(trials: pd.DataFrame) -> Section:
    """All measures of all methods, each with its interval."""
    keys = ["attribute", "method"]
    table = _cells(trials, keys, UNITS)[keys]
    for measured in (UNITS, GAIN, OTHER, KEPT, DONE, R2):
        cells = _cells(trials, keys, measured)
        table[measured] = [
            f"{text(cell.estimate)} ({text(cell.low)} to {text(cell.high)})"
            for cell in cells.itertuples()
        ]
    return Section(
        "All numbers",
        f"Units are {', '.join(f'{name}: {one.unit}' for name, one in ATTRIBUTES.items())}. Gains "
        f"are slopes over amounts from {AMOUNTS[0]:g} to {AMOUNTS[-1]:g}; digits are kept at all "
        f"amounts from {EDIT[0]:g} to {EDIT[1]:g}. R^2 is that of a straight line of the attribute "
        f"on the place along the direction, over {EXPLAINED:,} other latents.",
        table=table,
        caption=f"Means over {len(SEEDS)} seeds, 95 % intervals.",
    )


def _extremes(real: Real) -> Section:
    rows = {}
    for column, name in enumerate(ATTRIBUTES):
        order = np.argsort(real.values[:, column])
        rows |= {
            f"least {name}": real.images[order[:SHOWN]],
            f"most {name}": real.images[order[-SHOWN:]],
        }
    table = pd.DataFrame(
        {
            "attribute": list(ATTRIBUTES),
            "unit": [one.unit for one in ATTRIBUTES.values()],
            "mean": real.values.mean(axis=0),
            "sd": real.spread,
            "least": real.values.min(axis=0),
            "most": real.values.max(axis=0),
        }
    )
    return Section(
        "What the attributes are",
        "The real digits at the ends of each.",
        image_sheet(rows, title="Real digits with the least and the most of each attribute"),
        table,
        caption=f"Of {len(real.images):,} real digits.",
    )


if __name__ == "__main__":
    study(report)

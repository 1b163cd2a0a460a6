"""Are geodesics shorter than great circles, and does the classifier flicker less on them?

Claim G1: geodesics are shorter than great circles and the classifier flickers less on them.

    python -m experiments.latent.geodesics --workdir=RUN --out=FOLDER

Pairs of latents of the run's prior are joined three ways: by a geodesic of the generator's
pull-back metric, by a great circle, from which the geodesic came, and by a straight line. All are
measured at as many points. The claim has two halves: the geodesic's length, and how often the
classifier's digit changes along it, each as a share of the great circle's. It would be refuted if
neither were smaller by more than a twentieth. A hundred pairs were too few to decide on the digit;
these are four hundred others.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.common.distributions import histograms
from experiments.common.of_run import study
from experiments.common.sentences import by, number, percent
from experiments.common.verdicts import verdict_of
from gan_jax.latent import geometry
from gan_jax.latent.digits import classifier
from gan_jax.latent.geodesics import FINE, geodesics
from gan_jax.latent.paths import linear, spherical
from gan_jax.latent.perceptual import squared_speeds
from gan_jax.study import figures, sheets
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell, interval, paired
from gan_jax.study.text import text

PAIRS, POINTS, UPDATES = 400, 16, 300
DISSECTED, STATIONS = 24, 9  # pairs and points a path where the whole Jacobian is taken
PERCEPTUAL = 2_000  # points for the perceptual path length
SEED = 2
MARGIN = 0.05  # of the great circle's, the smallest difference that matters
SHOWN, FRAMES = 4, 13  # pairs in the picture, images a path
GEODESIC, SPHERICAL, STRAIGHT = "geodesic", "great circle", "straight"
TIME = "share of the path"
CURVES = {
    "confidence": (
        "How sure the classifier is on the way",
        "The probability of the digit that it takes an image for. Images that fade into one "
        "another are near in image space, and no digits.",
    ),
    "speed |dG/dt|": (
        "How fast the image changes",
        "A geodesic has constant speed: how much one found lacks it says how far it is from one. A "
        "line's mean height is its paths' mean length.",
    ),
    "length of the latent / sqrt(L)": (
        "Where the paths lie",
        "Normal latents lie near 1. Far from it the generator was hardly trained.",
    ),
}


class Ways(NamedTuple):
    """The pairs' paths and what became of the search for geodesics.

    Attributes:
        labels: The pairs' classes, int32 `[N]`, or None.
        paths: By the name of the way, latents `[N, T, L]`.
        converged: Whether each geodesic's energy had stopped to fall, `[N]`.
    """

    labels: np.ndarray | None
    paths: dict[str, np.ndarray]
    converged: np.ndarray


def report(space, pairs=PAIRS, points=POINTS, updates=UPDATES):
    """Three ways between pairs, measured and read."""
    ways = joined(space, pairs, points, updates)
    rows = measured(space, ways)
    frames = followed(space, ways)
    found = differences(rows)
    verdict = verdict_of(found, margin=MARGIN)
    return Report(
        title="Geodesics of the generator",
        question="Are geodesics shorter than great circles, and does the classifier flicker less "
        "on them?",
        claim=Claim(
            "G1",
            "Geodesics are shorter than great circles and the classifier flickers less on them.",
        ),
        refuted_by="Neither length nor changes of the digit are smaller by more than "
        f"{percent(MARGIN)} of the great circle's.",
        answer=answer(*(one.difference for one in found.values())),
        status=verdict.status,
        details=_details(rows),
        sections=[
            _pictures(space, ways),
            _lengths(rows, ways),
            _flicker(rows),
            *(_curve(frames, measure, *about) for measure, about in CURVES.items()),
            *_dissected(space, ways),
            _perceptual(space),
            Section(
                "Both halves of the claim",
                "How much less geodesics have than great circles, as a share of these.",
                table=verdict.table,
                caption="Means over pairs, 95 % intervals.",
            ),
        ],
    )


def joined(space, pairs, points, updates):
    """The ways between pairs of latents of the prior, each in `(points - 1) * FINE + 1` points."""
    drawn = space.draw(2 * pairs, SEED)
    start, end = np.split(np.asarray(drawn.z), 2)
    labels = None if drawn.labels is None else np.asarray(drawn.labels)[:pairs]
    found = geodesics(space.generate, start, end, labels, points=points, updates=updates)
    shares = jnp.linspace(0, 1, (points - 1) * FINE + 1)
    paths = {
        GEODESIC: geometry.refined(found.paths, FINE),
        SPHERICAL: spherical(start, end, shares),
        STRAIGHT: linear(start, end, shares),
    }
    return Ways(labels, jax.tree.map(np.asarray, paths), found.converged)


def measured(space, ways):
    """One row a way and pair: lengths, and what the classifier makes of the path."""
    read = partial(_read, space.generate, classifier(space))
    found = []
    for way, paths in ways.paths.items():
        length = geometry.length(space.generate, paths, ways.labels)
        speeds = geometry.speeds(space.generate, paths, ways.labels)
        digits, confidence = geometry.in_rows(read, paths.shape[1], paths, ways.labels)
        found.append(
            pd.DataFrame(
                {
                    "way": way,
                    "pair": np.arange(len(paths)),
                    "length": length,
                    "integral": speeds.mean(axis=1),
                    "changes": (np.diff(digits, axis=1) != 0).sum(axis=1),
                    "needed": digits[:, 0] != digits[:, -1],
                    "digits": [len(set(row)) for row in digits],
                    "mean confidence": confidence.mean(axis=1),
                    "by length": _by_length(confidence, speeds),
                    "smallest confidence": confidence.min(axis=1),
                    "smallest latent": _radii(paths).min(axis=1),
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def followed(space, ways):
    """One row a way, pair and each `FINE`-th point: speed, confidence, length of the latent."""
    read = partial(_read, space.generate, classifier(space))
    found = []
    for way, paths in ways.paths.items():
        paths = paths[:, ::FINE]
        _, confidence = geometry.in_rows(read, paths.shape[1], paths, ways.labels)
        speeds = geometry.speeds(space.generate, paths, ways.labels)
        shares = np.linspace(0, 1, paths.shape[1])
        found += [
            _long(way, shares, "confidence", confidence),
            _long(way, (shares[1:] + shares[:-1]) / 2, "speed |dG/dt|", speeds),
            _long(way, shares, "length of the latent / sqrt(L)", _radii(paths)),
        ]
    return pd.concat(found, ignore_index=True)


def differences(rows):
    """How much less geodesics have than great circles, as a share of these, by measure."""
    geodesic, circle = (_of(rows, way) for way in (GEODESIC, SPHERICAL))
    usual = circle.changes.mean() or 1.0  # a single pair's may be 0
    return {
        "length": paired(1 + 0 * circle.length, geodesic.length / circle.length),
        "changes of the digit": paired(circle.changes / usual, geodesic.changes / usual),
    }


def ratios(rows):
    """Lengths over the great circle's, `[N]` for each other way."""
    circle = _of(rows, SPHERICAL).length
    return {way: (_of(rows, way).length / circle).to_numpy() for way in (GEODESIC, STRAIGHT)}


@jax.jit
def _read(generate, classifier, paths, labels):
    """The classifier's digits and confidence along paths `[N, T, L]`: `[N, T]` each."""

    def read(z, labels):
        reading = classifier(generate(z, labels))
        return reading.digit, reading.confidence

    return geometry.along(read, paths, labels)


def _of(rows, way):
    return rows[rows.way == way].set_index("pair")


def _radii(paths):
    """The latents' lengths, where normal ones have about 1."""
    return np.linalg.norm(paths, axis=-1) / np.sqrt(paths.shape[-1])


def _by_length(values, speeds):
    """Means `[N]` of values `[N, T]` over the image's way instead of time."""
    halfway = (values[:, 1:] + values[:, :-1]) / 2
    return (halfway * speeds).sum(axis=1) / speeds.sum(axis=1)


def _long(way, shares, measure, values):
    num = len(values)
    return pd.DataFrame(
        {
            "way": way,
            "trial": np.repeat(np.arange(num), len(shares)),
            TIME: np.tile(shares, num),
            "measure": measure,
            "value": values.ravel(),
        }
    )


def answer(length, changes):
    """The first sentence, from how much less geodesics have than great circles, as shares."""
    return (
        f"Against great circles, geodesics are {by(length, 'shorter', 'longer', '%')} and the "
        f"classifier's digit changes {by(changes, 'less often', 'more often', '%')}, over "
        f"{length.num} pairs of latents of one generator."
    )


def _details(rows):
    geodesic, straight = ratios(rows).values()
    return (
        f"The claim is that both are smaller by more than {percent(MARGIN)} of the great circle's. "
        f"A geodesic is shorter in {(geodesic < 1).sum()} of {len(geodesic)} pairs. A straight "
        f"line has {number(interval(straight), '%')} of the great circle's length, and is shorter "
        f"in {(straight < 1).sum()}."
    )


def _lengths(rows, ways):
    lengths = {way: interval(_of(rows, way).length) for way in ways.paths}
    gap = (rows.integral / rows.length - 1).groupby(rows.way).mean().max()
    points = next(iter(ways.paths.values())).shape[1]
    return Section(
        "Lengths in image space",
        f"The sum of the chords between {points} images a path: {_listed(lengths)}. The integral "
        f"of |J dz| is above it by {text(100 * gap)} % at most, on average over the paths of a "
        "way, so the chords are fine enough.\n\n"
        f"{ways.converged.sum()} of {len(ways.converged)} geodesics got shorter by less than 1 % "
        "over the last quarter of the search. The others may be shorter yet, and all are local "
        "minima near the great circle at best: what is said of their length is a bound.",
        histograms(
            ratios(rows),
            title="Length over the great circle's",
            label="ratio of lengths in image space",
            count="pairs",
            references={"as long": 1.0},
        ),
        caption=f"{len(ways.converged)} pairs.",
    )


def _flicker(rows):
    measures = {
        "changes of the digit": "changes",
        "different digits": "digits",
        "mean confidence, over time": "mean confidence",
        "mean confidence, over the image's way": "by length",
        "smallest confidence": "smallest confidence",
        "smallest latent / sqrt(L)": "smallest latent",
    }
    table = pd.DataFrame(
        {
            way: [str(interval(_of(rows, way)[column])) for column in measures.values()]
            for way in rows.way.unique()
        },
        index=pd.Index(measures, name="along the path"),
    )
    compared = "; ".join(
        f"{name}: {_compared(rows, column)}" for name, column in list(measures.items())[:5]
    )
    needed = _of(rows, SPHERICAL).needed
    return Section(
        "Whether the classifier flickers",
        f"A path between different digits, as {needed.sum()} of {len(needed)} pairs are, changes "
        "at least once. Geodesic minus great circle, pair by pair: "
        f"{compared}.",
        table=table,
        caption="Means over pairs, 95 % intervals.",
    )


def _compared(rows, column):
    found = paired(_of(rows, GEODESIC)[column], _of(rows, SPHERICAL)[column])
    return f"{found.difference}, p = {text(found.p_value)}"


def _curve(frames, measure, heading, about):
    cells = by_cell(frames[frames.measure == measure], ["way", TIME], "value")
    return Section(
        heading,
        about,
        figures.curves(cells, TIME, "way", title=heading, label=measure),
        caption=f"Means over {cells.num.max()} pairs, bands: 95 % intervals.",
    )


def _dissected(space, ways):
    """Condition number and local dimension along some of the paths."""
    num = min(DISSECTED, len(ways.converged))
    labels = None if ways.labels is None else np.repeat(ways.labels[:num], STATIONS)
    shares, found = np.linspace(0, 1, STATIONS), []
    for way, paths in ways.paths.items():
        at = np.round(shares * (paths.shape[1] - 1)).astype(int)
        some = paths[:num, at]
        values = geometry.singular_values(space.generate, some.reshape(-1, some.shape[-1]), labels)
        values = values.reshape(num, STATIONS, -1)
        found += [
            _long(way, shares, "condition", np.log10(geometry.condition_number(values))),
            _long(way, shares, "participation ratio", geometry.participation_ratio(values)),
            _long(way, shares, "needed", geometry.dimensions_needed(values).astype(float)),
        ]
    found = pd.concat(found, ignore_index=True)
    yield _curve(
        found,
        "participation ratio",
        "How many directions change the image",
        "The participation ratio of the Jacobian's squared singular values: 1 if one direction of "
        "the latent makes all of the change.",
    )
    yield Section(
        "The Jacobian along the paths",
        "Its condition number (largest over smallest singular value), the local dimension as the "
        "participation ratio of its squared singular values, and the number of directions that "
        f"hold 95 % of their sum, at {STATIONS} points of the paths of {num} pairs.",
        table=pd.DataFrame(
            {
                way: [
                    str(interval(cell.value[cell.measure == name].groupby(cell.trial).mean()))
                    for name in ("condition", "participation ratio", "needed")
                ]
                for way, cell in found.groupby("way", sort=False)
            },
            index=pd.Index(
                ["log10 of the condition number", "participation ratio", "directions for 95 %"],
                name="mean along the path",
            ),
        ),
        caption="Means over pairs, 95 % intervals.",
    )


def _perceptual(space):
    length = interval(squared_speeds(space, PERCEPTUAL, SEED))
    return Section(
        "Perceptual path length",
        f"In the features of the shipped classifier, along great circles: {length}. It compares "
        "generators of the same data, and has no meaning by itself.",
    )


def _pictures(space, ways):
    """The first pairs whose ends are different digits, three rows each."""
    ends = next(iter(ways.paths.values()))[:, [0, -1]]
    read = partial(_read, space.generate, classifier(space))
    digits, _ = geometry.in_rows(read, 2, ends, ways.labels)
    chosen = np.argsort(digits[:, 0] == digits[:, 1], stable=True)[:SHOWN]
    images = partial(jax.jit(geometry.along), space.generate)
    rows = {}
    for pair in chosen:
        labels = None if ways.labels is None else ways.labels[[pair]]
        for way, paths in ways.paths.items():
            at = np.round(np.linspace(0, paths.shape[1] - 1, FRAMES)).astype(int)
            (row,) = images(paths[[pair]][:, at], labels)
            name = f"{digits[pair, 0]} to {digits[pair, 1]}: {way}"
            rows[name] = np.asarray(jnp.round((row + 1) * 127.5), np.uint8)
    return Section(
        "Three ways from image to image",
        "Each begins and ends with the same images.",
        sheets.image_sheet(rows, title="From left to right, in equal steps of time"),
        caption=f"The first {len(chosen)} pairs whose ends are different digits to the classifier.",
    )


def _listed(intervals):
    return "; ".join(f"{name} {one}" for name, one in intervals.items())


if __name__ == "__main__":
    study(report)

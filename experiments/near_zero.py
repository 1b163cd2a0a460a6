"""Does the region near 0 in latent space map to meaningful digits?

    python -m gan_jax.sweep experiments/near_zero.py

Claim C10: "The region near 0 in latent space does not map to a meaningful digit: it lies between
the blobs of digits."

What 0 is depends on the prior: of normal latents it is where the density is highest, though in 64
dimensions nobody ever draws one near it; of uniform latents it is the middle of the cube; and the
sphere is nowhere near it. So short runs on the embedded digits are made with each of the three, in
2, 8 and 64 dimensions, three seeds each. Lengths are in units of the typical one: the root mean
square length of the prior's latents, which is sqrt(L) of normal ones and those on the sphere, and
sqrt(L / 3) of uniform ones.

Of each generator 400 latents from the ball around 0 of a tenth of the typical length are compared
with 400 of the prior's. An image is meaningful if the digit classifier is sure of it and it is near
typical real digits in the classifier's features (`gan_jax.latent.meaning`). A pair is one run; the
claim is tried for each prior, over all dimensions, and for each dimension, over all priors.

What would refute it: latents near 0 are meaningful at least half as often as typical ones.
"""

import itertools
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import chi2

from experiments.common import images
from experiments.common.dimension import log10_ball
from experiments.common.readings import in_order, last
from experiments.common.sentences import number, percent
from experiments.common.verdicts import verdict_of
from gan_jax import latent
from gan_jax.data.embedded import mnist_digits
from gan_jax.latent import maps, meaning
from gan_jax.latent.render import render
from gan_jax.metrics.classifier import CLASSES
from gan_jax.study import figures, sheets
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell, interval, paired
from gan_jax.study.text import text

PRIORS, DIMENSIONS, SEEDS = ("normal", "uniform", "sphere"), (2, 8, 64), range(3)
NEAR = 0.1  # of the typical length
RADII = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0)
NUM = 400
HALF, MARGIN = 0.5, 0.02  # of the typical share; what must be between it and that near 0
READ = ("meaningful", "confidence", "distance")
SHOWN = 12  # images a row


def get_config():
    """The short run of studies on latent space."""
    return images.brief()


def sweep(add):
    """Each prior in each dimension."""
    for prior, dimensions, seed in itertools.product(PRIORS, DIMENSIONS, SEEDS):
        add(**{"model.prior": prior, "model.latent": dimensions, "seed": seed})


def probe(folder):
    """What a run's latents mean: at 0, near it, where the prior is, and by radius."""
    space = latent.load(folder)
    read, drawn = meaning.reader(space), np.asarray(space.draw(NUM).z)
    ball = maps.in_ball(NUM, space.prior.noise, NEAR * maps.typical_radius(space.prior))
    places = {"zero": 0 * drawn[:1], "near": ball, "typical": drawn}
    made = {name: render(space, z) for name, z in places.items()}
    made["real"] = mnist_digits().test
    found = {
        f"{name}/{measure}": float(np.mean(getattr(read(examples), measure)))
        for name, examples in made.items()
        for measure in READ
    }
    mean = made["typical"].mean(axis=0)
    for name in places:
        found[f"{name}/likeness"] = likeness(made[name], mean)
    found |= {f"{name}/ink": float(np.mean(examples)) / 255 for name, examples in made.items()}
    by_radius = maps.profile(read, partial(render, space), space.prior, drawn, RADII, CLASSES)
    for place, radius in enumerate(RADII):
        for measure in READ:
            found[f"radius {radius:g}/{measure}"] = float(getattr(by_radius, measure)[place])
        for digit, share in enumerate(by_radius.kinds[place]):
            found[f"radius {radius:g}/share_{digit}"] = float(share)
    return found


def likeness(made, mean):
    """The mean correlation of images `[N, H, W, C]` with an image, over pixels: -1 to 1."""
    return float(np.mean([np.corrcoef(one.ravel(), mean.ravel())[0, 1] for one in made]))


def report(results):
    """How often latents near 0 are meaningful, against typical ones."""
    rows = named(results)
    groups = (
        differences(rows, "prior", "{} prior"),
        differences(rows, "dimensions", "{} dimensions"),
    )
    verdict = verdict_of(*groups, margin=MARGIN)
    near = interval(rows["near/meaningful"], bounds=(0, 1))
    typical, real = rows[["typical/meaningful", "real/meaningful"]].mean()
    cores, ink = core(rows), rows[["near/ink", "typical/ink"]].mean()
    return Report(
        title="The middle of latent space",
        question="Does the region near 0 in latent space map to meaningful digits?",
        claim=Claim(
            "C10",
            "The region near 0 in latent space does not map to a meaningful digit: it lies "
            "between the blobs of digits.",
        ),
        refuted_by="Latents near 0 are meaningful at least half as often as typical ones.",
        answer="Latents near 0 give meaningful digits less than half as often as typical ones "
        f"{verdict.where}: {number(near, '%')} of them do, and {percent(typical)} of typical ones.",
        status=verdict.status,
        details=f"Of real held-out digits {percent(real)} count as meaningful; G(0) itself does in "
        f"{rows['zero/meaningful'].sum():.0f} of {len(rows)} runs. The claim is that half of the "
        f"share of typical latents is above that near 0 by more than {MARGIN}. {verdict.rest}\n\n"
        "The region without meaning is small: half the share at the typical length is reached at "
        f"{text(cores.min(), 2)} to {text(cores.max(), 2)} of that length. It is no blend of "
        f"digits: images near 0 have {text(ink.iloc[0] / ink.iloc[1], 2)} of the ink of typical "
        "ones.",
        sections=[
            verdict.section(
                "Near 0 against typical latents",
                f"Half of the share of typical latents that are meaningful, minus that of latents "
                f"within {NEAR} of the typical length from 0. The claim holds where that is more "
                f"than {MARGIN}. Pairs are runs.",
            ),
            _places(rows),
            *(_curves(rows, n, measure) for n in DIMENSIONS for measure in READ[:2]),
            _digits(rows),
            _visited(),
        ],
    )


def named(results):
    """The last row of each run that was trained to its end, its setting under short names."""
    rows = last(results[results.diverged_at < 0])
    rows = rows.assign(prior=rows["model.prior"], dimensions=rows["model.latent"])
    return in_order(rows, prior=PRIORS, dimensions=DIMENSIONS)


def differences(rows, factor, named):
    """Half of the typical share of meaningful images minus that near 0, by values of a factor.

    Args:
        rows: Of `named`.
        factor: A column.
        named: A format of its values, what the settings are called.
    """
    return {
        named.format(value): paired(
            HALF * cell.set_index("trial")["typical/meaningful"],
            cell.set_index("trial")["near/meaningful"],
        )
        for value, cell in rows.groupby(factor, sort=False)
    }


def core(rows):
    """How far from 0, over the typical length, half the share of meaningful images there is met.

    Returns:
        By prior and dimensions, of the means over runs.
    """
    columns = [f"radius {radius:g}/meaningful" for radius in RADII if radius <= 1]
    means = rows.groupby(["prior", "dimensions"], sort=False)[columns].mean()
    rising = np.maximum.accumulate(means.to_numpy(), axis=1)
    halves = rising[:, -1:] / 2
    reached = [
        np.interp(half, one, RADII[: len(columns)])
        for half, one in zip(halves, rising, strict=True)
    ]
    return pd.Series(np.ravel(reached), means.index, name="half the share at")


def _places(rows):
    places = ("zero", "near", "typical", "real")
    measures = [f"{place}/{one}" for one in READ for place in places]
    measures += [f"{place}/ink" for place in places]
    measures += [f"{place}/likeness" for place in places[:-1]]
    table = rows.groupby(["prior", "dimensions"], sort=False)[measures].mean()
    table = table.join(core(rows)).reset_index()
    long = rows.melt(
        ["trial", "prior", "dimensions"], [f"{place}/meaningful" for place in places[1:-1]]
    )
    long["latents"] = long.variable.str.split("/").str[0]
    long["prior, dimensions"] = long.prior.astype(str) + ", " + long.dimensions.astype(str)
    cells = by_cell(long, ["prior, dimensions", "latents"], "value", bounds=(0, 1))
    settings = [f"{prior}, {n}" for prior, n in itertools.product(PRIORS, DIMENSIONS)]
    cells = in_order(cells, latents=places, **{"prior, dimensions": settings})
    return Section(
        "By prior and dimensions",
        "Distance is that to the nearest of 4,500 real digits in the classifier's features. "
        "Ink is the mean shade, 0 to 1. Likeness is the correlation with the mean of the typical "
        "images: a blend of all digits looks like it. The last column is how far out, over the "
        "typical length, half of the share at the typical length is reached.",
        figures.points(
            cells,
            "prior, dimensions",
            "latents",
            title="Meaningful images near 0 and where the prior is",
            label="share of meaningful images",
            references={"real digits": rows["real/meaningful"].mean()},
        ),
        table,
        f"Means over {rows.seed.nunique()} seeds, 95 % intervals.",
    )


def _by_radius(rows, measure):
    """One row a run and radius."""
    columns = {f"radius {radius:g}/{measure}": radius for radius in RADII}
    long = rows.melt(["trial", "prior", "dimensions"], list(columns), "radius", measure)
    return long.assign(radius=long.radius.map(columns))


def _curves(rows, dimensions, measure):
    long = _by_radius(rows[rows.dimensions == dimensions], measure)
    cells = in_order(by_cell(long, ["prior", "radius"], measure, bounds=(0, 1)), prior=PRIORS)
    label = {"meaningful": "share of meaningful images", "confidence": "mean confidence"}[measure]
    x = "distance from 0 over the typical length"
    heading = f"{label.capitalize()} by radius, {dimensions} dimensions"
    return Section(
        heading,
        "",
        figures.curves(
            cells.rename(columns={"radius": x}),
            x,
            "prior",
            title=heading,
            label=label,
            references={"real digits": rows[f"real/{measure}"].mean()},
        ),
        caption=f"{NUM} directions a run; means over {rows.seed.nunique()} seeds with intervals "
        "of 95 %.",
    )


def _digits(rows):
    """How many digits there are at a radius: what 0 lies between."""
    counts = {
        f"at {radius:g}": np.exp(
            _entropy(rows[[f"radius {radius:g}/share_{d}" for d in range(CLASSES)]])
        )
        for radius in RADII
    }
    table = rows[["prior", "dimensions"]].assign(**counts)
    return Section(
        "Digits by radius",
        "The effective number of different digits (the exponential of the entropy of the shares) "
        "among the images at a distance from 0, meaningful or not: 1 at 0 itself, at most 10.",
        table=table.groupby(["prior", "dimensions"], sort=False).mean().reset_index(),
        caption=f"Means over {rows.seed.nunique()} seeds.",
    )


def _entropy(shares):
    shares = shares.to_numpy()
    return -np.sum(shares * np.log(np.where(shares > 0, shares, 1)), axis=1)


def _visited():
    """How likely a prior's latent is near 0."""
    chances = {
        "normal": lambda n, radius: chi2.cdf(n * radius**2, n),
        "uniform": lambda n, radius: 10 ** (log10_ball(n, radius * np.sqrt(n / 3))) / 2**n,
        "sphere": lambda n, radius: 0.0,
    }
    rows = [
        (prior, n, *(chance(n, radius) for radius in (0.1, 0.3, 0.5)))
        for (prior, chance), n in itertools.product(chances.items(), DIMENSIONS)
    ]
    columns = ["prior", "dimensions", "within 0.1", "within 0.3", "within 0.5"]
    return Section(
        "How often a latent is near 0",
        "The probability of a latent within so much of the typical length from 0: what a GAN makes "
        "of latents that are never drawn has no part in its training.",
        table=pd.DataFrame(rows, columns=columns),
        caption="Exact, but for balls that reach out of the uniform prior's cube: at most so much.",
    )


def exhibit(folders):
    """What the generators make at 0, near it, far from it, and on the way."""
    spaces = {}  # by setting, one a seed
    for folder in folders.values():
        space = latent.load(folder)
        spaces.setdefault(f"{space.prior.distribution}, {space.prior.noise}", []).append(space)
    first = {name: some[0] for name, some in spaces.items()}
    at_zero = {
        name: np.concatenate([render(one, np.zeros((1, one.prior.noise))) for one in some])
        for name, some in spaces.items()
    }
    sheet_of = {
        "At 0": ("One image a seed.", at_zero),
        f"Within {NEAR} of the typical length": (
            "Of seed 0.",
            _made(first, lambda one: maps.in_ball(SHOWN, one.prior.noise, NEAR * _typical(one))),
        ),
        "Typical": ("Of seed 0.", _made(first, lambda one: np.asarray(one.draw(SHOWN).z))),
        "From 0 outwards": (
            f"Of seed 0, in one direction, to 2 times the typical length: {RADII}.",
            _made(first, _outwards),
        ),
    }
    return [
        Section(heading, "", sheets.image_sheet(rows, title=heading), caption=caption)
        for heading, (caption, rows) in sheet_of.items()
    ]


def _made(spaces, latents):
    return {name: render(one, latents(one)) for name, one in spaces.items()}


def _typical(space):
    return maps.typical_radius(space.prior)


def _outwards(space):
    return np.outer(RADII, _typical(space) * maps.directions(np.asarray(space.draw(1).z)))

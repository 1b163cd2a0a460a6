"""How large a part of image space are digits?

    python -m gan_jax.sweep experiments/image_space.py

Claim C9: "Most of image space is meaningless; a tiny part is images, a smaller part digits."

Images are drawn in ways that know less and less of digits, and read as in `near_zero.py`: an
image is meaningful if the digit classifier is sure of it and it is near typical real digits in the
classifier's features (`gan_jax.latent.meaning`). Whether it is sure at all stands beside it: of
noise it mostly is.

- Uniform noise is image space itself: each pixel any shade. Its share of digits is the part of
  image space that digits take, and where none is found, the interval says how large it may be.
- Shuffled digits have the right shades in the wrong places; Gaussian images have the digits' mean
  and covariance.
- Held-out digits under growing noise, and halves of two digits, leave the digits step by step.
- A generator's images: of latents, and of halfway points between two latents that are digits,
  against the halves, pixel by pixel, of the same two images.

Eight short runs (those of `near_zero.py` with the normal prior in 64 dimensions), each with draws
of its own.

What would refute it: more than 5 % of the images drawn without a generator are digits, or the
generator's images are not digits more often than those.
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.common import dimension, images
from experiments.common.readings import last
from experiments.common.sentences import number, percent
from experiments.common.verdicts import verdict_of
from gan_jax import latent
from gan_jax.data.embedded import mnist_digits
from gan_jax.latent import meaning, paths
from gan_jax.latent.render import render
from gan_jax.study import figures, sheets
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import Interval, interval, paired, share
from gan_jax.study.text import text

SEEDS = range(8)
NUM = 1_000
IN_A_CLOUD = 1_000  # images whose dimension is estimated; estimates depend on their number
DEVIATIONS = (0.1, 0.2, 0.3, 0.5, 0.8)  # of the noise, where a pixel goes from 0 to 1
REAL = "real digits"
DRAWN = ("uniform noise", "shuffled digits", "Gaussian images")
BETWEEN = {
    "halfway, pixels": "halves of two generated digits",
    "halfway, straight": "halfway on the straight line",
    "halfway, great circle": "halfway on the great circle",
}
KINDS = (
    *(*DRAWN, REAL, *(f"noise {one}" for one in DEVIATIONS)),
    *("halves of two different real digits", "generator", *BETWEEN),
)
RARE = 0.95  # share of images without meaning, from which on most of a space is meaningless
MARGIN = 0.05  # in share, by which the generator's images must be digits more often
PIXELS = 28 * 28
SHOWN = 12


class Pooled(NamedTuple):
    """Of images of a kind, the shares of which the classifier is sure, and that are digits."""

    sure: Interval
    meaningful: Interval


def get_config():
    """The short run of studies on latent space."""
    return images.brief()


def sweep(add):
    """The seeds."""
    for seed in SEEDS:
        add(seed=seed)


def draws(space, seed):
    """Images by name, all uint8 `[N, 28, 28, 1]`, as the docstring above has them."""
    rng, digits = np.random.default_rng(seed), mnist_digits()
    flat = digits.train.reshape(-1, PIXELS)
    gaussian = rng.multivariate_normal(flat.mean(axis=0), _covariance(), NUM, method="eigh")
    pairs = rng.permuted(np.tile(np.arange(len(digits.test)), (2, 1)), axis=1)
    pairs = pairs[
        :, digits.test_conditions["label"][pairs[0]] != digits.test_conditions["label"][pairs[1]]
    ]
    return {
        DRAWN[0]: rng.integers(256, size=(NUM, 28, 28, 1), dtype=np.uint8),
        DRAWN[1]: _shades(rng.permuted(flat[rng.permutation(len(flat))[:NUM]], axis=1)),
        DRAWN[2]: _shades(gaussian),
        REAL: digits.test,
        **{
            f"noise {deviation}": _shades(
                digits.test + 255 * deviation * rng.standard_normal(digits.test.shape)
            )
            for deviation in DEVIATIONS
        },
        "halves of two different real digits": _shades(digits.test[pairs].mean(axis=0)),
        **_generated(space),
    }


def _generated(space):
    """Images of the prior's latents, and those halfway between two that are digits."""
    z = np.asarray(space.draw(2 * NUM).z)
    made = render(space, z)
    meant = meaning.read_digits(made)
    good = np.flatnonzero(meant.meaningful)
    one, other = good[: len(good) // 2], good[len(good) // 2 : 2 * (len(good) // 2)]
    different = meant.kind[one] != meant.kind[other]
    one, other = one[different], other[different]
    half = np.array([0.5])
    ways = {name: way(z[one], z[other], half)[:, 0] for name, way in _WAYS.items()}
    return {
        "generator": made[:NUM],
        "halfway, pixels": _shades((made[one] + made[other].astype(float)) / 2),
        **{name: render(space, np.asarray(way)) for name, way in ways.items()},
    }


_WAYS = {"halfway, straight": paths.linear, "halfway, great circle": paths.spherical}


@functools.cache
def _covariance():
    return np.cov(mnist_digits().train.reshape(-1, PIXELS).T)


def _shades(values):
    """Numbers 0 to 255 and beyond as images."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8).reshape(-1, 28, 28, 1)


def probe(folder):
    """How many of each kind of image are digits, and how many dimensions the clouds have."""
    space = latent.load(folder)
    found = {}
    for name, drawn in draws(space, space.config.seed).items():
        meant = meaning.read_digits(drawn)
        found[f"{name}/meaningful"] = float(np.mean(meant.meaningful))
        found[f"{name}/sure"] = float(np.mean(meant.confidence >= meaning.SURE))
        found[f"{name}/num"] = float(len(drawn))
    rng = np.random.default_rng(space.config.seed)
    clouds = {
        REAL: rng.permutation(mnist_digits().train)[:IN_A_CLOUD],
        "generator": render(space, np.asarray(space.draw(IN_A_CLOUD).z)),
        "uniform noise": rng.integers(256, size=(IN_A_CLOUD, PIXELS)),
    }
    for name, cloud in clouds.items():
        points = cloud.reshape(IN_A_CLOUD, -1) / 255
        found |= {f"{name}/{way}": float(of(points)) for way, of in _DIMENSIONS.items()}
    return found


_DIMENSIONS = {
    "PCA, 95 %": dimension.linear,
    "Levina-Bickel": dimension.maximum_likelihood,
    "TwoNN": dimension.two_nearest,
}


def report(results):
    """The part of image space that digits take."""
    rows = last(results[results.diverged_at < 0]).set_index("seed")
    shares = {name: pooled(rows, name) for name in KINDS}
    verdict = verdict_of(_meaningless(rows), _smaller(rows), margin=MARGIN, each="comparison")
    noise, shuffled, gaussian, real, made = (
        shares[name].meaningful for name in (*DRAWN, REAL, "generator")
    )
    return Report(
        title="How much of image space is digits",
        question="How large a part of image space are digits?",
        claim=Claim(
            "C9",
            "Most of image space is meaningless; a tiny part is images, a smaller part digits.",
        ),
        refuted_by=f"More than {percent(1 - RARE)} of the images drawn without a generator are "
        "digits, or the generator's images are not digits more often than those.",
        answer=f"Most of image space is meaningless {verdict.where}: {number(noise, '%')} of the "
        f"images drawn uniformly at random are digits, against {percent(made.estimate)} of a "
        "generator's.",
        status=verdict.status,
        details=f"{noise.num:,} images were drawn uniformly. Of shuffled digits "
        f"{percent(shuffled.estimate)} are digits, of Gaussian images with the digits' mean and "
        f"covariance {percent(gaussian.estimate)}, of real held-out ones {percent(real.estimate)}. "
        f"The claim is that at most {percent(1 - RARE)} of the images drawn without a generator "
        f"are digits, and that the generator's share is higher by more than {percent(MARGIN)}. "
        f"{verdict.rest}\n\nNothing here decides what is an image without being a digit.",
        sections=[
            _parts(shares),
            verdict.section(
                "Where the claim holds",
                f"By seed: 1 minus the share of digits, minus {RARE - MARGIN:g}, for images drawn "
                "without a generator; and the generator's share minus theirs. The claim holds "
                f"where that is more than {MARGIN}.",
            ),
            _halfway(rows, shares),
            _dimensions(rows),
            _volume(shares),
        ],
    )


def pooled(rows, name):
    """The shares of one kind of image, over all runs, with their intervals.

    Images drawn without a generator are independent; those of one generator are not, and of them
    the runs count. The held-out digits are the same in all.
    """
    some = rows[:1] if name == REAL else rows

    def of(measure):
        values, num = some[f"{name}/{measure}"], some[f"{name}/num"]
        if name == "generator" or name.startswith("halfway"):
            return interval(values, bounds=(0, 1))
        return share(round((values * num).sum()), int(num.sum()))

    return Pooled(of("sure"), of("meaningful"))


def _meaningless(rows):
    """Shares without meaning of images drawn without a generator."""
    lost = {f"{name}: no digits": 1 - rows[f"{name}/meaningful"] for name in DRAWN}
    return {name: paired(one, 0 * one + RARE - MARGIN) for name, one in lost.items()}


def _smaller(rows):
    """By how much the generator's images are digits more often."""
    return {
        f"generator over {name}": paired(rows["generator/meaningful"], rows[f"{name}/meaningful"])
        for name in DRAWN
    }


def _parts(shares):
    cells = pd.DataFrame(
        [
            (name, kind, *found)
            for name, both in shares.items()
            for kind, found in zip(("a sure classifier", "digits"), both, strict=True)
        ],
        columns=["images", "criterion", *Interval._fields],
    )
    return Section(
        "Which images are digits",
        "A sure classifier is confident by 0.95 or more. Digits are also near typical real digits "
        "in its features, as 0.77 of real held-out digits are. That is stricter than the eye, "
        "which reads digits under noise of deviation 0.5 too: a digit here is like the data's.",
        figures.points(
            cells,
            "images",
            "criterion",
            title="Share of images that are digits, and that a classifier is sure of",
            label="share",
        ),
        cells,
        "Intervals of 95 %: Clopper and Pearson's; of what a generator made, that of the mean "
        "over runs, whose number is told then.",
    )


def _halfway(rows, shares):
    means = ", ".join(
        f"{words}: {text(shares[name].meaningful.estimate, 2)}" for name, words in BETWEEN.items()
    )
    gain = paired(*(rows[f"halfway, {way}/meaningful"] for way in ("great circle", "pixels")))
    return Section(
        "Between two digits",
        f"Of two generated images that are different digits, what is halfway is a digit so often: "
        f"{means}. The great circle's share minus the pixels': {gain.difference} "
        f"(p = {text(gain.p_value, 2)}).",
    )


def _dimensions(rows):
    clouds = (REAL, "generator", DRAWN[0])
    table = pd.DataFrame(
        [
            {"images": cloud} | {way: rows[f"{cloud}/{way}"].mean() for way in _DIMENSIONS}
            for cloud in clouds
        ]
    )
    return Section(
        "Dimensions",
        f"Of {PIXELS} there are: principal axes that hold 95 % of the variance, and two estimates "
        "of the intrinsic dimension from the distances to neighbours. In many dimensions these "
        "are far too low, as uniform noise shows, which has all of them: they compare clouds.",
        table=table,
        caption=f"{IN_A_CLOUD:,} images each; means over {len(rows)} seeds.",
    )


def _volume(shares):
    """How large a part of image space the digits and all their noisy versions can take at most."""
    pixels = mnist_digits().train.reshape(-1, PIXELS) / 255
    variances = np.linalg.eigvalsh(np.cov(pixels.T))
    real = shares[REAL].meaningful.estimate
    table = pd.DataFrame(
        [
            {
                "deviation of the noise": deviation,
                "still digits, of real ones": left / real,
                "volume, log10, at most": dimension.log10_gaussian(variances + deviation**2),
            }
            for deviation in DEVIATIONS
            for left in [shares[f"noise {deviation}"].meaningful.estimate]
        ]
    )
    return Section(
        "The volume of digits",
        "A distribution takes a volume whose logarithm is its entropy, and none with the digits' "
        "covariance has a larger one than the Gaussian. So digits under noise, before it is cut "
        "off at black and white, take at most the volume below; that of all images is 1. Noise "
        "that leaves most of them digits leaves them a vanishing part of image space; where the "
        "bound is above 0 it says nothing, and the images counted above have to do. What else may "
        "be read as a digit is not bounded.",
        table=table,
    )


def exhibit(folders):
    """Some of each kind of image, of the first run."""
    space = latent.load(next(iter(folders.values())))
    drawn = draws(space, space.config.seed)
    rows = {name: some[:SHOWN] for name, some in drawn.items() if len(some) >= SHOWN}
    return [
        Section(
            "The images",
            "",
            sheets.image_sheet(rows, title="What is read"),
            caption="The first of each kind, of the run of seed 0.",
        )
    ]

"""How near do latents come to an image, and how fast are they found?

Claim I1: Gauss-Newton reaches the error of 500 Adam steps with 4 restarts at least three times
faster.

    python -m experiments.latent.inversion --workdir=runs/mnist --out=DIR

1,000 images, 500 held-out ones of the run's data and 500 that the generator made itself, are
inverted in blocks; in each block all methods run one after another, the first one first in every
other block. All are compiled before. Adam has the rate that is best of three on 32 other images;
the others run as they are shipped. The claim is put to the test for both ways to solve the normal
equations, and refuted for one that is less than three times faster on the median block or ends
with a higher mean error on the 1,000. Gauss-Newton starts from better latents than Adam's draws of
the prior, so Adam from a better start takes part too: that says what is the start's merit.

How near the latents come to held-out images is "inference via optimization" (Metz et al.,
"Unrolled Generative Adversarial Networks", 2017, arXiv:1611.02163): what a generator
can't make is what it has dropped. It is compared with images that it certainly can make, which is
the floor, and with the nearest training image.
"""

import time
from typing import NamedTuple

import numpy as np
import pandas as pd

from configs import mnist_encoder
from experiments.common import of_run
from experiments.common.sentences import number
from gan_jax import data
from gan_jax.examples import IMAGE
from gan_jax.latent import encoder, files
from gan_jax.latent.inversion import Inversion, invert
from gan_jax.latent.render import synthesize
from gan_jax.metrics.neighbours import squared_nearest
from gan_jax.study import figures, sheets
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import interval, paired
from gan_jax.study.text import text

EACH = 500  # images of each kind
BLOCK = 125  # images; as many of both kinds as there are
TUNED = 32  # images
RATES = (0.1, 0.2, 0.4)
FASTER = 3.0  # times
SHOWN = 12  # images
BUDGETS = {"adam": (25, 50, 100, 200, 500), "gauss_newton": (2, 5, 10, 20)}
BUDGETS["gauss_newton_cg"] = (3, 6, 12, 25, 50)

ADAM, EXACT, KRYLOV = "Adam", "Gauss-Newton, exact", "Gauss-Newton, CG"
NEAR, ENCODED_ADAM = "Adam, nearest", "Adam, encoder"
ENCODED_EXACT, ENCODED = "Gauss-Newton, exact, encoder", "Gauss-Newton, CG, encoder"
WAYS = {  # method, and a start other than its own
    ADAM: ("adam", None),
    NEAR: ("adam", "nearest"),
    ENCODED_ADAM: ("adam", "encoder"),
    EXACT: ("gauss_newton", None),
    KRYLOV: ("gauss_newton_cg", None),
    ENCODED_EXACT: ("gauss_newton", "encoder"),
    ENCODED: ("gauss_newton_cg", "encoder"),
}
CONTEST = (ADAM, NEAR, ENCODED_ADAM, EXACT, KRYLOV, ENCODED)
ALIKE = {KRYLOV: NEAR, ENCODED: ENCODED_ADAM}  # Gauss-Newton, and Adam from the same kind of start
HELD_OUT, OWN = "held-out real", "its own"


class Images(NamedTuple):
    """Images to invert.

    Attributes:
        x: `[N, ...]`.
        labels: `[N]`, or None.
        encoded: What the encoder makes of them, `[N, 1, L]`.
    """

    x: np.ndarray
    labels: np.ndarray | None
    encoded: np.ndarray

    def rows(self, rows):
        """Some of them."""
        return Images(*(None if leaf is None else leaf[rows] for leaf in self))


def report(space):
    """Tune, race, and look at what was found."""
    trained, encode = _encoder(space)
    dataset = data.load(space.config.data)
    real = files.read(space, f"test:{min(EACH, len(dataset.test))}")
    images, kinds = _together(space, encode, real, first=0)
    others, _ = _together(space, encode, _training(space, dataset, TUNED // 2), first=EACH)
    rates = {rate: _run(space, others, ADAM, rate=rate).error.mean() for rate in RATES}
    rate = min(rates, key=rates.get)
    found, seconds = _race(space, images, rate)
    verdicts = {name: _verdict(found, seconds, name, ADAM) for name in CONTEST[1:]}
    held = [verdicts[name]["holds"] for name in (EXACT, KRYLOV)]
    return Report(
        title="From an image to its latent",
        question="How near do latents come to an image, and how fast are they found?",
        claim=Claim(
            "I1",
            "Gauss-Newton reaches the error of 500 Adam steps with 4 restarts at least three times "
            "faster.",
        ),
        refuted_by=f"On the median block it is less than {FASTER:g} times faster, or its mean "
        "error on all images is higher.",
        answer=answer(verdicts, len(images.x)),
        status="confirmed" if all(held) else "only when" if any(held) else "refuted",
        details=_details(found, seconds),
        sections=[
            _contest(found, seconds, verdicts, rates, trained),
            *_curves(space, others, rate),
            _protocol(space, dataset, found, kinds, real),
            _found(space, found, kinds, encode),
            *_pictures(space, images, kinds, found),
        ],
    )


def _encoder(space):
    """The seconds that an encoder's training takes, and the encoder."""
    started, config = time.monotonic(), mnist_encoder.get_config()
    variables = encoder.train(space, config, lambda step, errors: None)
    return time.monotonic() - started, encoder.as_function(space, config, variables)


def _training(space, dataset, num):
    """Training images, as `files.read` gives held-out ones."""
    x, labels = dataset.train[-num:], dataset.train_conditions["label"]
    return IMAGE.to_model(x), labels[-num:] if space.prior.classes else None


def _together(space, encode, real, first):
    """Real images and as many of the generator's own in alternation, and of which kind each is."""
    x, labels = real
    draw = space.draw(len(x), seed=1, first=first)
    made = synthesize(space.generate, draw.z, draw.labels)
    alternating = np.arange(2 * len(x)).reshape(2, -1).T.ravel()
    x = np.concatenate([x, made])[alternating]
    if labels is not None:
        labels = np.concatenate([labels, draw.labels])[alternating]
    kinds = np.array([HELD_OUT, OWN])[alternating // len(real[0])]
    return Images(x, labels, encoder.starts(encode, x)), kinds


def _run(space, images, name, **settings):
    """What one of `WAYS` finds, from one start where that is not the method's own."""
    method, start = WAYS[name]
    restarts = 1 if start else None
    start = images.encoded if start == "encoder" else start
    settings |= {"method": method, "start": start, "restarts": restarts}
    return invert(space.generate, space.prior, images.x, images.labels, **settings)


def _race(space, images, rate):
    """What each finds, and the seconds an image of its blocks."""
    found, seconds = {name: [] for name in CONTEST}, {name: [] for name in CONTEST}
    blocks = np.split(np.arange(len(images.x)), range(BLOCK, len(images.x), BLOCK))
    for name in CONTEST:
        _run(space, images.rows(blocks[0]), name, steps=1)  # compiles
    for place, rows in enumerate(blocks):
        for name in CONTEST[:: -1 if place % 2 else 1]:
            began = time.perf_counter()
            found[name].append(_run(space, images.rows(rows), name, rate=rate))
            seconds[name].append((time.perf_counter() - began) / len(rows))
    whole = {
        name: Inversion(*map(np.concatenate, zip(*blocks, strict=True)))
        for name, blocks in found.items()
    }
    return whole, {name: np.array(blocks) for name, blocks in seconds.items()}


def _verdict(found, seconds, name, other):
    """How many times faster one is than another, and whether that is fast and near enough."""
    ratios = seconds[other] / seconds[name]
    near = found[name].error.mean() <= found[other].error.mean()
    return {
        "ratio": interval(ratios, np.median),
        "near": near,
        "holds": near and np.median(ratios) >= FASTER,
    }


def answer(verdicts, num):
    """The first sentence, from the verdicts on both ways to solve the normal equations."""
    (krylov, krylov_error), (exact, exact_error) = (
        (number(one["ratio"], "times"), "no higher error" if one["near"] else "a higher error")
        for one in (verdicts[KRYLOV], verdicts[EXACT])
    )
    return (
        f"On {num:,} images Gauss-Newton by conjugate gradients is {krylov} as fast as 500 steps "
        f"of Adam with 4 restarts, with {krylov_error}; by exact normal equations it is {exact} as "
        f"fast, with {exact_error}."
    )


def _details(found, seconds):
    errors = {name: text(of.error.mean()) for name, of in found.items()}
    left = ", ".join(f"{errors[name]} ({name})" for name in (ADAM, EXACT, KRYLOV))
    controls = "; ".join(
        f"{name} leaves {errors[name]} and is "
        f"{number(_verdict(found, seconds, name, other)['ratio'], 'times')} as fast as {other}, "
        f"which leaves {errors[other]}"
        for name, other in ALIKE.items()
    )
    return (
        f"The claim is that it is at least {FASTER:g} times as fast on the median block of images, "
        f"and its mean squared error no higher. That error is {left}.\n\nA part of the speed is "
        f"the better start: {controls}."
    )


def _contest(found, seconds, verdicts, rates, trained):
    rows = [
        {
            "method": name,
            "ms an image": 1000 * np.median(seconds[name]),
            "mean squared error": of.error.mean(),
            "of the worst 5 %": np.sort(of.error)[-len(of.error) // 20 :].mean(),
            "lower than Adam's": float(np.mean(of.error < found[ADAM].error)),
            "times faster": str(verdicts[name]["ratio"]) if name in verdicts else "",
            "mean length of z": np.linalg.norm(of.z, axis=1).mean(),
        }
        for name, of in found.items()
    ]
    tried = ", ".join(f"{rate:g}: {text(error)}" for rate, error in rates.items())
    num = len(found[ADAM].error)
    return Section(
        f"{num:,} inversions by each",
        f"Adam's error by its rate on {TUNED} other images: {tried}. Training the encoder took "
        f"{trained:.0f} s, {1000 * trained / num:.0f} ms an image if it is used for these only; it "
        "is not counted in the table. Adam, nearest, and all that start from the encoder have one "
        "start; Adam's rate is the one found for four draws. Latents of the prior have a length of "
        "about the square root of their number.",
        table=pd.DataFrame(rows),
        caption=f"Medians over {len(seconds[ADAM])} blocks; ratios are within a block, with 95 % "
        "intervals. Images are in [-1, 1].",
    )


def _curves(space, images, rate):
    """Error against time, with and without the encoder's start."""
    rows = []
    for name, (method, _) in WAYS.items():
        _run(space, images, name, steps=1)
        for steps in BUDGETS[method]:
            began = time.perf_counter()
            found = _run(space, images, name, steps=steps, rate=rate)
            taken = 1000 * (time.perf_counter() - began) / len(images.x)
            rows.append((name, taken, *interval(found.error)))
    columns = ["method", "ms an image", "estimate", "low", "high", "num"]
    yield Section(
        "Error against time",
        "Each dot of a line is a search with another number of steps from its beginning: "
        f"{BUDGETS['adam']} of Adam, {BUDGETS['gauss_newton']} of exact Gauss-Newton and "
        f"{BUDGETS['gauss_newton_cg']} with conjugate gradients. Unless a line says otherwise Adam "
        "starts from four draws of the prior, exact Gauss-Newton from the nearest of 4,096 draws, "
        "and the other from the nearest three, the best of which goes on after six steps. The "
        "4,096 are drawn once for all images, here for few: that is what these lines begin with.",
        figures.curves(
            pd.DataFrame(rows, columns=columns),
            "ms an image",
            "method",
            title="What is left after how long",
            label="mean squared error",
            x_scale="log",
            y_scale="log",
        ),
        caption=f"Means over {len(images.x)} images, half of them real training images, half the "
        "generator's own; bands are 95 % intervals over images.",
    )


def _protocol(space, dataset, found, kinds, real):
    """Inference via optimization, with its floor and what copying reaches."""
    lowest = np.min([of.error for of in found.values()], axis=0)
    training = IMAGE.to_model(dataset.train).reshape(len(dataset.train), -1)
    flat = real[0].reshape(len(real[0]), -1)
    copied = squared_nearest(flat, training, 1, 250)[:, 0] / flat.shape[1]
    seen = _training(space, dataset, len(flat) // 2)
    images = Images(*seen, np.zeros(0))
    errors = {
        "held-out real images": lowest[kinds == HELD_OUT],
        "the same by CG alone": found[KRYLOV].error[kinds == HELD_OUT],
        "training images, by CG alone": _run(space, images, KRYLOV).error,
        "its own images: the floor": lowest[kinds == OWN],
        "its own by CG alone": found[KRYLOV].error[kinds == OWN],
        "held-out: nearest training image": copied,
    }
    cells = pd.DataFrame(
        [(name, *interval(of), np.median(of), of.max()) for name, of in errors.items()],
        columns=["images", "estimate", "low", "high", "num", "median", "highest"],
    )
    differences = paired(copied, lowest[kinds == HELD_OUT])
    return Section(
        "Inference via optimization",
        "The mean squared error that is left, of the best of all methods where nothing else is "
        "said. Images that the generator has made have an error of 0 somewhere: what is left of "
        "them is what the search fails to find. A held-out image is nearer to the generator's "
        f"images than to the nearest of {len(training):,} training images by "
        f"{differences.difference} (p = {text(differences.p_value)}).",
        figures.points(
            cells,
            "images",
            title="How near the generator comes",
            label="mean squared error",
            x_scale="log",
        ),
        cells.rename(columns={"estimate": "mean", "num": "images of it"}),
        caption="Means with intervals of 95 % over images.",
    )


def _found(space, found, kinds, encode):
    """How many were not found, and whether what nobody can find is said to be."""
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (32, *space.shape)).astype(np.float32)
    some = files.read(space, "test:32")
    strange = {"noise": (noise, some[1]), "negatives of digits": (-some[0], some[1])}
    rows = [
        {"images": kind, "method": name, "not found": int(np.sum(~of.converged[kinds == kind]))}
        | {"of": int(np.sum(kinds == kind))}
        for kind in (HELD_OUT, OWN)
        for name, of in found.items()
    ]
    for kind, (x, labels) in strange.items():
        images = Images(x, labels, encoder.starts(encode, x))
        of = _run(space, images, KRYLOV)
        rows.append({"images": kind, "method": KRYLOV, "not found": int(np.sum(~of.converged))})
        rows[-1]["of"] = len(x)
    return Section(
        "What is not found",
        "An image counts as found if at most a tenth of its squared distance from the mean of the "
        "generator's images is left. That says that the latent is good enough to use, not that "
        "no better one exists.",
        table=pd.DataFrame(rows),
    )


def _pictures(space, images, kinds, found):
    """Real images, what each makes of them, and the worst cases."""
    held = np.flatnonzero(kinds == HELD_OUT)
    worst = held[np.argsort(-np.min([of.error[held] for of in found.values()], axis=0))]
    for heading, rows in (("Held-out images", held), ("The worst held-out images", worst)):
        rows = rows[:SHOWN]
        labels = None if images.labels is None else images.labels[rows]
        shown = {"real": images.x[rows]}
        shown |= {
            name: synthesize(space.generate, of.z[rows], labels) for name, of in found.items()
        }
        shown = {name: np.asarray(IMAGE.to_data(of)) for name, of in shown.items()}
        yield Section(
            heading,
            "",
            sheets.image_sheet(shown, title=heading),
            caption=f"{SHOWN} of {len(held)}, and what their latents make.",
        )


if __name__ == "__main__":
    of_run.study(report)

"""Do neighbouring latent points give similar images?

    python -m gan_jax.sweep experiments/neighbours.py --parallel=2

Claim C8: "Neighbouring latent points give similar images."

Eight short runs on the embedded digits. Latents are turned on their sphere by angles from 0 to 90
degrees, so that every one of them is as typical as the others; the images are compared with those
of independent samples (whose latents are at about 90 degrees) and with real digits. Neighbours are
at 10 degrees, an eighth of the distance between independent latents. The claim is tried in five
ways: the mean pair of neighbours, and the worst but one in a hundred, is at most half as far apart
as independent samples, by pixels and by the digit classifier's features; and neighbours are the
same digit more often, by half of all pairs.

What would refute it: the relative distance is above a half, and the share of pairs of the same
digit higher by less than a half, in all five.

A generator before training stands beside: what it keeps together, training need not have taught.
The converse, that similar images have neighbouring latents, is measured apart and does not count.
"""

from functools import partial

import numpy as np
import pandas as pd
from jax.tree_util import Partial
from ml_collections import ConfigDict

from experiments.common import images
from experiments.common.neighbourhoods import (
    VIEWS,
    Seen,
    apart,
    make_look,
    ranks,
    reverse,
    same,
    turned,
    turns,
    units,
    walk,
)
from experiments.common.readings import last
from experiments.common.sentences import number
from experiments.common.verdicts import Verdict, verdict_of
from gan_jax import data, latent
from gan_jax.examples import IMAGE
from gan_jax.latent.digits import classifier
from gan_jax.metrics.classifier import embed
from gan_jax.metrics.neighbours import nearest
from gan_jax.run.restore import restore
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.sheets import image_sheet
from gan_jax.study.statistics import by_cell, interval, paired

SEEDS = range(8)  # of six, no p-value could be corrected for five settings
ANGLES = (1, 2, 5, 10, 15, 20, 30, 45, 60, 75, 90)
NEIGHBOUR = 10  # degrees
MARGIN = 0.5
PAIRS = 2_000  # an angle
CIRCLES = 250  # walked along in steps of a degree
SAMPLES, ASKED = 10_000, 2_000  # independent ones, and how many look for their nearest
SHOWN = 12  # images a row

WAYS = {
    "mean pair, pixels": "pixels",
    "mean pair, features": "features",
    "worst in a hundred, pixels": "pixels_worst",
    "worst in a hundred, features": "features_worst",
}


def get_config() -> ConfigDict:
    """The default pair on the embedded digits, long enough for digits that can be told."""
    config = images.short()
    config.train.steps = 2_400
    config.eval.diagnostics = False
    return config


def sweep(add) -> None:
    """The same run with other seeds."""
    for seed in SEEDS:
        add(seed=seed)


def probe(folder) -> dict[str, float]:
    """What is measured of a run's latent space."""
    space = latent.load(folder)
    read = classifier(space)
    look = make_look(space.generate, read)
    z, towards = space.draw(PAIRS).z, space.draw(PAIRS, first=PAIRS).z
    z, towards = np.asarray(z), np.asarray(towards)
    still, other = look(z), look(towards)
    unit = units(still, other)
    degrees = np.random.default_rng(0).uniform(0, 90, PAIRS)
    before = turns(make_look(_untrained(folder, space), read), z, towards, ANGLES)
    return {
        **{f"independent/{view}": distance for view, distance in unit.items()},
        "independent/same_digit": same(still, other),
        **_real(space.config, unit),
        **turns(look, z, towards, ANGLES),
        **{f"untrained_{name}": value for name, value in before.items()},
        **ranks(look, z, towards, degrees),
        **walk(look, z[:CIRCLES], towards[:CIRCLES], step=1),
        **reverse(look, np.asarray(space.draw(SAMPLES).z), ASKED),
    }


def _untrained(folder, space) -> Partial:
    """The run's generator as it was before the first round."""
    trained = restore(folder, beside=())
    state = trained.setup.first_state()
    return Partial(space.generate.func, state.generator.variables)


def _real(config: ConfigDict, unit: dict[str, float]) -> dict[str, float]:
    """The same distances between real digits: held-out ones and training ones."""
    dataset, found = data.load(config.data), {}
    train, test = (_seen(digits) for digits in (dataset.train, dataset.test))
    labels, own = dataset.train_conditions["label"], dataset.test_conditions["label"]
    rows = np.random.default_rng(0).permutation(len(labels))[: len(own)]
    for view in VIEWS:
        closest = nearest(getattr(test, view), getattr(train, view))
        for name, partner in (("nearest", closest), ("random", rows)):
            pairs = apart(test, Seen(*(part[partner] for part in train)))
            found[f"real_{name}/{view}"] = float(pairs[view].mean() / unit[view])
        found[f"real_nearest/{view}_same_digit"] = float(np.mean(labels[closest] == own))
    return found


def _seen(digits: np.ndarray) -> Seen:
    features, probabilities = embed(digits)
    pixels = digits.reshape(len(digits), -1) / np.float32(127.5) - 1
    return Seen(pixels, features, probabilities.argmax(axis=1))


def report(results: pd.DataFrame) -> Report:
    """The verdict on how much nearer the images of neighbours are than independent ones."""
    rows = last(results)
    found = gains(rows)
    verdict = verdict_of(found, margin=MARGIN, each="measure")
    return Report(
        title="Neighbouring latents",
        question="Do neighbouring latent points give similar images?",
        claim=Claim("C8", "Neighbouring latent points give similar images."),
        refuted_by="At 10 degrees images are more than half as far apart as independent ones, in "
        "the mean and in the worst pair but one in a hundred, and the same digit is more frequent "
        "by less than half of all pairs.",
        answer=f"Images of latents {NEIGHBOUR} degrees apart are similar {verdict.where}: by "
        f"pixels they are {number(found['mean pair, pixels'].difference, '%')} closer to one "
        "another than images of independent latents.",
        status=verdict.status,
        details="The claim is that more than half of the distance between independent images is "
        "gone, in the mean pair and in the worst in a hundred, by pixels and by a classifier's "
        "features, and that the share of pairs of the same digit is higher by more than a half. "
        f"{verdict.rest}\n\n{_besides(rows)}",
        sections=[
            _tried(verdict),
            *(_curves(rows, view) for view in VIEWS),
            _digits(rows),
            _tears(rows),
            _reversed(rows),
        ],
    )


def gains(rows: pd.DataFrame) -> dict:
    """How much of the distance is gone between neighbours, and how many more are one digit.

    A run that diverged has gained nothing.
    """
    at, found = f"turn_{NEIGHBOUR}/", {}
    rows = rows.set_index("seed")
    gained = {way: 1 - rows[f"{at}{name}"] for way, name in WAYS.items()}
    gained["the same digit"] = rows[f"{at}same_digit"] - rows["independent/same_digit"]
    for way, gain in gained.items():
        found[way] = paired(gain, 0 * gain.fillna(0), fill=0)
    return found


def _mean(rows: pd.DataFrame, name: str) -> float:
    return float(rows[name].mean())


def _besides(rows: pd.DataFrame) -> str:
    say = partial(_mean, rows)
    return (
        "No step of a degree changes an image by more than "
        f"{rows['jump_max/pixels'].max():.2f} of the distance between independent ones (by "
        f"features {rows['jump_max/features'].max():.2f}). The converse does not hold so: the "
        f"latents of a sample and of the most similar of {SAMPLES:,} others are "
        f"{say('reverse_angle/pixels'):.0f} degrees apart in the mean (by features "
        f"{say('reverse_angle/features'):.0f}), where chance gives 90 and the nearest latent is "
        f"at {say('nearest_angle'):.0f}."
    )


def _tried(verdict: Verdict) -> Section:
    return verdict.section(
        f"At {NEIGHBOUR} degrees",
        "The share of the distance between independent samples that is gone between neighbours, of "
        "the mean pair and of the worst but one in a hundred; and how much larger the share of "
        "pairs of the same digit is. The claim holds where it is above a half.",
    )


def _long(rows: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """One row a trial, angle and measure; `names` are columns with {} for the angle."""
    parts = [
        rows[["trial"]].assign(angle=angle, what=what, value=rows[name.format(angle)])
        for what, name in names.items()
        for angle in ANGLES
    ]
    return pd.concat(parts).dropna()


def _curves(rows: pd.DataFrame, view: str) -> Section:
    names = {
        "worst in a hundred": f"turn_{{}}/{view}_worst",
        "mean pair": f"turn_{{}}/{view}",
        "mean pair, untrained": f"untrained_turn_{{}}/{view}",
    }
    cells = by_cell(_long(rows, names), ["what", "angle"], "value", bounds=(0, np.inf))
    shown = figures.curves(
        cells.rename(columns={"angle": "angle between the latents, degrees", "what": "pairs"}),
        "angle between the latents, degrees",
        "pairs",
        title=f"Distance of images by the angle of their latents: {view}",
        label="distance, independent samples are 1",
        references={
            "nearest real digits": _mean(rows, f"real_nearest/{view}"),
            "independent samples": 1.0,
        },
    )
    return Section(
        f"Distance by angle: {view}",
        "Each image against the one of its latent turned by so much. The lower line is the mean "
        "distance of a held-out digit to the nearest training digit: images nearer than that are "
        "more alike than a real digit and the one most like it usually are. Random real digits are "
        f"{_mean(rows, f'real_random/{view}'):.2f} apart. An untrained generator's distances are "
        "shares of that of its own independent images.",
        shown,
        caption=f"{PAIRS:,} pairs an angle; means over {rows.seed.nunique()} seeds, 95 % bands.",
    )


def _digits(rows: pd.DataFrame) -> Section:
    long = _long(rows, {"same digit": "turn_{}/same_digit"})
    cells = by_cell(long, ["what", "angle"], "value", bounds=(0, 1))
    cells = cells.rename(columns={"angle": "angle, degrees", "estimate": "same digit"})
    chance = _mean(rows, "independent/same_digit")
    real = _mean(rows, "real_nearest/pixels_same_digit")
    return Section(
        "The same digit",
        f"The share of pairs that the classifier takes for the same digit. Of independent samples "
        f"it is {chance:.3f}; of held-out digits {real:.3f} have the label of their nearest "
        "training digit by pixels.",
        table=cells.drop(columns="what"),
        caption=f"Means over {rows.seed.nunique()} seeds, 95 % intervals.",
    )


def _tears(rows: pd.DataFrame) -> Section:
    found = []
    for view in VIEWS:
        for what, name in {
            "steepest of 1,000 steps over the mean": "steep_999",
            "steepest step of all over the mean": "steep_max",
            "largest step, independent samples are 1": "jump_max",
            "largest tenth of a steepest step (even 0.1, torn 1)": "tear",
        }.items():
            found.append((view, what, *interval(rows[f"{name}/{view}"].dropna())))
    return Section(
        "Tears",
        f"Along {CIRCLES} quarters of great circles in steps of a degree. A network is continuous, "
        "but could be so steep that a small step changes the image as a whole: then the largest "
        "step would be near 1, and one tenth of it would have all of the change.",
        table=pd.DataFrame(found, columns=["view", "what", "mean", "low", "high", "seeds"]),
        caption="Means over seeds, 95 % intervals.",
    )


def _reversed(rows: pd.DataFrame) -> Section:
    found = []
    for view in VIEWS:
        for what, name in {
            "angle of the latents of nearest images, degrees": "reverse_angle",
            "share of latents that are nearer (chance 0.5)": "reverse_rank",
            "distance of nearest images, independent ones are 1": "reverse_distance",
            "distance of images of nearest latents": "forward_distance",
            "rank correlation, latents turned by 0 to 90 degrees": "rank_turned",
            "rank correlation, independent samples": "rank_independent",
        }.items():
            found.append((view, what, *interval(rows[f"{name}/{view}"].dropna())))
    return Section(
        "The converse",
        f"For each of {ASKED:,} samples the most similar image among {SAMPLES:,}: how far apart "
        "are the two latents? Were the converse of the claim true too, that angle would be as "
        f"small as the nearest latent's, {_mean(rows, 'nearest_angle'):.0f} degrees, or the share "
        "of nearer latents near 0. The rank correlations are those of latent and image distance.",
        table=pd.DataFrame(found, columns=["view", "what", "mean", "low", "high", "seeds"]),
        caption="Means over seeds, 95 % intervals.",
    )


def exhibit(folders) -> list[Section]:
    """Images of the first run: turned latents, and the nearest of many."""
    trial = min(folders)
    space = latent.load(folders[trial])
    return [_turned_sheet(space, trial), _nearest_sheet(space, trial)]


def _turned_sheet(space: latent.Space, trial: int) -> Section:
    z, towards = (np.asarray(space.draw(SHOWN, first=first).z) for first in (0, SHOWN))
    rows = {
        f"{angle}°": _shades(space, turned(z, towards, angle))
        for angle in (0, 5, 10, 20, 30, 45, 60, 90)
    }
    return Section(
        "What turning does",
        "Each column turns one latent towards another one, drawn independently.",
        image_sheet(rows, title="Images of turned latents"),
        caption=f"Trial {trial}.",
    )


def _nearest_sheet(space: latent.Space, trial: int) -> Section:
    look, z = make_look(space.generate, classifier(space)), np.asarray(space.draw(SAMPLES).z)
    seen, own = look(z), np.arange(SHOWN)
    ways = z / np.linalg.norm(z, axis=1, keepdims=True)
    partners = {
        "sample": own,
        "nearest latent": nearest(ways[:SHOWN], ways, own),
        "nearest by pixels": nearest(seen.pixels[:SHOWN], seen.pixels, own),
        "nearest by features": nearest(seen.features[:SHOWN], seen.features, own),
    }
    rows = {name: _shades(space, z[partner]) for name, partner in partners.items()}
    return Section(
        "The nearest of many",
        f"Twelve samples, and for each the nearest among {SAMPLES:,} others.",
        image_sheet(rows, title="Samples, their nearest latents and their nearest images"),
        caption=f"Trial {trial}.",
    )


def _shades(space: latent.Space, z: np.ndarray) -> np.ndarray:
    return np.asarray(IMAGE.to_data(space.generate(z)))

"""What the page of a latent space shows, each section a function of the space."""

import html
import io
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from gan_jax.core.errors import InputError
from gan_jax.data import Dataset
from gan_jax.examples import IMAGE, pictures
from gan_jax.latent import film, map_figure, maps, meaning
from gan_jax.latent.copies import Copies, nearest
from gan_jax.latent.paths import PATHS
from gan_jax.latent.render import render
from gan_jax.latent.space import Space
from gan_jax.study import figures, page
from gan_jax.study.statistics import share

WALKS = {"image": 9, "point": 3}  # paths, by kind of example
STOPS, FRAMES = 6, 120
MAP_SIDE, PLANES, PLANE_SIDE = 60, 6, 21
RADII, DIRECTIONS = np.linspace(0, 2, 21), 200
SHOWN, COMPARED = 12, 1_000  # samples beside their nearest training images, and counted
# By kind of example: what is read, how many there are, and what being sure of it is.
READINGS = {
    "image": ("digit", 10, "confidence"),
    "point": ("nearest mode", 25, "within 3 sigma of it"),
}


class PageSection(NamedTuple):
    """A part of the page.

    Attributes:
        heading: A line.
        text: What is to be seen, plain text.
        body: HTML.
    """

    heading: str
    text: str
    body: str


class PageInputs(NamedTuple):
    """What is shown, and with which luck.

    Attributes:
        space: The latent space.
        data: What the run was trained on, or None where it is not at hand.
        seed: Of all latents shown.
    """

    space: Space
    data: Dataset | None
    seed: int

    def labels(self, shape: Sequence[int], kind: int = 0) -> np.ndarray | None:
        """One class for latents of this leading shape, if the generator takes any."""
        classes = self.space.prior.classes
        return np.full(shape, kind % classes, np.int32) if classes else None


def samples(inputs: PageInputs) -> PageSection:
    """Samples as `gan_jax.sample` gives them."""
    kind = inputs.space.kind
    num = kind.num_shown
    draw = inputs.space.draw(num, inputs.seed)
    shown = kind.picture(render(inputs.space, np.asarray(draw.z), draw.labels), _real(inputs))
    return PageSection("Samples", f"{num} of seed {inputs.seed}, none left out.", _image(shown))


def walks(inputs: PageInputs) -> PageSection:
    """Closed random walks, moving."""
    space, count = inputs.space, WALKS[inputs.space.kind.name]
    anchors = np.asarray(space.draw(count * STOPS, inputs.seed).z).reshape(count, STOPS, -1)
    z = np.stack([PATHS["closed_walk"](one, FRAMES, space.prior) for one in anchors])
    labels = inputs.labels(z.shape[:2])
    if labels is not None:
        labels = labels + np.arange(count, dtype=np.int32)[:, None] % space.prior.classes
    scene = film.PathFrames(space.kind, render(space, z, labels), True, _real(inputs))
    buffer = io.BytesIO()
    pictures.gif(film.frames(scene), buffer)
    return PageSection(
        "Walks",
        "Smooth random walks that end where they began; every frame is distributed like a sample.",
        f'<img alt="walks" src="{page.link(buffer.getvalue(), "gif")}">',
    )


def plane_map(inputs: PageInputs) -> PageSection:
    """A plane by what its latents mean, and its images.

    Raises:
        InputError: If nothing reads the examples.
    """
    space, read = inputs.space, meaning.reader(inputs.space)
    plane = maps.plane(np.asarray(space.draw(3, inputs.seed).z))
    grid = maps.grid(plane, MAP_SIDE)
    found = maps.over(read, partial(render, space), grid.z, inputs.labels(grid.z.shape[:2]))
    kinds, _, sure = READINGS[space.kind.name]
    figure = map_figure.draw(
        found, grid, plane, title="The plane through three samples", kinds=kinds, sure=sure
    )
    body = f'<img alt="map" src="{page.svg(figure)}">'
    if space.kind is IMAGE:
        z = maps.grid(plane, PLANE_SIDE).z
        images = render(space, z, inputs.labels(z.shape[:2]))
        body += _image(pictures.sheet(np.concatenate(images), columns=PLANE_SIDE, scale=1))
    text = f"{found.meaningful.mean():.0%} of it is meaningful: sure, and near real examples."
    return PageSection("A map", text, body)


def radii(inputs: PageInputs) -> PageSection:
    """What latents mean by their distance from 0.

    Raises:
        InputError: If nothing reads the examples, or a part of the latents are codes.
    """
    space, read = inputs.space, meaning.reader(inputs.space)
    z = np.asarray(space.draw(DIRECTIONS, inputs.seed).z)
    _, kinds, _ = READINGS[space.kind.name]
    found = maps.profile(
        read, partial(render, space), space.prior, z, RADII, kinds, inputs.labels(z.shape[:1])
    )
    cells = pd.DataFrame(
        [
            {
                "distance from 0": radius,
                "share": name,
                **share(round(part * found.num), found.num)._asdict(),
            }
            for name, parts in (
                ("meaningful", found.meaningful),
                ("of the commonest kind", found.kinds.max(axis=1)),
            )
            for radius, part in zip(found.radii, parts, strict=True)
        ]
    )
    figure = figures.curves(
        cells,
        "distance from 0",
        "share",
        title="What lies how far out",
        label=f"share of {found.num} directions",
        references={"meaningful at 1": float(found.meaningful[np.argmin(np.abs(RADII - 1))])},
    )
    text = "Distances are in typical radii of the prior: samples lie around 1."
    return PageSection("By radius", text, f'<img alt="radii" src="{page.svg(figure)}">')


def planes(inputs: PageInputs) -> PageSection:
    """Planes to move about in.

    Raises:
        InputError: If the run makes points.
    """
    space = inputs.space
    if space.kind is not IMAGE:
        why = f"a map says it all of {space.kind.plural}"
        raise InputError("config.data.name", space.config.data.name, why)
    made = [_plane(inputs, number) for number in range(PLANES)]
    height, width, _ = space.shape
    about = {"side": PLANE_SIDE, "height": height, "width": width, "planes": made}
    text = "Drag on the square, or move the sliders: each place is a latent of the plane."
    return PageSection("Move about", text, _MOVER.replace("ABOUT", html.escape(json.dumps(about))))


def _plane(inputs: PageInputs, number: int) -> dict[str, object]:
    """A plane through three samples of its own: its images in one picture, and their readings."""
    space = inputs.space
    plane = maps.plane(np.asarray(space.draw(3, inputs.seed, first=3 * number).z))
    z = maps.grid(plane, PLANE_SIDE).z
    images = render(space, z, inputs.labels(z.shape[:2], number))
    rows = np.concatenate([np.concatenate(row, axis=1) for row in images])
    atlas = Image.fromarray(rows if rows.shape[-1] == 3 else rows[..., 0])
    known = space.source.classifier is not None
    read = meaning.reader(space)(images.reshape(-1, *space.shape)) if known else None
    return {
        "atlas": page.link(_png(atlas), "png"),
        "kind": [] if read is None else read.kind.tolist(),
        "confidence": [] if read is None else np.round(read.confidence, 2).tolist(),
    }


def neighbours(inputs: PageInputs) -> PageSection:
    """Samples beside the training images nearest to them.

    Raises:
        InputError: If there are no training images to compare with.
    """
    space, data = inputs.space, inputs.data
    if space.kind is not IMAGE or data is None:
        copied = f"{space.kind.plural} are not copied"
        why = "no training images at hand" if space.kind is IMAGE else copied
        raise InputError("config.data.name", space.config.data.name, why)
    draw = space.draw(COMPARED, inputs.seed)
    made = render(space, np.asarray(draw.z), draw.labels)
    found = nearest(made, data.train, data.test)
    pairs = np.stack([made[:SHOWN], data.train[found.which[:SHOWN]]])
    body = _image(pictures.sheet(np.concatenate(pairs), columns=SHOWN))
    return PageSection("Is it copying?", _words(found), body)


def _words(found: Copies) -> str:
    return (
        "Above samples, below the training image nearest to each, pixel by pixel. Of "
        f"{len(found.distances):,} samples {found.copied:.1%} are nearer to one than 1 % of real "
        "held-out images are: about 1 % where nothing is copied, and more where it is or where "
        f"samples are simpler than real ones. Median distance {np.median(found.distances):.3g}, of "
        f"held-out images {np.median(found.of_held_out):.3g} (root mean square, pixels 0 to 255)."
    )


PAGE_SECTIONS: dict[str, Callable[[PageInputs], PageSection]] = {
    "samples": samples,
    "walks": walks,
    "map": plane_map,
    "radius": radii,
    "planes": planes,
    "neighbours": neighbours,
}


def build_sections(
    inputs: PageInputs, names: Iterable[str] = tuple(PAGE_SECTIONS)
) -> tuple[list[PageSection], list[str]]:
    """The sections that this space has, and in words why it lacks the others."""
    shown, missing = [], []
    for name in names:
        try:
            shown.append(PAGE_SECTIONS[name](inputs))
        except InputError as error:
            missing.append(f"{name}: {error.why}")
    return shown, missing


def _real(inputs: PageInputs) -> np.ndarray:
    """Real examples, which say how much of a plane of points is shown."""
    return np.zeros((0, *inputs.space.shape)) if inputs.data is None else inputs.data.test


def _image(picture: Image.Image) -> str:
    return f'<img alt="" src="{page.link(_png(picture), "png")}">'


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


_MOVER = """<div class="mover" data-about="ABOUT">
<div class="pad"><img alt="all images of the plane" draggable="false"><span></span></div>
<div class="view"><canvas></canvas><output></output>
<label>plane <select></select></label>
<label>across <input type="range" min="0" step="1" class="across"></label>
<label>down <input type="range" min="0" step="1" class="down"></label></div>
</div>"""

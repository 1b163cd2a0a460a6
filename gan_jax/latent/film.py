"""Pictures and films of paths: one as a strip, many as a sheet, any of them moving."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_jax.core.errors import InputError
from gan_jax.report import pictures

_SIDE = 240  # screen pixels a side of a film of images, at least


class PathFrames(NamedTuple):
    """What there is to see.

    Attributes:
        examples: Of paths, each in frames: images uint8 [P, F, H, W, C], or points float [P, F, 2].
        closed: Whether a path goes on at its beginning.
        real: Real points [M, 2] to show the paths over; None for images.
    """

    examples: np.ndarray
    closed: bool = False
    real: np.ndarray | None = None


def still(scene: PathFrames) -> Image.Image:
    """All in one picture: a row of images a path, or a line a path over real points."""
    if scene.real is not None:
        return pictures.lines(scene.examples, scene.real, closed=scene.closed)
    return pictures.sheet(np.concatenate(scene.examples), columns=scene.examples.shape[1])


def frames(scene: PathFrames) -> list[Image.Image]:
    """Picture after picture: a square sheet with an image a path, or the lines as they grow.

    Open paths are there and back again, so that a film that begins again doesn't jump.
    """
    count = scene.examples.shape[1]
    there = [_moment(scene, number) for number in range(count)]
    return there if scene.closed else there + there[-2:0:-1]


def _moment(scene: PathFrames, number: int) -> Image.Image:
    if scene.real is not None:
        return pictures.lines(scene.examples[:, : number + 1], scene.real, dots=False)
    images = scene.examples[:, number]
    across = np.ceil(np.sqrt(len(images))) * images.shape[2]
    # Even: the usual video codec halves the picture's colours.
    return pictures.sheet(images, scale=2 * int(np.ceil(_SIDE / across / 2)))


def png(scene: PathFrames, out: Path) -> None:
    """Write all in one picture."""
    still(scene).save(out)


def gif(scene: PathFrames, out: Path) -> None:
    """Write a film that begins again at its end."""
    pictures.gif(frames(scene), out)


def mp4(scene: PathFrames, out: Path) -> None:
    """Write a video (H.264); needs the extra `video`."""
    import imageio

    # Else it forks, and a fork beside JAX's threads may hang.
    os.environ.setdefault("IMAGEIO_FFMPEG_NO_PREVENT_SIGINT", "1")

    with imageio.get_writer(out, fps=1000 / pictures.BEAT, macro_block_size=2) as video:
        for frame in frames(scene):
            video.append_data(np.asarray(frame.convert("RGB")))


class FilmFormat(NamedTuple):
    """A kind of file.

    Attributes:
        write: Writes a scene to a file.
        frames: As many a path has unless the user says otherwise.
        extra: The extra of this package that it needs, and the module by which to know.
    """

    write: Callable[[PathFrames, Path], None]
    frames: int
    extra: tuple[str, str] | None = None


KINDS = {
    ".png": FilmFormat(png, 10),
    ".gif": FilmFormat(gif, 100),
    ".mp4": FilmFormat(mp4, 100, ("video", "imageio_ffmpeg")),
}
"""By how a file's name ends."""


def film_format(out: Path) -> FilmFormat:
    """The kind of a file, one of `KINDS`.

    Raises:
        InputError: If an extra is missing that it needs.
    """
    found = KINDS[out.suffix]
    if found.extra and find_spec(found.extra[1]) is None:
        why = f"needs the extra {found.extra[0]}: .venv/bin/pip install -e '.[{found.extra[0]}]'"
        raise InputError("--out", out, why)
    return found

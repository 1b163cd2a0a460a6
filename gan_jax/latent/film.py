"""Pictures and films of paths: one as a strip, many as a sheet, any of them moving."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_jax.core.errors import InputError
from gan_jax.examples import ExampleKind, pictures


class PathFrames(NamedTuple):
    """What there is to see.

    Attributes:
        kind: What an example is.
        examples: Of paths, each in frames: stored examples [P, F, ...].
        closed: Whether a path goes on at its beginning.
        real: Real examples [M, ...], which set the scale of a picture.
    """

    kind: ExampleKind
    examples: np.ndarray
    closed: bool
    real: np.ndarray


def still(paths: PathFrames) -> Image.Image:
    """All in one picture."""
    return paths.kind.path_picture(paths.examples, paths.real, paths.closed)


def frames(paths: PathFrames) -> list[Image.Image]:
    """Picture after picture, of all paths at once.

    Open paths are there and back again, so that a film that begins again doesn't jump.
    """
    count = paths.examples.shape[1]
    there = [paths.kind.path_frame(paths.examples, paths.real, number) for number in range(count)]
    return there if paths.closed else there + there[-2:0:-1]


def png(paths: PathFrames, out: Path) -> None:
    """Write all in one picture."""
    still(paths).save(out)


def gif(paths: PathFrames, out: Path) -> None:
    """Write a film that begins again at its end."""
    pictures.gif(frames(paths), out)


def mp4(paths: PathFrames, out: Path) -> None:
    """Write a video (H.264); needs the extra `video`."""
    import imageio

    # Else it forks, and a fork beside JAX's threads may hang.
    os.environ.setdefault("IMAGEIO_FFMPEG_NO_PREVENT_SIGINT", "1")

    with imageio.get_writer(out, fps=1000 / pictures.BEAT, macro_block_size=2) as video:
        for frame in frames(paths):
            video.append_data(np.asarray(frame.convert("RGB")))


class FilmFormat(NamedTuple):
    """A kind of file.

    Attributes:
        write: Writes a paths to a file.
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

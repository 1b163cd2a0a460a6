"""Examples as pictures: image sheets, point clouds, lines, and animations."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from gan_jax.core.files import Damaged

BEAT = 40
"""Milliseconds a frame of an animation at the least: 25 a second."""

_SCALE = 2  # screen pixels for one of an image's
_GAP = 2
_CANVAS = 480  # pixels a side of a point cloud
_INK, _PALE = 30, 205  # shades of points
_ROOM = 1.25  # of the plane shown, over the farthest coordinate of a real point


def sheet(images: np.ndarray, columns: int | None = None, scale: int = _SCALE) -> Image.Image:
    """Images uint8 [N, H, W, C], C = 1 or 3, row by row.

    Args:
        images: The images.
        columns: Images a row; None: the fewest rows of a square sheet.
        scale: Screen pixels for one of an image's.
    """
    count, height, width, channels = images.shape
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    cell = (height + _GAP, width + _GAP)
    canvas = np.full((rows * cell[0] + _GAP, columns * cell[1] + _GAP, channels), 40, np.uint8)
    for number, image in enumerate(images):
        top, left = (number // columns) * cell[0] + _GAP, (number % columns) * cell[1] + _GAP
        canvas[top : top + height, left : left + width] = image
    picture = Image.fromarray(canvas if channels == 3 else canvas[..., 0])
    return picture.resize((scale * picture.width, scale * picture.height), Image.Resampling.NEAREST)


def cloud(points: np.ndarray, extent: float, shade: int = _INK) -> Image.Image:
    """Points float [N, 2] as dots on the plane [-extent, extent]^2; those outside are not seen."""
    with np.errstate(invalid="ignore"):
        pixels = np.round(_place(points, extent) * (_CANVAS - 1))
    seen = np.all((pixels >= 1) & (pixels < _CANVAS - 1), axis=1)
    columns, rows = pixels[seen].astype(int).T
    canvas = np.full((_CANVAS, _CANVAS), 255, np.uint8)
    for right in (-1, 0, 1):
        for down in (-1, 0, 1):
            canvas[rows + down, columns + right] = shade
    return Image.fromarray(canvas)


def lines(
    paths: np.ndarray, real: np.ndarray, *, closed: bool = False, dots: bool = True
) -> Image.Image:
    """Paths of points over pale real ones, each in a colour of its own, a ring around its last.

    Args:
        paths: Points, finite float [P, F, 2].
        real: Real ones [M, 2]: they say how much of the plane is shown.
        closed: Whether the last point is joined to the first.
        dots: Whether each point is a dot.
    """
    extent, fine = _extent(real), 2 * _CANVAS  # drawn large and shrunk, lines have no steps
    base = cloud(real, extent, _PALE).resize((fine, fine), Image.Resampling.NEAREST).convert("RGB")
    pen = ImageDraw.Draw(base)
    # Far outside is outside: Pillow's coordinates are 32 bits wide.
    pixels = np.clip(_place(paths, extent), -9, 9) * (fine - 1)
    for number, path in enumerate(pixels):
        colour = ImageColor.getrgb(f"hsv({360 * number / len(pixels):.0f}, 85%, 80%)")
        joined = [*path, path[0]] if closed else path
        pen.line([tuple(point) for point in joined], fill=colour, width=3, joint="curve")
        for point in path if dots else ():
            pen.circle(tuple(point), 6, fill=colour)
        pen.circle(tuple(path[-1]), 12, outline=colour, width=4)
    return base.reduce(2)


def _place(points: np.ndarray, extent: float) -> np.ndarray:
    """Where points [..., 2] are on a picture: from 0, left or at the top, to 1."""
    return (points * (1, -1) / extent + 1) / 2


def _extent(real: np.ndarray) -> float:
    return _ROOM * float(np.abs(real).max())


def cloud_of(points: np.ndarray, real: np.ndarray) -> Image.Image:
    """Points float [N, 2] on the plane that real ones [M, 2] need."""
    return cloud(points, _extent(real))


def animate(folder: Path, out: Path, *, seconds: float = 8.0) -> None:
    """The PNGs of a folder, by name, as a GIF of about that many seconds that rests at its end.

    Raises:
        Damaged: If there is none, or one is no picture.
    """
    frames = [_read(path) for path in sorted(folder.glob("*.png"))]
    if not frames:
        raise Damaged(f"{folder}: no pictures are left")
    beat = int(np.clip(1000 * seconds / len(frames), BEAT, 500))
    gif(frames, out, [beat] * (len(frames) - 1) + [2000])


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return picture.copy()
    except (OSError, SyntaxError) as error:  # Pillow's own: what it says of a broken PNG
        raise Damaged(f"{path}: can't be read as a picture ({error})") from error


def gif(
    frames: Sequence[Image.Image], out: Path | IO[bytes], durations: int | list[int] = BEAT
) -> None:
    """Pictures as a GIF that begins again at its end.

    Grey pictures keep their shades; colours are reduced to 256 a frame, as many as a GIF can hold.

    Args:
        frames: Pictures of one size.
        out: The file.
        durations: Milliseconds a frame, or of each.
    """
    film = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    frames[0].save(out, format="GIF", optimize=True, **film)

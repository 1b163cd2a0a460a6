"""Examples as pictures: image sheets, point clouds, and the run as an animation."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SHOWN = {True: 100, False: 2000}
"""How many examples a picture shows, by whether they are images."""

_SCALE = 2  # screen pixels for one of an image's
_GAP = 2
_CANVAS = 480  # pixels a side of a point cloud
_EXTENT = 1.5  # the plane shown is [-1.5, 1.5]^2


def sheet(images: np.ndarray) -> Image.Image:
    """Images uint8 [N, H, W, C], C = 1 or 3, in the fewest rows of a square sheet."""
    count, height, width, channels = images.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    cell = (height + _GAP, width + _GAP)
    canvas = np.full((rows * cell[0] + _GAP, columns * cell[1] + _GAP, channels), 40, np.uint8)
    for number, image in enumerate(images):
        top, left = (number // columns) * cell[0] + _GAP, (number % columns) * cell[1] + _GAP
        canvas[top : top + height, left : left + width] = image
    picture = Image.fromarray(canvas if channels == 3 else canvas[..., 0])
    return picture.resize(
        (_SCALE * picture.width, _SCALE * picture.height), Image.Resampling.NEAREST
    )


def cloud(points: np.ndarray) -> Image.Image:
    """Points float [N, 2] as dots on the plane [-1.5, 1.5]^2; those outside are not seen."""
    with np.errstate(invalid="ignore"):
        pixels = np.round((points * (1, -1) / _EXTENT + 1) / 2 * (_CANVAS - 1))
    seen = np.all((pixels >= 1) & (pixels < _CANVAS - 1), axis=1)
    columns, rows = pixels[seen].astype(int).T
    canvas = np.full((_CANVAS, _CANVAS), 255, np.uint8)
    for right in (-1, 0, 1):
        for down in (-1, 0, 1):
            canvas[rows + down, columns + right] = 30
    return Image.fromarray(canvas)


def picture(examples: np.ndarray) -> Image.Image:
    """A picture of images [N, H, W, C] or points [N, 2]."""
    draw: Callable[[np.ndarray], Image.Image] = sheet if examples.ndim == 4 else cloud
    return draw(examples)


def animate(folder: Path, out: Path, *, seconds: float = 8.0) -> None:
    """The PNGs of a folder, by name, as a GIF of about that many seconds that rests at its end."""
    frames = [Image.open(path).convert("L") for path in sorted(folder.glob("*.png"))]
    beat = int(np.clip(1000 * seconds / len(frames), 40, 500))
    durations = [beat] * (len(frames) - 1) + [2000]
    frames[0].save(
        out, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True
    )

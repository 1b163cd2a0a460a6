"""Examples as pictures: image sheets, point clouds, and the run as an animation."""

from pathlib import Path

import numpy as np
from PIL import Image

SHOWN = {True: 100, False: 2000}
"""How many examples a picture shows, by whether they are images."""

_SCALE = 2  # screen pixels for one of an image's
_GAP = 2
_CANVAS = 480  # pixels a side of a point cloud
_ROOM = 1.25  # of the plane shown, over the farthest coordinate of a real point


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


def cloud(points: np.ndarray, extent: float) -> Image.Image:
    """Points float [N, 2] as dots on the plane [-extent, extent]^2; those outside are not seen."""
    with np.errstate(invalid="ignore"):
        pixels = np.round((points * (1, -1) / extent + 1) / 2 * (_CANVAS - 1))
    seen = np.all((pixels >= 1) & (pixels < _CANVAS - 1), axis=1)
    columns, rows = pixels[seen].astype(int).T
    canvas = np.full((_CANVAS, _CANVAS), 255, np.uint8)
    for right in (-1, 0, 1):
        for down in (-1, 0, 1):
            canvas[rows + down, columns + right] = 30
    return Image.fromarray(canvas)


def picture(examples: np.ndarray, real: np.ndarray) -> Image.Image:
    """A picture of examples.

    Args:
        examples: Images uint8 [N, H, W, C] or points float [N, 2].
        real: Real ones [M, ...]: they say how much of the plane is shown, always the same.
    """
    if examples.ndim == 4:
        return sheet(examples)
    return cloud(examples, _ROOM * float(np.abs(real).max()))


def animate(folder: Path, out: Path, *, seconds: float = 8.0) -> None:
    """The PNGs of a folder, by name, as a GIF of about that many seconds that rests at its end.

    Grey pictures keep their shades; colours are reduced to 256 a frame, as many as a GIF can hold.
    """
    frames = [Image.open(path) for path in sorted(folder.glob("*.png"))]
    beat = int(np.clip(1000 * seconds / len(frames), 40, 500))
    durations = [beat] * (len(frames) - 1) + [2000]
    frames[0].save(
        out, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True
    )

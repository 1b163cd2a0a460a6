"""What generators made, side by side: points on the same plane, images in rows."""

from collections.abc import Mapping

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from gan_jax.study.style import COLOURS, INK, sheet, styled

_ROOM = 1.25  # of the plane shown, over the farthest coordinate of a centre
_GAP = 1  # pixels between images
_ACROSS = 4  # planes side by side
_PICTURES_ACROSS = 2  # pictures, each of them a sheet of images
_GUTTER, _TITLE = 0.08, 0.35  # inches between rows of images, and for the title


@styled
def scatter_sheet(points: Mapping[str, np.ndarray], centres: np.ndarray, *, title: str) -> Figure:
    """Points by name, each on the same part of the plane, with rings around the true centres.

    Args:
        points: `[N, 2]` each. The share that is not on the part shown is told above it.
        centres: `[K, 2]`; they say how much of the plane is shown.
        title: What is to be seen.
    """
    extent = _ROOM * float(np.abs(centres).max())
    across = min(_ACROSS, len(points))
    down = -(-len(points) // across)
    figure, grid = sheet(
        title, 1.9 * across, 0.5 + 2.1 * down, nrows=down, ncols=across, squeeze=False
    )
    for axes in grid.flat[len(points) :]:
        axes.remove()
    for axes, (name, cloud) in zip(grid.flat, points.items(), strict=False):
        lost = 1 - np.mean(np.all(np.abs(cloud) <= extent, axis=1))  # NaN is nowhere
        axes.scatter(*cloud.T, s=3, alpha=0.35, linewidths=0, color=COLOURS[0], rasterized=True)
        axes.scatter(*centres.T, s=60, linewidths=0.9, facecolors="none", edgecolors=COLOURS[1])
        axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
        axes.set_title(f"{name}\n({lost:.1%} outside)" if lost else name, size="medium")
    return figure


@styled
def picture_sheet(pictures: Mapping[str, np.ndarray], *, title: str) -> Figure:
    """Pictures by name, side by side.

    Args:
        pictures: uint8 `[H, W]` or `[H, W, 3]` each.
        title: What is to be seen.
    """
    across = min(_PICTURES_ACROSS, len(pictures))
    down = -(-len(pictures) // across)
    figure, grid = sheet(
        title, 3.6 * across, 0.4 + 3.9 * down, nrows=down, ncols=across, squeeze=False
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (name, picture) in zip(grid.flat, pictures.items(), strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(name, size="medium")
    return figure


@styled
def image_sheet(images: Mapping[str, np.ndarray], *, title: str) -> Figure:
    """Images by name, each name's in a row.

    Args:
        images: uint8 `[N, H, W, C]` each, C = 1 or 3, all of one shape.
        title: What is to be seen.
    """
    rows = {name: _row(row) for name, row in images.items()}
    height, width = next(iter(rows.values())).shape[:2]
    scale = min(0.6 / height, 7.0 / width)  # inches a pixel
    names = 2 * _GUTTER + max(map(_inches, rows))
    across = names + scale * width + _GUTTER
    down = _TITLE + (scale * height + _GUTTER) * len(rows)
    figure, grid = sheet(title, across, down, nrows=len(rows), squeeze=False)
    # Left to itself the layout takes an image's spare room for its name's, and may cut the name.
    figure.set_layout_engine(None)
    figure.subplots_adjust(
        left=names / across,
        right=1 - _GUTTER / across,
        bottom=_GUTTER / down,
        top=1 - _TITLE / down,
        hspace=_GUTTER / (scale * height),
    )
    for axes, (name, row) in zip(grid[:, 0], rows.items(), strict=True):
        axes.imshow(row, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_ylabel(name, rotation=0, ha="right", va="center", color=INK)
    return figure


def _inches(name: str) -> float:
    """How wide a label is."""
    return TextPath((0, 0), name, size=rcParams["font.size"]).get_extents().width / 72


def _row(images: np.ndarray) -> np.ndarray:
    """Images `[N, H, W, C]` from left to right with gaps between: `[H, W', C]`."""
    spaced = np.pad(images, ((0, 0), (0, 0), (0, _GAP), (0, 0)), constant_values=255)
    return np.concatenate(list(spaced), axis=1)[:, :-_GAP]

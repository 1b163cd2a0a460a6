"""A map of a plane of latent space, as a picture."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from scipy import ndimage

from gan_jax.latent.maps import Grid, Plane
from gan_jax.latent.meaning import Meaning
from gan_jax.study.style import INK, sheet, styled

HUES = matplotlib.colormaps["tab10"].colors  # of kinds in turn; regions bear their names too
NAMED = 0.004  # of the map, from which on a region bears its name
PALEST = 0.12  # of a hue's strength, where confidence is nil


def colours(meaning: Meaning) -> np.ndarray:
    """A colour for each example: its kind as hue, the lighter the less sure it is.

    Args:
        meaning: Attributes of any shape `[...]`.

    Returns:
        Red, green and blue `[..., 3]`, 0 to 1.
    """
    hue = np.array(HUES)[meaning.kind % len(HUES)]
    strength = PALEST + (1 - PALEST) * np.clip(meaning.confidence, 0, 1)[..., None]
    return 1 - strength * (1 - hue)


@styled
def draw(
    meaning: Meaning, grid: Grid, plane: Plane, *, title: str, kinds: str, sure: str
) -> Figure:
    """The map, its three points marked, a line around what is meaningful.

    Args:
        meaning: Of the grid's latents, each attribute `[rows, columns]`.
        grid: The latents.
        plane: Their plane.
        title: What is to be seen.
        kinds: What hues stand for: "digit", "nearest mode".
        sure: What is darkest: "confidence".
    """
    figure, axes = sheet(title, 6.6, 5.6)
    axes.imshow(colours(meaning), extent=grid.extent, interpolation="nearest", aspect="equal")
    if meaning.meaningful.any() and not meaning.meaningful.all():
        edge = {"levels": [0.5], "colors": _EDGE["color"], "linewidths": _EDGE["linewidth"]}
        axes.contour(meaning.meaningful.astype(float), extent=grid.extent, origin="upper", **edge)
    for kind, column, row in _places(meaning.kind):
        axes.annotate(str(kind), _at(grid, column, row), ha="center", va="center", **_HALO)
    for name, point in zip("ABC", plane.points, strict=True):
        axes.plot(*point, "o", color="white", markeredgecolor="black", markersize=8, zorder=3)
        axes.annotate(name, point, xytext=(7, 5), textcoords="offset points", **_HALO)
    axes.grid(visible=False)
    axes.set(xlabel="from A towards B, in latent space", ylabel="across, towards C")
    _explain(figure, axes, sorted(set(meaning.kind.flat)), kinds, sure)
    return figure


_EDGE = {"color": "black", "linewidth": 0.7}
_HALO = {
    "weight": "bold",
    "color": "black",
    "path_effects": [withStroke(linewidth=2.5, foreground="white")],
}


def _at(grid: Grid, column: float, row: float) -> tuple[float, float]:
    """The place of a cell's middle."""
    left, right, bottom, top = grid.extent
    rows, columns = grid.z.shape[:2]
    across, down = (column + 0.5) / columns, (row + 0.5) / rows
    return left + across * (right - left), top - down * (top - bottom)


def _places(kind: np.ndarray) -> list[tuple[int, int, int]]:
    """A kind, column and row for each region that is large enough: deep inside it."""
    found = []
    for one in np.unique(kind):
        regions, count = ndimage.label(np.pad(kind == one, 1))
        for region in range(1, count + 1):
            inside = regions == region
            if inside.sum() >= NAMED * kind.size:
                depth = ndimage.distance_transform_edt(inside)
                row, column = np.unravel_index(depth.argmax(), depth.shape)
                found.append((int(one), int(column) - 1, int(row) - 1))
    return found


def _explain(figure: Figure, axes: Axes, present: Sequence[int], kinds: str, sure: str) -> None:
    """The legend: hues, and from pale to full."""
    patches = [Patch(color=HUES[kind % len(HUES)], label=str(kind)) for kind in present]
    patches.append(Line2D([], [], label="around what\nis meaningful", **_EDGE))
    figure.legend(handles=patches, title=kinds, loc="outside right center", alignment="left")
    shades = matplotlib.colors.LinearSegmentedColormap.from_list(
        "shades", [(1 - PALEST * (1 - 0.4),) * 3, (0.4,) * 3]
    )
    scale = matplotlib.cm.ScalarMappable(cmap=shades)
    bar = figure.colorbar(scale, ax=axes, location="bottom", shrink=0.5, aspect=30, label=sure)
    bar.outline.set_edgecolor(INK)

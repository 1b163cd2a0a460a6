"""Points: float32 [D], on disk and for the networks alike; pictures show the first two axes."""

import jax
import numpy as np
from PIL import Image

from gan_jax.examples import pictures
from gan_jax.examples.kind import ExampleKind


def _unchanged(points: jax.Array) -> jax.Array:
    return points


def _path_picture(paths: np.ndarray, real: np.ndarray, closed: bool) -> Image.Image:
    """A line a path over real points."""
    return pictures.lines(paths, real, closed=closed)


def _path_frame(paths: np.ndarray, real: np.ndarray, number: int) -> Image.Image:
    """The lines as far as they have grown."""
    return pictures.lines(paths[:, : number + 1], real, dots=False)


POINT = ExampleKind(
    name="point",
    plural="points",
    dtype=np.dtype(np.float32),
    axes=1,
    to_model=_unchanged,
    to_data=_unchanged,
    bounded=False,
    augmentable=False,
    small=True,
    size_field=None,
    num_shown=2000,
    scaled=True,
    picture=pictures.cloud_of,
    path_picture=_path_picture,
    path_frame=_path_frame,
)

"""What the rest of the project may ask of an example, whatever it is."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
from PIL import Image


@dataclass(frozen=True)
class ExampleKind:
    """What one example of a data set is.

    Attributes:
        name: What records call it: "image".
        plural: What messages call several: "images".
        dtype: What data sets and files hold.
        axes: How many axes one example has: 3 of an image.
        to_model: Stored examples [..., *shape] to the float32 that networks take; traceable.
        to_data: The inverse, of what generators give.
        bounded: Whether the floats lie in [-1, 1], so that a generator ends with a tanh.
        augmentable: Whether `game.augment` knows how to change one.
        small: Whether one is a few numbers, so that a trial leaves most of any device idle.
        size_field: The config's field that decides the shape, or None: the data decide.
        num_shown: How many a picture shows.
        scaled: Whether a picture's scale is that of real examples.
        picture: (stored examples [N, *shape], real ones [M, *shape]) to a picture. The real ones
            set its scale, the same for all pictures of a run.
        path_picture: (paths of stored examples [P, F, *shape], real ones, whether a path goes on
            at its beginning) to one picture of all frames.
        path_frame: (paths, real ones, frame number) to one picture of a film of them.
    """

    name: str
    plural: str
    dtype: np.dtype
    axes: int
    to_model: Callable[[jax.Array], jax.Array]
    to_data: Callable[[jax.Array], jax.Array]
    bounded: bool
    augmentable: bool
    small: bool
    size_field: str | None
    num_shown: int
    scaled: bool
    picture: Callable[[np.ndarray, np.ndarray], Image.Image]
    path_picture: Callable[[np.ndarray, np.ndarray, bool], Image.Image]
    path_frame: Callable[[np.ndarray, np.ndarray, int], Image.Image]

"""Images: uint8 [H, W, C] in [0, 255] on disk, float32 in [-1, 1] for the networks."""

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax.examples import pictures
from gan_jax.examples.kind import ExampleKind

_FILM_SIDE = 240  # screen pixels a side of a film, at least


def to_model(stored: jax.Array) -> jax.Array:
    """Images uint8 [..., H, W, C] to float32 in [-1, 1]."""
    return stored.astype(jnp.float32) / 127.5 - 1


def to_data(floats: jax.Array) -> jax.Array:
    """Images in [-1, 1] [..., H, W, C] to uint8, rounded."""
    return jnp.clip(jnp.round((floats + 1) * 127.5), 0, 255).astype(jnp.uint8)


def _picture(images: np.ndarray, real: np.ndarray) -> Image.Image:
    del real
    return pictures.sheet(images)


def _path_picture(paths: np.ndarray, real: np.ndarray, closed: bool) -> Image.Image:
    """A row of images a path."""
    del real, closed
    return pictures.sheet(np.concatenate(paths), columns=paths.shape[1])


def _path_frame(paths: np.ndarray, real: np.ndarray, number: int) -> Image.Image:
    """A square sheet with one image a path."""
    del real
    images = paths[:, number]
    across = np.ceil(np.sqrt(len(images))) * images.shape[2]
    # Even: the usual video codec halves the picture's colours.
    return pictures.sheet(images, scale=2 * int(np.ceil(_FILM_SIDE / across / 2)))


IMAGE = ExampleKind(
    name="image",
    plural="images",
    dtype=np.dtype(np.uint8),
    axes=3,
    to_model=to_model,
    to_data=to_data,
    bounded=True,
    augmentable=True,
    small=False,
    size_field="config.data.image_size",
    num_shown=100,
    scaled=False,
    picture=_picture,
    path_picture=_path_picture,
    path_frame=_path_frame,
)

"""A kind of example that the project does not ship, with data and a condition of its own.

All that one-dimensional waves need is in this file: the kind, a data set, a conditioning, and the
three table lines in `TABLES`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax import data
from gan_jax.data import Dataset, DataSource
from gan_jax.examples import EXAMPLE_KINDS, ExampleKind
from gan_jax.models.conditioning import CONDITIONINGS, Conditioning
from gan_jax.models.output import DiscriminatorOutput

LENGTH = 16
TOP = 2**15 - 1


def _picture(waves: np.ndarray, real: np.ndarray) -> Image.Image:
    """A row of shades a wave."""
    del real
    return Image.fromarray(((waves.astype(np.int32) + 2**15) >> 8).astype(np.uint8))


WAVE = ExampleKind(
    name="wave",
    plural="waves",
    dtype=np.dtype(np.int16),
    axes=1,
    to_model=lambda stored: stored.astype(jnp.float32) / TOP,
    to_data=lambda floats: jnp.round(floats * TOP).astype(jnp.int16),
    bounded=True,
    augmentable=False,
    small=True,
    size_field=None,
    num_shown=8,
    scaled=False,
    picture=_picture,
    path_picture=lambda paths, real, closed: _picture(np.concatenate(paths), real),
    path_frame=lambda paths, real, number: _picture(paths[:, number], real),
)


def load(config=None) -> Dataset:
    """Sines of one to three periods, each with its frequency [1] and its loudness []."""
    del config
    rng = np.random.default_rng(0)

    def split(num: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        loudness = rng.uniform(0.2, 1, num).astype(np.float32)
        frequency = rng.uniform(1, 3, (num, 1)).astype(np.float32)
        x = loudness[:, None] * np.sin(2 * np.pi * frequency * np.arange(LENGTH) / LENGTH)
        return (TOP * x).astype(np.int16), {"frequency": frequency, "loudness": loudness}

    (train, known), (test, known_of_test) = split(48), split(20)
    return Dataset("sines", "made", WAVE, train, test, known, known_of_test)


def _beside(inputs: jax.Array, condition, classes: int) -> jax.Array:
    del classes
    heard = condition["loudness"].reshape(len(inputs), -1)
    return jnp.concatenate([inputs, condition["frequency"], heard], axis=-1)


def _plain(logits, features, condition, classes) -> DiscriminatorOutput:
    del features, condition, classes
    return DiscriminatorOutput(logits)


TABLES = (
    (EXAMPLE_KINDS, "wave", WAVE),
    (data.DATASETS, "sines", DataSource(load, WAVE, lambda config: (LENGTH,))),
    (CONDITIONINGS, "heard", Conditioning(_beside, _beside, _plain, ("frequency", "loudness"))),
)

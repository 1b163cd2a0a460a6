"""Where a discriminator sends fakes: the slopes of the generator's loss, and what they are worth.

Images are flat here, `[N, P]` with pixels in [-1, 1].
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from gan_jax.core.streams import stream
from gan_jax.data.batches import Examples
from gan_jax.game.objectives import Game
from gan_jax.game.state import Variables
from gan_jax.metrics.neighbours import nearest

Slopes = Callable[[Variables, np.ndarray, jax.Array], np.ndarray]


def make_slopes(game: Game, shape: tuple[int, ...]) -> Slopes:
    """A function of (discriminator's variables, images [N, P], key) to directions [N, P].

    A direction is that in which the generator's loss falls fastest when the image's pixels are
    free to move. It is what the generator is taught by: of the discriminator in training mode, on
    batches of the game's size.

    Args:
        game: The rules of an unconditional GAN whose generator looks at no reals.
        shape: Of one image.
    """

    @jax.jit
    def of_batch(variables: Variables, images: jax.Array, key: jax.Array) -> jax.Array:
        def loss(images):
            seen = game.preprocess(variables, Examples(images.reshape(-1, *shape)), key)
            return game.generator_loss(None, game.discriminate(variables, seen, key)[0], None)

        return -jax.grad(loss)(images)

    def slopes(variables: Variables, images: np.ndarray, key: jax.Array) -> np.ndarray:
        batches = np.split(images, len(images) // game.batch_size)
        found = [of_batch(variables, x, stream(key, "slopes", n)) for n, x in enumerate(batches)]
        return np.concatenate(found)

    return slopes


def make_fakes(game: Game) -> Callable[[Variables, jax.Array, int], np.ndarray]:
    """A function of (generator's variables, key, number) to images [N, P] as training sees them.

    Args:
        game: The rules; the number divides by its batch size.
    """
    batch = jax.jit(lambda variables, key: game.fakes(variables, key)[0].x)

    def fakes(variables: Variables, key: jax.Array, num: int) -> np.ndarray:
        keys = [stream(key, "fakes", n) for n in range(num // game.batch_size)]
        return np.concatenate([batch(variables, key) for key in keys]).reshape(num, -1)

    return fakes


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The cosines `[N]` of the angles between rows `[N, P]`; 0 where a row is 0."""
    return np.sum(unit(one) * unit(other), axis=1)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows `[N, P]` at length 1; those of length 0 as they are."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length == 0, 1, length)


def stepped(images: np.ndarray, directions: np.ndarray, length: float) -> np.ndarray:
    """Images a step on, as far as pixels can go.

    Args:
        images: `[N, P]`.
        directions: `[N, P]`.
        length: Of the step, in pixels' units.
    """
    return np.clip(images + length * unit(directions), -1, 1)


class Digits:
    """Real digits, and what the classifier makes of images beside them.

    Args:
        read: Images [N, H, W, 1] to a `gan_jax.latent.digits.DigitPrediction`.
        real: Real images `[M, P]`.
        shape: Of one image.
    """

    def __init__(self, read: Partial, real: np.ndarray, shape: tuple[int, ...]):
        self._read, self._shape, self.real = read, shape, real
        self._features = self.read(real)[0]

    def read(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features `[N, F]` and the largest probability `[N]` of images `[N, P]`."""
        reading = _reading(self._read, images.reshape(-1, *self._shape))
        return tuple(map(np.asarray, reading))

    def nearest(self, images: np.ndarray) -> np.ndarray:
        """The nearest real images by pixels, `[N, P]`."""
        return self.real[nearest(images, self.real)]

    def worth(self, images: np.ndarray, directions: np.ndarray, length: float) -> dict[str, float]:
        """What a step along directions is worth, in the mean over images.

        Returns:
            `cosine` with the way to the nearest real image, and `cosine_random` with that to a
            random one, both by pixels; `nearer`, the share by which the distance to the nearest
            real digit falls in features; `confidence`, how much the classifier's rises.
        """
        random = self.real[np.random.default_rng(0).integers(len(self.real), size=len(images))]
        before, after = map(self._standing, (images, stepped(images, directions, length)))
        return {
            "cosine": float(cosines(directions, self.nearest(images) - images).mean()),
            "cosine_random": float(cosines(directions, random - images).mean()),
            "nearer": 1 - after[0] / before[0],
            "confidence": after[1] - before[1],
        }

    def _standing(self, images: np.ndarray) -> tuple[float, float]:
        """The mean distance to the nearest real digit in features, and the mean confidence."""
        features, confidence = self.read(images)
        gaps = features - self._features[nearest(features, self._features)]
        return float(np.linalg.norm(gaps, axis=1).mean()), float(confidence.mean())


@jax.jit
def _reading(read: Partial, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    reading = read(images)
    return reading.features, jnp.asarray(reading.confidence)

"""Where searches for latents start."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.core.streams import example_keys, root, stream
from gan_jax.game.prior import GeneratorInputs, Prior
from gan_jax.latent.inversion.problem import Target
from gan_jax.latent.space import Generate

_BANK = 4096  # draws among which the nearest are looked for
_DISPATCHED = 512  # of what only makes examples


def from_prior(
    generate: Generate, prior: Prior, target: Target, restarts: int, seed: int
) -> np.ndarray:
    """Latents drawn for each of N examples, `[N, restarts, L]`."""
    num = len(target.x)
    drawn = prior.draw(example_keys(stream(root(seed), "starts"), num * restarts)).z
    return np.asarray(drawn).reshape(restarts, num, -1).swapaxes(0, 1)


def nearest(
    generate: Generate, prior: Prior, target: Target, restarts: int, seed: int
) -> np.ndarray:
    """Of 4,096 latents those whose examples are nearest, of the class, `[N, restarts, L]`."""
    drawn = bank(prior, seed, _BANK)
    squares, numbers = np.empty((len(target.x), 0)), np.empty((len(target.x), 0), int)
    for rows in np.split(np.arange(_BANK), _BANK // _DISPATCHED):
        labels = None if drawn.labels is None else drawn.labels[rows]
        found = np.asarray(_squared_distances(generate, drawn.z[rows], labels, target))
        squares = np.concatenate([squares, found], axis=1)
        numbers = np.concatenate([numbers, np.broadcast_to(rows, found.shape)], axis=1)
        least = np.argsort(squares, axis=1, kind="stable")[:, :restarts]
        squares = np.take_along_axis(squares, least, axis=1)
        numbers = np.take_along_axis(numbers, least, axis=1)
    return np.asarray(drawn.z)[numbers]


STARTS = {"prior": from_prior, "nearest": nearest}
"""Where searches start: (generate, prior, target, restarts, seed) to latents."""


def bank(prior: Prior, seed: int, num: int) -> GeneratorInputs:
    """Latents that say what the generator makes as a rule, apart from those drawn as starts."""
    return prior.draw(example_keys(stream(root(seed), "bank"), num))


@jax.jit
def _squared_distances(
    generate: Generate, z: jax.Array, labels: jax.Array | None, target: Target
) -> jax.Array:
    """Of N targets to what M latents make: `[N, M]`, infinite to those of another class."""
    made = generate(z, labels).reshape(len(z), -1)
    x = target.x.reshape(len(target.x), -1)
    squares = jnp.sum(x**2, axis=1)[:, None] - 2 * x @ made.T + jnp.sum(made**2, axis=1)
    if labels is None:
        return squares
    return jnp.where(target.labels[:, None] == labels, squares, jnp.inf)

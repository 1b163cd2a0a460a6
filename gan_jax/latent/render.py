"""What a generator makes of any number of latents, a batch of them on the device at a time."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.core.errors import RunError
from gan_jax.latent.space import Generate, Space
from gan_jax.run.sampling import BATCH


def synthesize(generate: Generate, z: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """Examples as the generator gives them.

    Args:
        generate: The generator.
        z: Latents `[..., L]`, at least one.
        labels: Their classes int32 `[...]`, or None where it takes none.

    Returns:
        float32: images in [-1, 1] `[..., H, W, C]`, or points `[..., D]`.

    Raises:
        RunError: If not all numbers are finite.
    """
    leading = z.shape[:-1]
    num = int(np.prod(leading))
    size = min(num, BATCH)
    rows = np.arange(num + -num % size) % num
    flat = np.float32(z).reshape(num, -1), None if labels is None else np.reshape(labels, num)
    batches = [
        _made(generate, *jax.tree.map(lambda leaf, part=part: leaf[part], flat))
        for part in np.split(rows, len(rows) // size)
    ]
    if not all(finite for _, finite in batches):
        raise RunError("the generator gives numbers that are not finite")
    examples = np.concatenate([made for made, _ in batches])[:num]
    return examples.reshape(*leading, *examples.shape[1:])


def render(space: Space, z: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """Examples as a data set has them; see `synthesize`.

    Returns:
        Images uint8 `[..., H, W, C]`, or points float32 `[..., D]`.
    """
    flat = synthesize(
        space.generate, z.reshape(-1, z.shape[-1]), None if labels is None else np.ravel(labels)
    )
    shown = np.asarray(space.kind.to_data(flat))
    return shown.reshape(*z.shape[:-1], *shown.shape[1:])


@jax.jit
def _made(generate: Generate, z: jax.Array, labels: jax.Array | None):
    x = generate(z, labels)
    return x, jnp.all(jnp.isfinite(x))

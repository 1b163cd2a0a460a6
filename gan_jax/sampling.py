"""Examples from a generator: example number i of a seed is always the same one."""

from collections.abc import Callable, Iterator

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.batches import from_float, to_float
from gan_jax.game.state import Variables
from gan_jax.streams import example_keys, latents, root, stream

BATCH = 500  # examples a dispatch: memory does not grow with what is asked for

Sampler = Callable[[Variables, int, int], Iterator[np.ndarray]]


def make_sampler(generator: nn.Module, latent: int) -> Sampler:
    """A function of (variables, num, seed) to batches of num examples: uint8 images or points.

    Args:
        generator: The network; it runs as in use, with its running statistics.
        latent: Dimensions of the latent.
    """

    @jax.jit
    def batch(variables: Variables, key: jax.Array, first: jax.Array) -> jax.Array:
        z = latents(example_keys(key, BATCH, first=first), latent)
        return from_float(generator.apply(variables, z, train=False))

    def sample(variables: Variables, num: int, seed: int) -> Iterator[np.ndarray]:
        key = stream(root(seed), "samples")
        for first in range(0, num, BATCH):
            yield np.asarray(batch(variables, key, first))[: num - first]

    return sample


def make_accuracy(
    discriminator: nn.Module, even: float
) -> Callable[[Variables, np.ndarray], float]:
    """A function of (variables, real examples [N, ...]) to the share in [0, 1] taken for real.

    Args:
        discriminator: The network; it runs as in use.
        even: The logit above which an example is taken for real: its loss's.
    """

    @jax.jit
    def taken_for_real(variables: Variables, examples: jax.Array) -> jax.Array:
        return discriminator.apply(variables, to_float(examples), train=False).logits > even

    def accuracy(variables: Variables, examples: np.ndarray) -> float:
        padding = -len(examples) % BATCH
        padded = np.concatenate([examples, np.repeat(examples[:1], padding, axis=0)])
        batches = np.split(padded, len(padded) // BATCH)
        answers = [taken_for_real(variables, jnp.asarray(batch)) for batch in batches]
        return float(np.mean(np.concatenate(answers)[: len(examples)]))

    return accuracy

"""Examples from a generator: example number i of a seed is always the same one."""

from collections.abc import Callable, Iterator
from functools import partial

import flax.linen as nn
import jax
import numpy as np

from gan_jax.core.streams import example_keys, root, stream
from gan_jax.data.batches import Examples, from_float, to_float
from gan_jax.game.objectives import Game
from gan_jax.game.prior import Prior
from gan_jax.game.state import Variables

BATCH = 500  # examples a dispatch: memory does not grow with what is asked for

Sampler = Callable[[Variables, int, int], Iterator[Examples]]


def make_sampler(generator: nn.Module, prior: Prior) -> Sampler:
    """A function of (variables, num, seed) to batches of num examples: uint8 images or points.

    Args:
        generator: The network; it runs as in use, with its running statistics.
        prior: Where its inputs come from. The classes asked for are the examples' labels.
    """

    batch = jax.jit(partial(examples, generator, prior), static_argnames="num")

    def sample(variables: Variables, num: int, seed: int) -> Iterator[Examples]:
        for first in range(0, num, BATCH):
            found = batch(variables, np.uint32(seed), first, num=BATCH)
            yield jax.tree.map(lambda leaf, rest=num - first: np.asarray(leaf)[:rest], found)

    return sample


def examples(
    generator: nn.Module,
    prior: Prior,
    variables: Variables,
    seed: jax.Array | int,
    first: jax.Array | int = 0,
    *,
    num: int,
) -> Examples:
    """Examples number `first` to `first + num - 1` of a seed: a pure function."""
    draw = prior.draw(example_keys(stream(root(seed), "samples"), num, first=first))
    x = generator.apply(variables, draw.z, draw.labels, train=False)
    return Examples(from_float(x), draw.labels)


def make_accuracy(game: Game) -> Callable[[Variables, Examples], float]:
    """A function of (discriminator's variables, real examples [N, ...]) to the share in [0, 1] that
    it takes for real, in use.

    Args:
        game: The rules. `game.loss.threshold` is the logit above which an example is taken for real.
    """
    pack = game.preprocessing.pack
    size = BATCH - BATCH % pack

    @jax.jit
    def taken_for_real(variables: Variables, examples: Examples) -> jax.Array:
        floats = examples._replace(x=to_float(examples.x))
        return game.discriminate_in_evaluation(variables, floats).logits > game.loss.threshold

    def accuracy(variables: Variables, examples: Examples) -> float:
        num = len(examples.x)
        rows = np.arange(num + -num % size) % num
        answers = [
            taken_for_real(variables, jax.tree.map(lambda leaf, part=part: leaf[part], examples))
            for part in np.split(rows, len(rows) // size)
        ]
        # Several discriminators' answers are [K, N]; packs are counted, not examples.
        return float(np.mean(np.concatenate(answers, axis=-1)[..., : -(-num // pack)]))

    return accuracy

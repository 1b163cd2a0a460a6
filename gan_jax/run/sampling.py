"""Examples from a generator: example number i of a seed is always the same one."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.core.streams import example_keys, root, stream
from gan_jax.data.batches import Examples
from gan_jax.examples.condition import LABEL, Condition
from gan_jax.game.objectives import Game
from gan_jax.game.state import Variables

BATCH = 500  # examples a dispatch: memory does not grow with what is asked for

Sampler = Callable[[Variables, int, int], Iterator[Examples]]


def make_sampler(game: Game, conditions: Condition | None = None) -> Sampler:
    """A function of (variables, num, seed) to batches of num examples, as data sets hold them.

    Args:
        game: The rules. The generator runs with its running statistics.
        conditions: Conditions [M, ...] for priors that have none of their own to draw: example
            number i is made for number i modulo M.
    """
    batch = jax.jit(partial(examples, game), static_argnames="num")

    def sample(variables: Variables, num: int, seed: int) -> Iterator[Examples]:
        for first in range(0, num, BATCH):
            given = {name: conditions[name] for name in game.prior.given}
            found = batch(variables, np.uint32(seed), first, given, num=BATCH)
            yield jax.tree.map(lambda leaf, rest=num - first: np.asarray(leaf)[:rest], found)

    return sample


def as_arrays(batches: Iterable[Examples]) -> dict[str, np.ndarray]:
    """Samples by the names that files have for them: `samples` [N, ...] and, where they were made
    for classes, `labels` int32 [N]."""
    batches = list(batches)
    arrays = {"samples": np.concatenate([batch.x for batch in batches])}
    if LABEL in (batches[0].condition or {}):
        arrays["labels"] = np.concatenate([batch.condition[LABEL] for batch in batches])
    return arrays


def examples(
    game: Game,
    variables: Variables,
    seed: jax.Array | int,
    first: jax.Array | int = 0,
    conditions: Condition | None = None,
    *,
    num: int,
) -> Examples:
    """Examples number `first` to `first + num - 1` of a seed: a pure function."""
    keys = example_keys(stream(root(seed), "samples"), num, first=first)
    given = jax.tree.map(
        lambda leaf: jnp.take(leaf, first + jnp.arange(num), axis=0, mode="wrap"), conditions
    )
    inputs = game.prior.draw(keys, given)
    told = game.prior.told(inputs.condition)
    x = game.generator.apply(variables, inputs.z, told, train=False)
    return Examples(game.kind.to_data(x), told)


def make_accuracy(game: Game) -> Callable[[Variables, Examples], float]:
    """A function of (discriminator's variables, real examples [N, ...]) to the share in [0, 1] that
    it takes for real, with its running statistics.

    Args:
        game: The rules. An example is taken for real above the logit `game.loss.threshold`.
    """
    pack = game.preprocessing.pack
    size = BATCH - BATCH % pack

    classify = jax.jit(partial(taken_for_real, game))

    def accuracy(variables: Variables, examples: Examples) -> float:
        num = len(examples.x)
        rows = np.arange(num + -num % size) % num
        answers = [
            classify(variables, jax.tree.map(lambda leaf, part=part: leaf[part], examples))
            for part in np.split(rows, len(rows) // size)
        ]
        # Several discriminators' answers are [K, N]; packs are counted, not examples.
        return float(np.mean(np.concatenate(answers, axis=-1)[..., : -(-num // pack)]))

    return accuracy


def taken_for_real(game: Game, variables: Variables, examples: Examples) -> jax.Array:
    """Which real examples [N, ...], as data sets hold them, the discriminator takes for real, with
    its running statistics: bool [N / pack], of several discriminators [K, N / pack]."""
    floats = examples._replace(x=game.kind.to_model(examples.x))
    return game.discriminate_in_evaluation(variables, floats).logits > game.loss.threshold

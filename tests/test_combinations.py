"""Whatever a user can put together trains, or is refused with one line that names the key.

Every pair of choices occurs in some combination that is traced: what does not fit shows there. A
sample of the combinations trains two rounds.
"""

import itertools

import jax
import numpy as np
import pytest

from gan_jax import build
from gan_jax.data.batches import Examples
from gan_jax.errors import InputError
from gan_jax.game.losses import LOSSES
from gan_jax.game.penalties import PENALTIES
from gan_jax.game.schemes import SCHEMES
from gan_jax.models.conditioning import CONDITIONINGS
from gan_jax.models.minibatch import MINIBATCH
from gan_jax.models.norms import NORMS
from gan_jax.parallel import Devices

FACTORS = {
    "schedule.scheme": SCHEMES,
    "loss": LOSSES,
    "penalty.name": ["none", *PENALTIES],
    "model.generator.norm": NORMS,
    "model.discriminator.norm": NORMS,
    "model.conditioning": CONDITIONINGS,
    "model.discriminator.minibatch": MINIBATCH,
    "model.discriminator.count": [1, 2],
    "model.discriminator.pack": [1, 2],
    "model.codes.categories": [0, 3],
    "noise.deviation": [0.0, 0.1],
    "penalty.every": [1, 2],
    "smoothing": [0.0, 0.1],
    "optim.discriminator.name": ["sgd", "adam", "optimistic_adam"],
}
CANDIDATES = 40  # of which the one with most new pairs is taken


def combinations():
    """Choices such that every pair of two factors' choices occurs, in a greedy order."""
    rng = np.random.default_rng(0)
    choices = {key: list(values) for key, values in FACTORS.items()}
    left = {
        frozenset([(one, a), (other, b)])
        for one, other in itertools.combinations(choices, 2)
        for a in choices[one]
        for b in choices[other]
    }

    def pairs(combination):
        return {frozenset(pair) for pair in itertools.combinations(combination.items(), 2)}

    while left:
        seed = dict(min(left, key=lambda pair: sorted(map(str, pair))))
        drawn = [
            {key: values[rng.integers(len(values))] for key, values in choices.items()} | seed
            for _ in range(CANDIDATES)
        ]
        best = max(drawn, key=lambda combination: len(pairs(combination) & left))
        left -= pairs(best)
        yield best


COMBINATIONS = list(combinations())
PLAYED = COMBINATIONS[:: len(COMBINATIONS) // 20]


def prepared(tiny, combination, num=24):
    """The state, the round and the real examples; or the refusal."""
    conditional = combination["model.conditioning"] != "none"
    config = tiny(combination | {"model.classes": 4 if conditional else 0, "train.steps": 2})
    devices = Devices(jax.devices()[:1])
    players = build.players(config, (2,), num // 8)
    phases = build.phases(config, players, num // 8, devices)
    x = np.random.default_rng(0).normal(size=(num, 2)).astype(np.float32)
    labels = np.arange(num, dtype=np.int32) % 4 if conditional else None
    batches = build.batches(config, num)
    return config, players, phases, Examples(x, labels), batches


def refusal(tiny, combination):
    try:
        prepared(tiny, combination)
    except InputError as error:
        return error
    return None


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_a_combination_fits_or_is_refused_with_its_key(tiny, combination):
    if error := refusal(tiny, combination):
        assert error.key.removeprefix("config.") in {*FACTORS, "model.classes"}
        assert error.why
        assert "\n" not in str(error)
        return
    config, players, phases, examples, batches = prepared(tiny, combination)
    state = jax.eval_shape(lambda: build.state(config, players, (2,)))
    for phase in phases:
        rows = batches.indices(0, phase.batches)
        after, measured = jax.eval_shape(phase.play, state, examples, rows)
        assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), after) == jax.tree.map(
            lambda leaf: (leaf.shape, leaf.dtype), state
        )
        assert {leaf.shape for leaf in measured.values()} == {()}


def test_most_combinations_are_not_refused(tiny):
    refused = sum(refusal(tiny, combination) is not None for combination in COMBINATIONS)
    assert refused < 0.7 * len(COMBINATIONS)

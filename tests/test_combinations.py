"""Whatever a user can put together trains, or is refused with one line that names the key.

Every pair of choices occurs in some combination that is traced, where what does not fit shows. A
sample of the combinations, with every choice in it, trains two rounds.
"""

import itertools
from typing import NamedTuple

import jax
import numpy as np
import pytest
from training import assert_trains

from gan_jax.config.setup import Setup, build
from gan_jax.core.devices import Devices
from gan_jax.core.errors import InputError
from gan_jax.data import DataSpec
from gan_jax.data.batches import Examples
from gan_jax.examples import POINT
from gan_jax.game.losses import LOSSES
from gan_jax.game.penalties import PENALTIES
from gan_jax.game.schemes import SCHEMES, Phase
from gan_jax.models.activations import ACTIVATIONS
from gan_jax.models.conditioning import CONDITIONINGS
from gan_jax.models.minibatch import MINIBATCH
from gan_jax.models.norms import NORMS

POINTWISE = sorted({*NORMS} - {"instance"})  # which averages over positions, and points have none
FACTORS = {
    "schedule.scheme": SCHEMES,
    "loss": LOSSES,
    "penalty.name": ["none", *PENALTIES],
    "model.generator.norm": POINTWISE,
    "model.discriminator.norm": POINTWISE,
    "model.generator.activation": ACTIVATIONS,
    "model.discriminator.activation": ACTIVATIONS,
    "model.conditioning": CONDITIONINGS,
    "model.discriminator.minibatch": MINIBATCH,
    "model.discriminator.count": [1, 2],
    "model.codes.categories": [0, 3],
    "noise.deviation": [0.0, 0.1],
    "penalty.every": [1, 2],
    "optim.discriminator.name": ["sgd", "adam", "optimistic_adam"],
}
# Two rounds tell whether a combination runs, not whether it is stable at high rates.
SHALLOW = {"model.generator.depth": 1, "model.discriminator.depth": 1}
GENTLE = {
    "train.steps": 2,
    "schedule.unroll": 1,
    "penalty.weight": 0.1,
    "optim.generator.learning_rate": 1e-3,
    "optim.discriminator.learning_rate": 1e-3,
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


def sample():
    """Some of the combinations, in which every choice occurs."""
    left = {(key, value) for key, values in FACTORS.items() for value in values}
    while left:
        best = max(COMBINATIONS, key=lambda combination: len(left & {*combination.items()}))
        left -= {*best.items()}
        yield best


class Plan(NamedTuple):
    """A run put together, before anything is computed."""

    setup: Setup
    phases: tuple[Phase, ...]
    examples: Examples


@pytest.fixture
def plan(tiny):
    """A function of choices to the run that they make on 24 labelled points.

    With one hidden layer: a second would meet the other choices as the first does.
    """

    def make(choices):
        classes = 4 if choices.get("model.conditioning", "none") != "none" else 0
        config = tiny({"model.classes": classes} | SHALLOW | GENTLE | choices)
        setup = build(config, DataSpec("made", POINT, (2,), 24, classes=classes))
        phases = setup.phases(Devices(jax.devices()[:1]))
        x = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
        condition = {"label": np.arange(24, dtype=np.int32) % classes} if classes else None
        return Plan(setup, phases, Examples(x, condition))

    return make


@pytest.mark.parametrize(
    "combination", COMBINATIONS, ids=lambda choices: "-".join(map(str, choices.values()))
)
def test_a_combination_can_be_traced(plan, combination):
    """And gives back a state of the same kind, and scalars."""
    made = plan(combination)
    before = state = jax.eval_shape(made.setup.initial)
    for phase in made.phases:
        rows = made.setup.batches.indices(0, phase.batches)
        state, measured = jax.eval_shape(phase.step, state, made.examples, rows)
        assert {leaf.shape for leaf in measured.values()} == {()}
    assert jax.tree.map(_kind, state) == jax.tree.map(_kind, before)


def _kind(leaf):
    return leaf.shape, leaf.dtype


@pytest.mark.parametrize(
    "combination", [*sample()], ids=lambda choices: "-".join(map(str, choices.values()))
)
def test_a_combination_trains(plan, combination):
    made = plan(combination)
    assert_trains(made.setup.config, made.examples, POINT)


@pytest.mark.parametrize(
    ("key", "choices"),
    [
        ("smoothing", {"smoothing": 0.1, "loss": "hinge"}),
        ("model.conditioning", {"model.conditioning": "embed", "model.classes": 0}),
        ("model.classes", {"model.classes": 4, "model.conditioning": "none"}),
        ("model.discriminator.pack", {"model.discriminator.pack": 3}),
        (
            "model.discriminator.pack",
            {"model.discriminator.pack": 2, "model.conditioning": "projection"},
        ),
        (
            "model.discriminator.pack",
            {"model.discriminator.pack": 2, "model.codes.continuous": 1},
        ),
        ("model.generator.norm", {"model.generator.norm": "instance"}),
        ("augment.policy", {"augment.policy": "cutout"}),
        ("augment.policy", {"augment.policy": "cut"}),
        ("penalty.name", {"penalty.name": "r3"}),
        (
            "optim.discriminator.stop",
            {"optim.discriminator.stop": 5, "schedule.scheme": "lookahead"},
        ),
        ("model.discriminator.aggregate", {"model.discriminator.aggregate": "median"}),
        ("schedule.unit", {"schedule.scheme": "extragradient", "schedule.unit": "epoch"}),
        ("schedule.generator", {"schedule.scheme": "consensus", "schedule.generator": 2}),
    ],
)
def test_what_does_not_go_together_is_refused_with_its_key(plan, key, choices):
    with pytest.raises(InputError) as caught:
        plan(choices)
    assert caught.value.key == f"config.{key}"
    assert caught.value.value == choices[key]
    assert caught.value.why
    assert "\n" not in str(caught.value)

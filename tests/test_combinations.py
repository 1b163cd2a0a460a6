"""Whatever a user can put together trains, or is refused with one line that names the key.

Every pair of choices of different kinds occurs in some combination that is trained or traced, where
what does not fit shows. Choices are of one kind if the rest of the program can't tell them apart.
Those trained two rounds have every single choice among them.
"""

import itertools

import jax
import numpy as np
import pytest
from training import assert_can_be_traced, assert_trains

from gan_jax.config.setup import build
from gan_jax.core.devices import Devices
from gan_jax.core.errors import InputError
from gan_jax.data import DataSpec
from gan_jax.data.batches import Examples
from gan_jax.examples import POINT
from gan_jax.game.losses import LOSSES
from gan_jax.game.penalties import PENALTIES
from gan_jax.game.schemes import SCHEMES
from gan_jax.models.activations import ACTIVATIONS
from gan_jax.models.conditioning import CONDITIONINGS
from gan_jax.models.minibatch import MINIBATCH
from gan_jax.models.norms import NORMS

POINTWISE = sorted({*NORMS} - {"instance"})  # which averages over positions, and points have none
ACTIVE = sorted(ACTIVATIONS)


def alike(names, kind):
    """The names in groups of one kind."""
    groups = {}
    for name in names:
        groups.setdefault(kind(name), []).append(name)
    return [tuple(group) for group in groups.values()]


def uses(loss):
    """What of a loss the rest of a program depends on."""
    return loss.relativistic, loss.averages, loss.smoothed is None, loss.zero_sum


INTERPOLATED = ("gradient", "one_sided_gradient", "zero_centred")  # costs of the same slopes

# Of each factor the choices, those of one kind together.
FACTORS = {
    "schedule.scheme": alike(SCHEMES, str),
    "loss": alike(LOSSES, lambda name: uses(LOSSES[name])),
    "penalty.name": alike(["none", *PENALTIES], lambda name: name in INTERPOLATED or name),
    "model.generator.norm": alike(POINTWISE, str),
    "model.discriminator.norm": alike(POINTWISE, str),
    "model.generator.activation": alike(ACTIVE, str),
    "model.discriminator.activation": alike(ACTIVE, str),
    "model.conditioning": alike(CONDITIONINGS, str),
    "model.discriminator.minibatch": alike(MINIBATCH, str),
    "model.discriminator.count": [(1,), (2,)],
    "model.codes.categories": [(0,), (3,)],
    "noise.deviation": [(0.0,), (0.1,)],
    "penalty.every": [(1,), (2,)],
    "optim.discriminator.name": [("sgd",), ("adam",), ("optimistic_adam",)],
}
# Two rounds tell whether a combination runs, not whether it is stable at high rates.
GENTLE = {
    "train.steps": 2,
    "schedule.unroll": 1,
    "penalty.weight": 0.1,
    "optim.generator.learning_rate": 1e-3,
    "optim.discriminator.learning_rate": 1e-3,
}


def pairs(kinds):
    """All pairs of (key, kind) in a mapping of keys to kinds."""
    return {frozenset(pair) for pair in itertools.combinations(kinds.items(), 2)}


def covering_choices():
    """Kinds and a member of each, by key, such that every choice occurs: as few as there are
    choices of the factor that has most."""
    rng = np.random.default_rng(0)
    members = {
        key: [(kind, one) for kind in kinds for one in kind] for key, kinds in FACTORS.items()
    }
    most = max(map(len, members.values()))
    columns = [
        [values[place % len(values)] for place in rng.permutation(most)]
        for values in members.values()
    ]
    return [dict(zip(members, row, strict=True)) for row in zip(*columns, strict=True)]


def covering_pairs(covered):
    """Kinds by key such that, with the pairs that are covered, every pair occurs.

    Greedily: each row begins with a pair that is left, and the other factors, in a random order,
    take the kind that makes most new pairs with those already there.
    """
    rng = np.random.default_rng(0)
    factors = itertools.combinations(FACTORS.items(), 2)
    left = {
        frozenset([(one, a), (other, b)])
        for (one, kinds), (other, others) in factors
        for a, b in itertools.product(kinds, others)
    } - covered
    while left:
        row = dict(min(left, key=lambda pair: sorted(map(str, pair))))
        for key in rng.permutation([key for key in FACTORS if key not in row]).tolist():
            kinds = rng.permutation(len(FACTORS[key]))
            row[key] = max(
                (FACTORS[key][kind] for kind in kinds),
                key=lambda kind, key=key: sum(
                    frozenset([(key, kind), other]) in left for other in row.items()
                ),
            )
        left -= pairs(row)
        yield row


def with_members(rows):
    """Each kind by one of its members, one after the other."""
    cycles = {(key, kind): itertools.cycle(kind) for key in FACTORS for kind in FACTORS[key]}
    return [{key: next(cycles[key, row[key]]) for key in FACTORS} for row in rows]


_COVERING = covering_choices()
TRAINED = [{key: one for key, (_, one) in row.items()} for row in _COVERING]
TRACED = with_members(
    covering_pairs(
        set().union(*(pairs({key: kind for key, (kind, _) in row.items()}) for row in _COVERING))
    )
)


@pytest.fixture
def plan(tiny):
    """A function of choices to the set-up that they make, and 24 labelled points for it."""

    def make(choices):
        classes = 4 if choices.get("model.conditioning", "none") != "none" else 0
        config = tiny({"model.classes": classes} | GENTLE | choices)
        setup = build(config, DataSpec("made", POINT, (2,), 24, classes=classes))
        setup.phases(Devices(jax.devices()[:1]))  # what a scheme has no use for is refused there
        x = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
        condition = {"label": np.arange(24, dtype=np.int32) % classes} if classes else None
        return setup, Examples(x, condition)

    return make


@pytest.mark.parametrize(
    "combination", TRACED, ids=lambda choices: "-".join(map(str, choices.values()))
)
def test_a_combination_can_be_traced(plan, combination):
    assert_can_be_traced(*plan(combination))


@pytest.mark.parametrize(
    "combination", TRAINED, ids=lambda choices: "-".join(map(str, choices.values()))
)
def test_a_combination_trains(plan, combination):
    setup, examples = plan(combination)
    assert_trains(setup.config, examples, POINT)


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

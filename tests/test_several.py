"""Several discriminators: each is one of its own."""

import operator
from functools import partial

import jax
import numpy as np
import pytest

from gan_jax.core.devices import to_host
from gan_jax.models import mlp
from gan_jax.models.several import Several
from gan_jax.models.spectral import Spectral

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
CONDITION = {"label": np.array([0, 1, 2, 0, 1, 2], np.int32)}
MAKERS = {
    "batch": partial(mlp.Discriminator, 5, norm="batch"),
    "spectral": partial(Spectral, partial(mlp.Discriminator, 5)),
    "heads": partial(mlp.Discriminator, 5, classes=3, conditioning="auxiliary", codes=2),
    "projection": partial(
        mlp.Discriminator, 5, classes=3, conditioning="projection", minibatch="discrimination"
    ),
}


def member(variables, number):
    """The variables of one of them."""
    return {
        name: jax.tree.map(lambda leaf: leaf[number], tree["members"])
        for name, tree in variables.items()
    }


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_they_are_as_many_separate_ones(make):
    module = Several(make, 3)
    variables = module.init(jax.random.key(0), X, train=False)
    first, second = (jax.tree.leaves(member(variables, number)["params"]) for number in (0, 1))
    assert any(not np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    close = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    for train in (False, True):
        take = {"train": train, "mutable": ["batch_stats"]}
        output, new = jax.jit(partial(module.apply, **take))(variables, X, CONDITION)
        alone = jax.jit(partial(make().apply, **take))
        for number in range(3):
            one, new_one = alone(member(variables, number), X, CONDITION)
            jax.tree.map(close, jax.tree.map(operator.itemgetter(number), output), one)
            jax.tree.map(close, member(new, number), new_one)


def test_each_has_dropout_of_its_own():
    module = Several(partial(mlp.Discriminator, 50, dropout=0.5), 2)
    variables = module.init(jax.random.key(0), X, train=False)
    variables = jax.tree.map(lambda leaf: leaf.at[1].set(leaf[0]), variables)
    logits = module.apply(variables, X, train=False).logits
    np.testing.assert_array_equal(logits[0], logits[1])
    logits = module.apply(variables, X, train=True, rngs={"dropout": jax.random.key(0)}).logits
    assert np.all(logits[0] != logits[1])


def test_they_know_the_global_batch():
    module = Several(MAKERS["batch"], 2)
    variables = module.init(jax.random.key(0), X, train=False)
    expected, new = module.apply(variables, X, train=True, mutable=["batch_stats"])
    many = module.clone(axis_name="devices")
    mapped = jax.pmap(
        lambda x: many.apply(variables, x, train=True, mutable=["batch_stats"]),
        axis_name="devices",
        devices=jax.devices()[:3],
    )
    output, new_on_many = mapped(X.reshape(3, 2, 4))
    logits = np.moveaxis(output.logits, 0, 1).reshape(2, 6)
    np.testing.assert_allclose(logits, expected.logits, rtol=1e-4, atol=1e-5)
    jax.tree.map(
        lambda one, many: np.testing.assert_allclose(many[2], one, rtol=1e-4, atol=1e-6),
        new,
        new_on_many,
    )


def test_a_run_with_all_that_wraps_is_the_same_on_one_and_four_devices(start):
    """Two spectral discriminators that compare the examples of a batch, against batch norm."""
    fields = {"count": 2, "norm": "spectral", "minibatch": "discrimination", "dropout": 0.25}
    overrides = {f"model.discriminator.{name}": value for name, value in fields.items()}
    (one, _), (many, _) = (start(overrides, devices=count).train(2) for count in (1, 4))
    first, second = (jax.tree.leaves(state.discriminator.model_state) for state in (one, many))
    assert len(first) == len(second) == 3  # two layers and the projection of the examples
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5),
        to_host(many),
        to_host(one),
    )

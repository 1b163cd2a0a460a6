"""bfloat16: the networks compute in it; what is kept, given, learned and logged is float32."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.config.setup import build
from gan_jax.core.devices import Devices
from gan_jax.core.errors import InputError
from gan_jax.data import DataSpec
from gan_jax.data.batches import Examples
from gan_jax.examples import IMAGE
from gan_jax.models import DTYPES, PAIRS
from gan_jax.models.layers import Dropout
from gan_jax.models.norms import NORMS, BatchNorm

SHAPE = (16, 16, 1)
PLAYERS = ("generator", "discriminator")
COMBINATIONS = [
    *((name, norm) for name in PAIRS for norm in ("batch", "none", "spectral")),
    *(("cnn", norm) for norm in NORMS if norm not in ("batch", "none", "spectral")),
]
FLOAT32 = {jnp.dtype("float32")}
STATE = FLOAT32 | {jnp.dtype("int32"), jnp.dtype("uint32")}  # counts and the key


def overrides(name, norm, dtype, **more):
    norms = {f"model.{player}.norm": norm for player in PLAYERS}
    return {"model.name": name, "model.dtype": dtype} | norms | more


def types(tree):
    return {leaf.dtype for leaf in jax.tree.leaves(tree)}


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]).astype(np.float64)


def run(module, variables, inputs):
    """The network in training mode: its examples or logits and its new mutable collections."""
    rngs = {"dropout": jax.random.key(0)}
    outputs, collections = module.apply(
        variables, inputs, train=True, mutable=["batch_stats"], rngs=rngs
    )
    return jax.tree.leaves(outputs)[0], collections


# Types: nothing is computed


@pytest.fixture(scope="module")
def plan(tiny):
    """A function of overrides to the parts of a small run: players, phase and the state's types."""

    def parts(fields):
        setup = build(tiny(fields), DataSpec("made", IMAGE, SHAPE, 24))
        (phase,) = setup.phases(Devices(jax.devices()[:1]))
        return setup.players, phase, jax.eval_shape(setup.initial)

    return parts


def networks(players, state):
    """Each network, its variables and inputs."""
    z, x = (jax.ShapeDtypeStruct((8, *shape), jnp.float32) for shape in ((3,), SHAPE))
    yield players.generator, state.generator.variables, z
    yield players.discriminator, state.discriminator.variables, x


@pytest.mark.parametrize(
    ("name", "norm"),
    [*((name, "batch") for name in PAIRS), *(("cnn", norm) for norm in NORMS if norm != "batch")],
)
def test_what_a_run_keeps_gives_and_measures_is_float32(plan, name, norm):
    adam = {f"optim.{player}.name": "adam" for player in PLAYERS}
    dropout = {"model.discriminator.dropout": 0.25}
    players, phase, state = plan(overrides(name, norm, "bfloat16", **adam, **dropout))
    assert types(state) == STATE
    for player in (state.generator, state.discriminator):
        assert types(player.variables) == FLOAT32
        assert types(player.opt_state) == FLOAT32 | {jnp.dtype("int32")}  # adam's count
    assert types(state.ema) == FLOAT32

    for module, variables, inputs in networks(players, state):
        outputs, statistics = jax.eval_shape(partial(run, module), variables, inputs)
        assert types((outputs, statistics)) == FLOAT32

    examples = Examples(jax.ShapeDtypeStruct((24, *SHAPE), jnp.uint8))
    indices = jax.ShapeDtypeStruct((1, 8), jnp.int32)
    after, measured = jax.eval_shape(phase.step, state, examples, indices)
    assert after == state
    assert types(measured) == FLOAT32


def products(jaxpr):
    """Types of the operands of each matrix product and convolution in a program, in its order.

    Products of vectors are not counted: spectral normalization estimates by them, in float32.
    """
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        multiplies = name == "dot_general" or name.startswith("conv_")
        if multiplies and all(operand.aval.ndim > 1 for operand in equation.invars):
            yield tuple(str(operand.aval.dtype) for operand in equation.invars)
        for parameter in equation.params.values():
            for part in parameter if isinstance(parameter, (tuple, list)) else (parameter,):
                part = getattr(part, "jaxpr", part)
                if hasattr(part, "eqns"):
                    yield from products(part)


@pytest.mark.parametrize(
    ("name", "norm", "dtype"),
    [
        *((*combination, "bfloat16") for combination in COMBINATIONS),
        *((name, "batch", "float32") for name in PAIRS),
    ],
)
def test_all_layers_but_the_last_multiply_in_that_type(plan, name, norm, dtype):
    deep = {f"model.{player}.depth": 2 for player in PLAYERS}
    players, _, state = plan(overrides(name, norm, dtype) | deep)
    for module, variables, inputs in networks(players, state):

        def total(params, inputs, variables, module=module):
            return jnp.sum(run(module, variables | {"params": params}, inputs)[0])

        arguments = variables["params"], inputs, variables
        forward = jax.make_jaxpr(total)(*arguments)
        *inner, last = products(forward.jaxpr)
        assert len(inner) >= 2
        assert set(inner) == {(dtype, dtype)}
        assert last == ("float32", "float32")

        # Backward each layer has two more: its kernel's gradient and its input's.
        gradient = jax.make_jaxpr(jax.grad(total, argnums=(0, 1)))(*arguments)
        assert sorted(products(gradient.jaxpr)) == sorted(3 * [*inner, last])


# Numbers


@pytest.fixture(scope="module", params=["cnn", "mlp"])
def trained(request, start):
    """By type: a small run's parts, its states from the start on and what the rounds measured.

    Both players are updated at once, by sgd: the first round's step of each is its gradient at the
    start.
    """
    runs = {}
    simultaneous = {"schedule.scheme": "simultaneous"}
    for dtype in DTYPES:
        parts = start(overrides(request.param, "batch", dtype, **simultaneous), shape=SHAPE)
        run_round = jax.jit(parts.phases[0].step)
        states, measured = [parts.state], []
        for step in range(3):
            state, latest = run_round(states[-1], parts.examples, parts.batches.indices(step))
            states, measured = [*states, state], [*measured, latest]
        runs[dtype] = parts, states, measured
    return runs


def test_a_run_starts_from_the_same_bits_in_either_type(trained):
    (_, one, _), (_, other, _) = trained.values()
    jax.tree.map(np.testing.assert_array_equal, one[0], other[0])


def test_rounds_stay_finite(trained):
    _, states, measured = trained["bfloat16"]
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((states, measured)))
    assert types(states) == STATE


@pytest.mark.parametrize("player", PLAYERS)
def test_gradients_and_statistics_are_near_those_of_float32(trained, player):
    """From the same latents and reals; measured: cosines from 0.9975 on, statistics to 9e-4."""
    one, other = (
        [getattr(state, player) for state in trained[dtype][1][:2]]
        for dtype in ("float32", "bfloat16")
    )
    exact, rounded = (flat(before.params) - flat(after.params) for before, after in (one, other))
    lengths = np.linalg.norm(exact), np.linalg.norm(rounded)
    assert exact @ rounded / np.prod(lengths) > 0.99
    assert abs(lengths[1] / lengths[0] - 1) < 0.05
    np.testing.assert_allclose(flat(other[1].model_state), flat(one[1].model_state), atol=2e-3)


def test_examples_and_logits_are_not_rounded_to_bfloat16(trained):
    """bfloat16 steps by 1/256 below 1, an image of 8 bits by 1/127.5: its noise would show."""
    parts, (state, *_), _ = trained["bfloat16"]
    game, z = parts.updates.game, jax.random.normal(jax.random.key(1), (64, 3))

    @jax.jit
    def outputs(z):
        examples, _ = run(game.generator, state.generator.variables, z)
        return examples, run(game.discriminator, state.discriminator.variables, examples)[0]

    for output in outputs(z):
        assert np.mean(output == output.astype(jnp.bfloat16)) < 0.5


def test_batch_norm_counts_in_float32():
    """Many examples, far from zero: sums in bfloat16 would stand still at 256 times the mean."""
    x = 10 + jax.random.normal(jax.random.key(0), (4096, 3))
    x = x.astype(jnp.bfloat16)
    variables = BatchNorm().init(jax.random.key(0), x, train=False)
    y, new = BatchNorm().apply(variables, x, train=True, mutable=["batch_stats"])
    assert y.dtype == jnp.bfloat16
    assert types((variables, new)) == FLOAT32
    exact = np.asarray(x, np.float64)
    new = new["batch_stats"]["BatchNorm_0"]
    np.testing.assert_allclose(new["mean"], 0.1 * exact.mean(0), rtol=1e-5)
    np.testing.assert_allclose(new["var"], 0.9 + 0.1 * exact.var(0), rtol=1e-4)
    normal = (exact - exact.mean(0)) / exact.std(0)
    np.testing.assert_allclose(y.astype(jnp.float32), normal, rtol=2**-8, atol=1e-3)


def test_dropout_keeps_the_mean():
    """The scale 256/230 would itself be 0.3 % too small in bfloat16."""
    x = jax.random.uniform(jax.random.key(0), (64, 5000), minval=1, maxval=2).astype(jnp.bfloat16)
    y = Dropout(0.1).apply({}, x, train=True, rngs={"dropout": jax.random.key(1)})
    assert y.dtype == jnp.bfloat16
    x, y = (np.asarray(array, np.float64) for array in (x, y))
    np.testing.assert_allclose(y.sum() / x[y != 0].sum(), 256 / 230, rtol=2e-4)


# What a user can get wrong


@pytest.mark.parametrize("dtype", ["float16", "bf16", "double"])
@pytest.mark.parametrize("name", PAIRS)
def test_an_unknown_type_is_refused(plan, name, dtype):
    with pytest.raises(InputError) as caught:
        plan(overrides(name, "none", dtype))
    assert (caught.value.key, caught.value.value) == ("config.model.dtype", dtype)
    assert caught.value.why.endswith("choose from bfloat16, float32")

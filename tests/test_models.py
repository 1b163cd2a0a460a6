"""The pairs and their layers: shapes, sizes, ranges, and the same numbers on many devices."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import base
from gan_jax import models
from gan_jax.core.errors import InputError
from gan_jax.examples import IMAGE, POINT
from gan_jax.models import PAIRS
from gan_jax.models.activations import ACTIVATIONS
from gan_jax.models.layers import Dropout
from gan_jax.models.norms import NORMS

LATENT = 3


def pair(name, shape, *, width=2, norm="batch", dropout=0.0, classes=0, codes=0, **fields):
    """A small pair of players; `fields` are the config's, such as {"discriminator.count": 2}."""
    config = base.get_config().model
    players = {"width": width, "norm": norm}
    config.update(
        {"name": name, "generator": players, "discriminator": players | {"dropout": dropout}}
    )
    config.update_from_flattened_dict(fields)
    return models.build(config, IMAGE if len(shape) == 3 else POINT, shape, classes, codes)


def variables_of(module, example):
    """Shapes and types of a network's variables; nothing is computed."""
    return jax.eval_shape(
        lambda key, x: module.init(key, x, train=False), jax.random.key(0), example
    )


def size(tree):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


FITTING = [
    ("cnn", (8, 12, 3)),
    ("cnn", (28, 28, 1)),
    ("dcgan", (8, 8, 3)),
    ("dcgan", (28, 28, 1)),
    ("dcgan", (64, 64, 1)),
    ("mlp", (2,)),
    ("mlp", (5, 7, 3)),
    ("r3gan", (8, 8, 3)),
    ("r3gan", (28, 28, 1)),
    ("small_dcgan", (8, 9, 3)),
    ("small_dcgan", (28, 28, 3)),
    ("sngan", (8, 8, 3)),
    ("sngan", (64, 64, 1)),
]


SMALLEST = dict(reversed(FITTING))  # shape by name: there each norm is tried
HAVE_STATISTICS = {"batch", "local_batch", "spectral"}


@pytest.mark.parametrize(
    ("name", "shape", "norm"),
    [
        (name, shape, norm)
        for name, shape in FITTING
        for norm in (sorted(NORMS) if shape == SMALLEST[name] else ["batch"])
        if (name, norm) != ("mlp", "instance")
    ],
)
def test_shapes_types_and_collections(name, shape, norm):
    generator, discriminator = pair(name, shape, norm=norm, dropout=0.3)
    z, x = (jax.ShapeDtypeStruct((6, *rest), jnp.float32) for rest in ((LATENT,), shape))
    of_generator, of_discriminator = variables_of(generator, z), variables_of(discriminator, x)
    for variables in (of_generator, of_discriminator):
        assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    with_statistics = {"params"} | ({"batch_stats"} if norm in HAVE_STATISTICS else set())
    assert of_generator.keys() == with_statistics
    # A single layer, the first, is not followed by a normalization.
    alone = (name, shape) == ("dcgan", (8, 8, 3)) and norm != "spectral"
    assert of_discriminator.keys() == ({"params"} if alone else with_statistics)

    for train in (False, True):

        def run(module, variables, inputs, train=train):
            rngs = {"dropout": jax.random.key(0)}
            mutable = ["batch_stats"] if train else []
            return module.apply(variables, inputs, train=train, mutable=mutable, rngs=rngs)

        examples, _ = jax.eval_shape(lambda v, z: run(generator, v, z), of_generator, z)
        (logits, *_), _ = jax.eval_shape(lambda v, x: run(discriminator, v, x), of_discriminator, x)
        assert (examples.shape, examples.dtype) == ((6, *shape), jnp.float32)
        assert (logits.shape, logits.dtype) == ((6,), jnp.float32)


def test_every_pair_is_tried():
    assert {name for name, _ in FITTING} == set(PAIRS)


@pytest.mark.parametrize(
    ("name", "shape", "bounded"),
    [
        ("cnn", (4, 4, 1), True),
        ("dcgan", (8, 8, 1), True),
        ("mlp", (2, 2, 1), True),
        ("mlp", (2,), False),
    ],
)
def test_images_are_between_minus_one_and_one(name, shape, bounded):
    """Weights a hundred times too large: a tanh is at its ends and never beyond."""
    generator, _ = pair(name, shape, norm="none")
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20, LATENT)).astype(np.float32)
    variables = jax.tree.map(
        lambda leaf: 100 * rng.normal(size=leaf.shape).astype(np.float32),
        variables_of(generator, z),
    )
    examples = jax.jit(lambda v, z: generator.apply(v, z, train=False))(variables, z)
    assert (float(jnp.min(examples)) == -1 and float(jnp.max(examples)) == 1) == bounded


# Sizes


def dense(inputs, outputs):
    return inputs * outputs + outputs


def conv(kernel, inputs, outputs):
    return kernel**2 * inputs * outputs + outputs


def norm(features):
    return 2 * features


def bottleneck(features):
    middle = 2 * features
    grouped = 3**2 * 16 * middle + middle
    return conv(1, features, middle) + grouped + middle * features


def residual(inputs, outputs):
    return conv(1, inputs, outputs) + conv(3, inputs, outputs) + conv(3, outputs, outputs)


SIZES = {  # layer by layer for the widths of configs/base.py (32 and 64), 28x28x1, 64 latents
    "cnn": (
        [
            *(dense(64, 7 * 7 * 64), norm(64)),
            *(conv(4, 64, 64), norm(64), conv(4, 64, 32), norm(32), conv(3, 32, 1)),
        ],
        [conv(5, 1, 64), conv(5, 64, 128), dense(7 * 7 * 128, 1)],
    ),
    "dcgan": (
        [dense(64, 7 * 7 * 64), norm(64), conv(4, 64, 32), norm(32), conv(4, 32, 1)],
        [conv(4, 1, 64), conv(4, 64, 128), dense(7 * 7 * 128, 1)],
    ),
    "mlp": (
        [dense(64, 32), norm(32), dense(32, 32), norm(32), dense(32, 784)],
        [dense(784, 64), dense(64, 64), dense(64, 1)],
    ),
    "r3gan": (  # 128, 64 and 32 features
        [
            *(64 * 128, 7 * 7 * 128, *(2 * [bottleneck(128), norm(256), norm(256)])),
            *(128 * 64, *(2 * [bottleneck(64), norm(128), norm(128)])),
            *(64 * 32, *(2 * [bottleneck(32), norm(64), norm(64)]), 32),
        ],
        [
            *(64, *(2 * [bottleneck(64)]), 64 * 128, *(2 * [bottleneck(128)])),
            *(128 * 256, *(2 * [bottleneck(256)]), 7 * 7 * 256, dense(256, 1)),
        ],
    ),
    "small_dcgan": (
        [
            *(dense(64, 4 * 4 * 256), norm(256), conv(3, 256, 128), norm(128)),
            *(conv(3, 128, 64), norm(64), conv(3, 64, 32), norm(32), conv(3, 32, 1)),
        ],
        [conv(3, 1, 64), conv(3, 64, 128), conv(3, 128, 256), dense(4 * 4 * 256, 1)],
    ),
    "sngan": (
        [
            *(dense(64, 7 * 7 * 128), norm(128), norm(64), residual(128, 64)),
            *(norm(64), norm(32), residual(64, 32), norm(32), conv(3, 32, 1)),
        ],
        [residual(1, 64), residual(64, 128), residual(128, 256), dense(256, 1)],
    ),
}
TOTALS = {
    "cnn": (302_849, 212_865),
    "dcgan": (237_345, 138_561),
    "mlp": (29_136, 54_465),
    "r3gan": (331_168, 1_003_585),
    "small_dcgan": (654_785, 373_761),
    "sngan": (557_377, 1_185_985),
}


@pytest.mark.parametrize("name", PAIRS)
def test_parameter_counts_of_the_default_config(name):
    config = base.get_config()
    config.model.name = name
    generator, discriminator = models.build(config.model, IMAGE, (28, 28, 1))
    found = tuple(
        size(variables_of(module, jnp.zeros((1, *shape)))["params"])
        for module, shape in ((generator, (64,)), (discriminator, (28, 28, 1)))
    )
    assert found == tuple(sum(layers) for layers in SIZES[name]) == TOTALS[name]


# What a user can get wrong


@pytest.mark.parametrize(
    ("name", "shape", "key", "value"),
    [
        ("cnn", (30, 30, 1), "config.data.image_size", 30),
        ("cnn", (28, 30, 1), "config.data.image_size", 28),
        ("cnn", (2,), "config.model.name", "cnn"),
        ("dcgan", (4, 4, 1), "config.data.image_size", 4),  # nothing to halve
        ("dcgan", (30, 30, 1), "config.data.image_size", 30),  # 15 is no small base
        ("dcgan", (12, 12, 1), "config.data.image_size", 12),  # 3 is too small a one
        ("dcgan", (28, 32, 1), "config.data.image_size", 28),  # not square
        ("dcgan", (2,), "config.model.name", "dcgan"),
        ("small_dcgan", (7, 28, 1), "config.data.image_size", 7),
        ("vae", (28, 28, 1), "config.model.name", "vae"),
    ],
)
def test_a_pair_refuses_what_it_cannot_make(name, shape, key, value):
    with pytest.raises(InputError) as caught:
        pair(name, shape)
    assert (caught.value.key, caught.value.value) == (key, value)
    assert (", ".join(sorted(PAIRS)) if name == "vae" else str(shape)) in caught.value.why


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("name", PAIRS)
def test_an_unknown_norm_is_refused(name, player):
    both = dict(
        zip(("generator", "discriminator"), pair(name, (8, 8, 1), norm="bach"), strict=True)
    )
    example = jnp.zeros((1, LATENT) if player == "generator" else (1, 8, 8, 1))
    if (name, player) == ("dcgan", "discriminator"):
        example = jnp.zeros((1, 16, 16, 1))  # its first layer has none
    with pytest.raises(InputError) as caught:
        variables_of(both[player], example)
    assert (caught.value.key, caught.value.value) == (f"config.model.{player}.norm", "bach")
    assert ", ".join(sorted(NORMS)) in caught.value.why


# Fully connected networks


BY_HAND = {  # [N, pieces * F] to [N, F]
    "leaky_relu": lambda x: np.maximum(x, 0.2 * x),
    "maxout": lambda x: np.max([x[:, piece::5] for piece in range(5)], axis=0),
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
}


def both(name, value):
    return {f"{player}.{name}": value for player in ("generator", "discriminator")}


@pytest.mark.parametrize(("name", "depth"), [*zip(ACTIVATIONS, [1, 3, 2, 1], strict=True)])
def test_an_mlp_by_hand(name, depth):
    rng = np.random.default_rng(0)
    fields = both("activation", name) | both("depth", depth)
    generator, discriminator = pair("mlp", (2,), width=4, norm="none", **fields)
    for module, inputs in ((generator, LATENT), (discriminator, 2)):
        x = rng.normal(size=(6, inputs)).astype(np.float32)
        variables = jax.tree.map(
            lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), variables_of(module, x)
        )
        found = module.apply(variables, x, train=False)
        found = found.logits[:, None] if module is discriminator else found
        *hidden, last = variables["params"].values()  # in the order of their names
        assert len(hidden) == depth
        for layer in hidden:
            x = BY_HAND[name](x @ layer["kernel"] + layer["bias"])
            assert x.shape == (6, 4)
        np.testing.assert_allclose(found, x @ last["kernel"] + last["bias"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("name", sorted({*PAIRS} - {"mlp"}))
def test_an_activation_is_refused_where_there_is_no_choice(name, player):
    key = f"{player}.activation"
    with pytest.raises(InputError, match=f"{name} has its own, leave it at relu") as caught:
        pair(name, (8, 8, 1), **{key: "tanh"})
    assert (caught.value.key, caught.value.value) == (f"config.model.{key}", "tanh")


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_an_unknown_activation_is_refused(player):
    key = f"{player}.activation"
    module = pair("mlp", (2,), **{key: "swish"})[player == "discriminator"]
    with pytest.raises(InputError, match=", ".join(sorted(ACTIVATIONS))) as caught:
        variables_of(module, jnp.zeros((1, 2)))
    assert (caught.value.key, caught.value.value) == (f"config.model.{key}", "swish")


# Dropout


def drop(x, rate, *, axis_name=None, train=True, seed=0):
    rngs = {"dropout": jax.random.key(seed)} if train else {}
    return Dropout(rate, axis_name).apply({}, x, train=train, rngs=rngs)


@pytest.mark.parametrize("rate", [0.25, 0.3, 0.9, 0.999])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    x = np.asarray(drop(jnp.ones((64, 5, 7, 9)), rate))
    # To the nearest 256th, but for the least that may be kept.
    share = min(round(256 * rate), 255) / 256
    deviation = math.sqrt(share * (1 - share) / x.size)
    assert abs(np.mean(x == 0) - share) < 4.5 * deviation
    assert abs(np.mean(x) - 1) < 4.5 * deviation / (1 - share)
    np.testing.assert_allclose(x[x != 0], 1 / (1 - share), rtol=1e-6)


def test_dropout_is_another_for_each_example_position_and_key():
    x = jnp.ones((4, 30, 31))
    masks = np.asarray(drop(x, 0.5)) > 0
    assert not any(np.array_equal(masks[0], mask) for mask in masks[1:])
    assert not any(np.array_equal(masks[0, 0], row) for row in masks[0, 1:])
    assert np.any(masks != (np.asarray(drop(x, 0.5, seed=1)) > 0))


def test_dropout_keeps_values_and_type():
    x = jax.random.normal(jax.random.key(1), (8, 11)).astype(jnp.bfloat16)
    dropped = drop(x, 0.5)
    assert dropped.dtype == jnp.bfloat16
    np.testing.assert_array_equal(dropped[dropped != 0], 2 * x[dropped != 0])


def test_dropout_is_off_in_use_and_at_rate_zero():
    x = jnp.arange(6.0).reshape(2, 3)
    assert drop(x, 0.5, train=False) is x
    assert Dropout(0.0).apply({}, x, train=True) is x  # and needs no key


@pytest.mark.parametrize("count", [2, 4])
def test_dropout_follows_the_example_not_the_device(count):
    x = jax.random.normal(jax.random.key(1), (8, 3, 5))
    mapped = jax.pmap(
        lambda x: drop(x, 0.3, axis_name="devices"),
        axis_name="devices",
        devices=jax.devices()[:count],
    )
    shares = mapped(x.reshape(count, 8 // count, 3, 5))
    np.testing.assert_array_equal(shares.reshape(x.shape), drop(x, 0.3))


# What training does with them


def penalized(name, dtype):
    """A loss of both players with a gradient penalty, of trials of their variables, and the like.

    Returns:
        A function of a pair of variables, a leading axis of trials on each leaf, to the losses
        [trials] and their gradients; and the variables' shapes, without that axis.
    """
    generator, discriminator = pair(
        name, (8, 8, 1), width=3, norm="none", dtype=dtype, **both("depth", 1)
    )
    z = np.random.default_rng(0).normal(size=(3, LATENT)).astype(np.float32)
    images = jnp.zeros((3, 8, 8, 1))
    shapes = variables_of(generator, z), variables_of(discriminator, images)

    def run(module, variables, inputs):
        return module.apply(variables, inputs, train=True, mutable=["batch_stats"])[0]

    def loss(both):
        def total(x):
            return jnp.sum(jnp.sin(run(discriminator, both[1], x).logits))

        fakes = run(generator, both[0], z)
        return total(fakes) + jnp.sum(jax.grad(total)(fakes) ** 2)

    return jax.jit(jax.vmap(jax.value_and_grad(loss))), shapes


@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_differentiates_twice_and_maps_over_trials(name):
    """Two trials a step to either side of a third: their difference is what its gradient says."""
    run, shapes = penalized(name, "float32")
    rng = np.random.default_rng(1)

    def draw(leaf):
        return rng.normal(size=leaf.shape) / np.sqrt(leaf.size / leaf.shape[-1])

    direction, variables = (jax.tree.map(draw, shapes) for _ in range(2))
    step = 3e-4

    def trials(*steps):
        def along(leaf, change):
            return np.stack([leaf + step * change for step in steps]).astype(np.float32)

        return jax.tree.map(along, variables, direction)

    (before, after), _ = run(trials(-step, step))
    _, gradients = run(trials(1.0, 0.0))  # the second must not mind the first
    slopes = jax.tree.map(lambda leaf, change: np.sum(leaf[1] * change), gradients, direction)
    shares = [np.sum(np.abs(jax.tree.leaves(player["params"]))) for player in slopes]
    assert all(share > 0 for share in shares)
    slope = sum(jax.tree.leaves(slopes))
    np.testing.assert_allclose((after - before) / (2 * step), slope, atol=0.01 * sum(shares))


@pytest.mark.parametrize("name", PAIRS)
def test_gradients_of_every_pair_in_bfloat16_are_float32(name):
    run, shapes = penalized(name, "bfloat16")
    trials = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((2, *leaf.shape), leaf.dtype), shapes)
    losses, gradients = jax.eval_shape(run, trials)
    assert (losses.shape, losses.dtype) == ((2,), jnp.float32)
    assert gradients == trials

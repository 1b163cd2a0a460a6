"""Labels and codes: where they enter and what comes of them, layer by layer in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_models import pair, variables_of

from gan_jax.core.errors import InputError
from gan_jax.models import PAIRS, cnn, mlp
from gan_jax.models.conditioning import CONDITIONINGS
from gan_jax.models.output import DiscriminatorOutput

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(4, 3)).astype(np.float32)
IMAGES = RNG.normal(size=(4, 8, 8, 1)).astype(np.float32)
LABELS = np.array([2, 0, 1, 2], np.int32)
CLASSES = 3
CONDITION = {"label": LABELS}
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]


def start(module, inputs):
    """Random variables of a network, biases too."""
    shapes = jax.eval_shape(lambda x: module.init(jax.random.key(0), x, train=False), inputs)
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)


def conditional(make, conditioning, inputs):
    module = make(conditioning=conditioning, classes=CLASSES)
    return module, start(module, inputs)


def without(variables, *names):
    return {"params": {k: v for k, v in variables["params"].items() if k not in names}}


def generator(**fields):
    return mlp.Generator((2,), 5, norm="none", **fields)


def discriminator(**fields):
    return mlp.Discriminator(5, **fields)


def convolutional(**fields):
    return cnn.Discriminator(2, kernel=3, **fields)


def features(variables, x):
    """The last hidden layer of `discriminator`."""
    for name in ("Dense_0", "Dense_1"):
        layer = variables["params"][name]
        x = np.maximum(x @ layer["kernel"] + layer["bias"], 0)
    return x


# Inputs: as of an unconditional network that is given more


@pytest.mark.parametrize(
    ("make", "inputs", "planes"),
    [
        (generator, POINTS, ONE_HOT),
        (discriminator, POINTS, ONE_HOT),
        (discriminator, IMAGES, ONE_HOT),  # an mlp sees a vector
        (convolutional, IMAGES, np.broadcast_to(ONE_HOT[:, None, None], (4, 8, 8, CLASSES))),
    ],
)
def test_concatenated_labels_are_one_hot(make, inputs, planes):
    module, variables = conditional(make, "concatenate", inputs)
    if planes.ndim < inputs.ndim:
        inputs = inputs.reshape(4, -1)
    expected = make().apply(variables, np.concatenate([inputs, planes], -1), train=False)
    found = module.apply(variables, inputs, CONDITION, train=False)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize(
    ("make", "conditioning", "inputs"),
    [
        (generator, "embed", POINTS),
        (generator, "projection", POINTS),
        (generator, "auxiliary", POINTS),
        (discriminator, "embed", POINTS),
        (convolutional, "embed", IMAGES),
    ],
)
def test_embedded_labels_are_learned_numbers_beside_the_input(make, conditioning, inputs):
    module, variables = conditional(make, conditioning, inputs)
    table = variables["params"]["Embed_0"]["embedding"]
    assert table.shape == (CLASSES, inputs[0].size)
    more = np.concatenate([inputs, table[LABELS].reshape(inputs.shape)], -1)
    expected = make().apply(without(variables, "Embed_0"), more, train=False)
    found = module.apply(variables, inputs, CONDITION, train=False)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


# Heads


def test_projection_by_hand():
    module, variables = conditional(discriminator, "projection", POINTS)
    hidden, head = features(variables, POINTS), variables["params"]["Dense_2"]
    logits = hidden @ head["kernel"][:, 0] + head["bias"][0]
    embedded = variables["params"]["Embed_0"]["embedding"][LABELS]
    found = module.apply(variables, POINTS, CONDITION, train=False)
    np.testing.assert_allclose(found.logits, logits + np.sum(embedded * hidden, -1), rtol=1e-4)
    assert found.class_logits is None


def test_an_auxiliary_classifier_is_a_second_head_that_is_told_nothing():
    module, variables = conditional(discriminator, "auxiliary", POINTS)
    head = variables["params"]["class_logits"]
    found = module.apply(variables, POINTS, train=False)
    class_logits = features(variables, POINTS) @ head["kernel"] + head["bias"]
    np.testing.assert_allclose(found.class_logits, class_logits, rtol=1e-4, atol=1e-5)
    plain = discriminator().apply(without(variables, "class_logits"), POINTS, train=False)
    np.testing.assert_array_equal(found.logits, plain.logits)


def test_codes_by_hand():
    module = discriminator(codes=2)
    variables = start(module, POINTS)
    hidden, last = (variables["params"][name] for name in ("code_features", "codes"))
    assert hidden["bias"].shape == (128,)
    x = features(variables, POINTS) @ hidden["kernel"] + hidden["bias"]
    codes = np.where(x > 0, x, 0.1 * x) @ last["kernel"] + last["bias"]
    found = module.apply(variables, POINTS, train=False)
    np.testing.assert_allclose(found.codes, codes, rtol=1e-4, atol=1e-4)
    plain = discriminator().apply(without(variables, "code_features", "codes"), POINTS, train=False)
    np.testing.assert_array_equal(found.logits, plain.logits)


# Every pair


@pytest.mark.parametrize("conditioning", sorted(CONDITIONINGS))
@pytest.mark.parametrize("name", PAIRS)
def test_every_pair_takes_labels_and_reads_codes(name, conditioning):
    """And batch layers, spectral normalization and two discriminators besides, in bfloat16."""
    fields = {"conditioning": conditioning, "dtype": "bfloat16", "discriminator.count": 2}
    fields["discriminator.minibatch"] = "discrimination"
    both = pair(name, (8, 8, 1), norm="spectral", classes=CLASSES, codes=5, **fields)
    z = jnp.zeros((4, 3))
    outputs, examples = [], []
    for module, inputs, found in zip(both, (z, IMAGES), (examples, outputs), strict=True):
        variables = variables_of(module, inputs)
        found.append(
            jax.eval_shape(
                lambda v, x, module=module: module.apply(v, x, CONDITION, train=False),
                variables,
                inputs,
            )
        )
    float32 = jnp.float32
    classes = jax.ShapeDtypeStruct((2, 4, CLASSES), float32)
    assert examples == [jax.ShapeDtypeStruct((4, 8, 8, 1), float32)]
    assert outputs == [
        DiscriminatorOutput(
            jax.ShapeDtypeStruct((2, 4), float32),
            classes if conditioning == "auxiliary" else None,
            jax.ShapeDtypeStruct((2, 4, 5), float32),
        )
    ]


@pytest.mark.parametrize("name", PAIRS)
def test_an_unconditional_pair_has_no_more_parameters_for_classes_in_the_data(name):
    for classed, plain, inputs in zip(
        pair(name, (8, 8, 1), classes=10), pair(name, (8, 8, 1)), (POINTS, IMAGES), strict=True
    ):
        assert variables_of(classed, inputs) == variables_of(plain, inputs)


# What a user can get wrong


@pytest.mark.parametrize(
    ("conditioning", "classes", "why"),
    [
        ("projection", 0, "needs config.model.classes"),
        ("label", 3, "unknown, choose from auxiliary, concatenate, embed, none, projection"),
    ],
)
def test_a_conditioning_that_cannot_be_is_refused(conditioning, classes, why):
    with pytest.raises(InputError) as caught:
        pair("mlp", (2,), classes=classes, conditioning=conditioning)
    assert (caught.value.key, caught.value.value) == ("config.model.conditioning", conditioning)
    assert caught.value.why == why


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_instance_normalization_of_vectors_is_refused(player):
    with pytest.raises(InputError) as caught:
        pair("mlp", (8, 8, 1), **{f"{player}.norm": "instance"})
    assert (caught.value.key, caught.value.value) == (f"config.model.{player}.norm", "instance")

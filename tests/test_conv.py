"""The quick convolutions are Flax's: parameters, values and derivatives, whatever is mapped."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models import conv
from gan_jax.models.conv import (
    cpu,
    mapped,
    native,
    products,
    taps,
    toom,
    trilinear,
    unfolded,
    windows,
)
from gan_jax.models.conv.geometry import Geometry


class Case(NamedTuple):
    """A layer and its input."""

    layer: str
    kernel: tuple[int, int]
    strides: int | tuple[int, int]
    channels: int
    features: int
    sides: tuple[int, int] = (4, 3)
    padding: object = "SAME"


UP, DOWN = "ConvTranspose", "Conv"
CASES = {
    "the generators' own": Case(UP, (4, 4), 2, 3, 5),
    "up, wide": Case(UP, (4, 4), 2, 80, 80),
    "up, one channel": Case(UP, (4, 4), 2, 6, 1),
    "up, odd kernel": Case(UP, (3, 3), 2, 5, 1),
    "up, large kernel": Case(UP, (5, 5), 2, 1, 3),
    "up, larger kernel": Case(UP, (7, 7), 2, 2, 5),
    "up, no stride": Case(UP, (3, 3), 1, 3, 2),
    "up, even kernel, no stride": Case(UP, (4, 4), 1, 2, 3),
    "up, kernel as wide as the stride": Case(UP, (2, 2), 2, 3, 3),
    "up, kernel narrower than the stride": Case(UP, (2, 2), 3, 3, 1),
    "up, one pixel": Case(UP, (1, 1), 2, 2, 3),
    "up, oblong": Case(UP, (2, 5), (3, 2), 3, 2),
    "up, valid": Case(UP, (4, 3), (2, 3), 3, 6, padding="VALID"),
    "up, padding of its own": Case(UP, (4, 3), 2, 3, 6, padding=((1, 2), (0, 1))),
    "the discriminators' own": Case(DOWN, (4, 4), 2, 3, 5, (8, 6)),
    "down, wide": Case(DOWN, (4, 4), 2, 80, 80, (8, 6)),
    "down, odd kernel, odd sides": Case(DOWN, (5, 5), 2, 3, 5, (9, 7)),
    "down, the images' own": Case(DOWN, (3, 3), 1, 6, 1, (5, 6)),
    "down, three channels": Case(DOWN, (3, 3), 1, 6, 3, (5, 6)),
    "down, one channel in": Case(DOWN, (7, 7), 2, 1, 5, (8, 8)),
    "down, oblong": Case(DOWN, (2, 5), (3, 1), 3, 6, (8, 7)),
    "down, valid": Case(DOWN, (4, 3), (2, 3), 3, 6, (9, 8), "VALID"),
    "down, padding of its own": Case(DOWN, (4, 3), 2, 3, 6, (9, 8), ((3, 0), (0, 2))),
}
OWN = ("the generators' own", "the discriminators' own")
MAPPED = {name: CASES[name] for name in OWN}
# Derivatives of the first order take all three contractions of a geometry, higher ones take the
# same again by rules that look at no sizes: sides and strides that differ are enough for those.
# How parameters are drawn is a matter of the layer; theirs fit in ours in all cases under jit.
UNEQUAL = {name: CASES[name] for name in (*OWN, "up, oblong", "down, oblong")}


def layers(case):
    """Ours and Flax's."""
    fields = {
        "features": case.features,
        "kernel_size": case.kernel,
        "strides": case.strides,
        "padding": case.padding,
    }
    ours = getattr(conv, case.layer)(**fields)
    if isinstance(case.strides, int):
        fields["strides"] = (case.strides,) * 2
    return ours, getattr(nn, case.layer)(**fields)


def inputs(case, *, seed=0):
    """Parameters with a bias that counts, and images."""
    rng = np.random.default_rng(seed)
    scale = (case.kernel[0] * case.kernel[1] * case.channels) ** -0.5
    kernel = scale * rng.normal(size=(*case.kernel, case.channels, case.features))
    params = {"kernel": kernel.astype("f"), "bias": rng.normal(size=case.features).astype("f") / 4}
    return params, rng.normal(size=(2, *case.sides, case.channels)).astype("f")


def loss(layer):
    def of(params, images):
        return jnp.sum(jnp.tanh(layer.apply({"params": params}, images)) ** 2)

    return of


def first_order(layer):
    """Values and gradients."""

    def both(params, images):
        return {
            "values": layer.apply({"params": params}, images),
            "gradients": jax.grad(loss(layer), argnums=(0, 1))(params, images),
        }

    return both


def all_orders(layer):
    """Those, the gradient of a gradient penalty, and directional derivatives."""

    def penalty(params, images):
        return jnp.sum(jax.grad(loss(layer), argnums=1)(params, images) ** 2)

    def everything(params, images):
        direction = jax.tree.map(jnp.cos, (params, images))
        found, along = jax.jvp(first_order(layer), (params, images), direction)
        return found | {
            "second": jax.grad(penalty, argnums=(0, 1))(params, images),
            "forward": jax.jvp(loss(layer), (params, images), direction)[1],
            "forward over reverse": along["gradients"],
        }

    return everything


def assert_close(ours, theirs):
    """Equal up to rounding, which grows with the largest number of an array."""
    for name in theirs:
        for one, other in zip(
            jax.tree.leaves(ours[name]), jax.tree.leaves(theirs[name]), strict=True
        ):
            scale = np.max(np.abs(other))
            assert scale > 1e-3, "nothing to compare"
            np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5 * scale, err_msg=name)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_equals_flax_under_jit(case):
    ours, theirs = layers(case)
    found, expected = (jax.jit(first_order(layer))(*inputs(case)) for layer in (ours, theirs))
    assert found["values"].shape == expected["values"].shape
    assert_close(found, expected)


@pytest.mark.parametrize("case", UNEQUAL.values(), ids=UNEQUAL)
def test_derivatives_of_higher_order_equal_those_of_flax(case):
    found, expected = (jax.jit(all_orders(layer))(*inputs(case)) for layer in layers(case))
    assert_close(found, expected)


@pytest.mark.parametrize("case", UNEQUAL.values(), ids=UNEQUAL)
def test_parameters_are_those_of_flax(case):
    _, images = inputs(case)
    found, expected = (jax.jit(layer.init)(jax.random.key(3), images) for layer in layers(case))
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize("case", MAPPED.values(), ids=MAPPED)
@pytest.mark.parametrize(
    "mapped", [(0, 0), (0, None), (None, 0)], ids=["both", "kernels", "images"]
)
def test_equals_flax_under_vmap(case, mapped):
    ours, theirs = layers(case)
    trials = [inputs(case, seed=seed) for seed in range(2)]
    stacked = tuple(
        trials[0][number] if axis is None else jax.tree.map(lambda *x: np.stack(x), *parts)
        for number, (axis, parts) in enumerate(zip(mapped, zip(*trials, strict=True), strict=True))
    )
    found = jax.jit(jax.vmap(all_orders(ours), in_axes=mapped))(*stacked)
    assert_close(found, jax.jit(jax.vmap(all_orders(theirs), in_axes=mapped))(*stacked))


@pytest.mark.parametrize("formulation", [unfolded, taps], ids=["unfolded", "taps"])
@pytest.mark.usefixtures("lowered_anew")
def test_formulations_of_accelerators_equal_flax_by_all_derivatives(formulation, monkeypatch):
    """Computed here, in the place of a CPU's own."""
    case = CASES["up, oblong"]
    monkeypatch.setattr(trilinear, "cpu", formulation)
    ours, theirs = layers(case)
    stacked = jax.tree.map(lambda *x: np.stack(x), *(inputs(case, seed=seed) for seed in (0, 1)))
    found = jax.jit(jax.vmap(all_orders(ours)))(*stacked)
    assert_close(found, jax.jit(jax.vmap(all_orders(theirs)))(*stacked))


@pytest.mark.parametrize("case", MAPPED.values(), ids=MAPPED)
def test_equals_flax_where_a_vmap_is_differentiated(case):
    trials = [inputs(case, seed=seed) for seed in range(2)]
    stacked = jax.tree.map(lambda *x: np.stack(x), *trials)

    def gradients(layer):
        def total(params, images):
            return jnp.sum(jax.vmap(loss(layer))(params, images))

        return {"gradients": jax.jit(jax.grad(total, argnums=(0, 1)))(*stacked)}

    ours, theirs = layers(case)
    assert_close(gradients(ours), gradients(theirs))


@pytest.mark.parametrize("case", MAPPED.values(), ids=MAPPED)
def test_equals_flax_under_pmap(case):
    ours, theirs = layers(case)
    params, images = inputs(case)
    split = images[:, None]

    def gradient(layer):
        def mean(params, images):
            return jax.lax.pmean(jax.grad(loss(layer))(params, images), "devices")

        devices = jax.devices()[:2]
        return jax.pmap(mean, "devices", in_axes=(None, 0), out_axes=None, devices=devices)

    assert_close({"mean": gradient(ours)(params, split)}, {"mean": gradient(theirs)(params, split)})


def test_leading_axes_and_other_types_are_kept():
    case = CASES["the generators' own"]
    params, images = inputs(case)
    for layer in layers(case):
        several = layer.apply({"params": params}, np.stack([images] * 3))
        assert several.shape == (3, 2, 8, 6, 5)
        half = layer.clone(dtype=jnp.bfloat16).apply({"params": params}, images)
        assert half.dtype == jnp.bfloat16
        np.testing.assert_allclose(half.astype("f"), several[0], atol=0.05)


GEOMETRIES = {
    "up to MNIST": Geometry((28, 28), (4, 4), (2, 2), ((1, 1), (1, 1))),
    "up to its half": Geometry((14, 12), (4, 4), (2, 2), ((1, 1), (1, 1))),
    "no stride": Geometry((9, 7), (3, 3), (1, 1), ((1, 1), (1, 1))),
    "large kernel": Geometry((11, 8), (5, 5), (2, 2), ((2, 2), (1, 2))),
    "larger kernel": Geometry((28, 28), (7, 7), (2, 2), ((2, 3), (2, 3))),
    "oblong": Geometry((12, 9), (4, 3), (2, 1), ((0, 0), (1, 1))),
    "pixels left over": Geometry((13, 13), (4, 4), (2, 2), ((0, 0), (0, 0))),
    "cropped": Geometry((13, 12), (4, 4), (2, 2), ((-1, 1), (-2, 0))),
}
FOUR_TAPS = "larger kernel"  # more than Toom and Cook's points allow
ROOMS = [(toom, "to_y"), (toom, "to_x"), (toom, "to_kernel"), (windows, "to_x")]
ROOMS += [
    (room, name) for room in (products, unfolded, taps) for name in ("to_y", "to_x", "to_kernel")
]


def operands(name, geometry, channels=5, features=6):
    """Shapes of what a contraction takes."""
    shapes = {
        "x": (3, *geometry.sides, channels),
        "y": (3, *geometry.outputs, features),
        "kernel": (*geometry.kernel, channels, features),
    }
    needed = {"to_y": ("x", "kernel"), "to_x": ("y", "kernel"), "to_kernel": ("x", "y")}[name]
    return [jax.ShapeDtypeStruct(shapes[role], jnp.float32) for role in needed]


def filled(shapes):
    """Arrays of these shapes."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape.shape).astype(shape.dtype) for shape in shapes]


@pytest.mark.parametrize("name", GEOMETRIES)
def test_every_formulation_is_the_native_one(name):
    geometry = GEOMETRIES[name]
    given = {result: filled(operands(result, geometry)) for _, result in ROOMS}

    @jax.jit
    def results(given):
        """By formulation and contraction, in one program: many small ones compile longer."""
        found = {
            (room.__name__, result): getattr(room, result)(*given[result], geometry)
            for room, result in ROOMS
            if room is not toom or name != FOUR_TAPS
        }
        return found, {
            place: getattr(native, place[1])(*given[place[1]], geometry) for place in found
        }

    assert_close(*results(given))


@pytest.mark.parametrize(
    ("platform", "limit", "expected"),
    [("cuda", mapped.WINDOWS, unfolded), ("rocm", 0, taps), ("tpu", mapped.WINDOWS, native)],
)
def test_many_trials_take_the_formulation_that_suits_the_platform(
    platform, limit, expected, monkeypatch
):
    monkeypatch.setattr(mapped, "WINDOWS", limit)
    geometry = GEOMETRIES["oblong"]
    for name in ("to_y", "to_x", "to_kernel"):
        one = filled(operands(name, geometry))
        several = [np.stack([array, 2 * array]) for array in one]
        assert mapped.formulation(platform, name, several, geometry) is expected
        assert mapped.formulation(platform, name, [each[None] for each in one], geometry) is native
        found = jax.jit(partial(mapped.contract, platform, name, geometry=geometry))(*several)
        first = getattr(native, name)(*one, geometry)
        assert_close({name: found}, {name: np.stack([first, 4 * first])})


def test_windows_are_those_of_all_trials(monkeypatch):
    geometry = GEOMETRIES["up to MNIST"]
    shapes = operands("to_x", geometry)  # 3 images of 14 x 14, windows of 4 x 4 x 5
    several = [jax.ShapeDtypeStruct((2, *shape.shape), shape.dtype) for shape in shapes]
    for limit, expected in (
        (2 * 3 * 14 * 14 * 80 * 4, unfolded),
        (2 * 3 * 14 * 14 * 80 * 4 - 1, taps),
    ):
        monkeypatch.setattr(mapped, "WINDOWS", limit)
        assert mapped.formulation("cuda", "to_x", several, geometry) is expected


def test_a_kernel_of_more_taps_than_points_has_no_tiles():
    assert toom.axes(GEOMETRIES[FOUR_TAPS].outputs, (4, 4)) is None


CHOICES = {
    "the widest up": ("to_x", "up to MNIST", 64, 128, toom),
    "a wide kernel gradient": ("to_kernel", "up to MNIST", 64, 128, toom),
    "a narrow up": ("to_x", "up to MNIST", 16, 32, windows),
    "an up to one channel": ("to_x", "up to MNIST", 1, 32, native),
    "a convolution to one channel": ("to_y", "no stride", 32, 1, products),
    "a narrow down": ("to_y", "up to MNIST", 16, 32, native),
    "a kernel too large for few points": ("to_y", "larger kernel", 512, 512, native),
}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_a_cpu_takes_the_formulation_that_suits_the_shapes(choice, monkeypatch):
    name, geometry, channels, features, expected = choice
    taken = []
    for room in (native, products, toom, windows):
        if hasattr(room, name):
            monkeypatch.setattr(room, name, lambda *_, room=room: taken.append(room))
    shapes = operands(name, GEOMETRIES[geometry], channels, features)
    getattr(cpu, name)(*shapes, GEOMETRIES[geometry])
    assert taken == [expected]


def test_half_precision_is_not_spent_on_sums(monkeypatch):
    monkeypatch.setattr(toom, "to_x", lambda *_: pytest.fail("sums in bfloat16"))
    geometry = GEOMETRIES["up to its half"]
    given = filled(operands("to_x", geometry, 64, 128))
    half = [operand.astype(jnp.bfloat16) for operand in given]
    expected = native.to_x(*given, geometry)
    found = cpu.to_x(*half, geometry).astype("f")
    assert np.sqrt(np.mean((found - expected) ** 2)) < 3e-3 * np.std(expected)


def test_the_gradient_of_a_bias_is_summed_in_its_own_type():
    layer = conv.Conv(4, (1, 1), dtype=jnp.bfloat16)
    images = np.random.default_rng(0).random((64, 14, 14, 1), np.float32)
    params = layer.init(jax.random.key(0), images)["params"]

    def total(bias):
        return jnp.sum(layer.apply({"params": params | {"bias": bias}}, images))

    np.testing.assert_allclose(jax.grad(total)(params["bias"]), 64 * 14 * 14, rtol=1e-5)

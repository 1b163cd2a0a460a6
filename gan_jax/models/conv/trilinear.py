"""Strided convolution, transposed convolution and kernel gradient: one form, three contractions.

All that a convolution computes is the trilinear form

    T(x, y, k) = sum over n, i, t, c, o of  x[n, s i + t - p, c]  y[n, i, o]  k[t, c, o]

of images x, smaller images y and a kernel k, with strides s and padding p. Its derivative with
respect to one of the three is a contraction of the other two:

    to_y(x, k)       the strided convolution
    to_x(y, k)       the transposed convolution
    to_kernel(x, y)  the gradient of either by its kernel

Each of these is linear in both operands, and the transpose of each is another of the three. So
derivatives of any order, forward or reverse, are made of these three functions, and whoever makes
the three quick makes all of them quick. They are JAX primitives for that reason: a custom_vjp has
no forward mode, a custom_jvp no transpose of its own.

A leading axis of trials is part of every operand, so that vmap over kernels is closed as well.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from gan_jax.models.conv import cpu, mapped
from gan_jax.models.conv.geometry import Geometry


class Contraction(NamedTuple):
    """One contraction of the form.

    Attributes:
        operands: The two that it takes.
        result: The one that it gives.
    """

    operands: tuple[str, str]
    result: str


CONTRACTIONS = {
    "to_y": Contraction(("x", "kernel"), "y"),
    "to_x": Contraction(("y", "kernel"), "x"),
    "to_kernel": Contraction(("x", "y"), "kernel"),
}
_PRIMITIVES = {
    contraction.result: Primitive(f"conv_{name}") for name, contraction in CONTRACTIONS.items()
}


def to_y(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """Strided convolution.

    Args:
        x: [N, H, W, C].
        kernel: [h, w, C, O].
        geometry: With sides (H, W) and kernel (h, w).

    Returns:
        [N, *geometry.outputs, O].
    """
    return _bind("y", x[None], kernel[None], geometry=geometry)[0]


def to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """Transposed convolution, the adjoint of `to_y`.

    Args:
        y: [N, *geometry.outputs, O].
        kernel: [h, w, C, O].
        geometry: With sides (H, W) and kernel (h, w).

    Returns:
        [N, H, W, C].
    """
    return _bind("x", y[None], kernel[None], geometry=geometry)[0]


def _bind(result: str, *operands: jax.Array, geometry: Geometry) -> jax.Array:
    return _PRIMITIVES[result].bind(*operands, geometry=geometry)


def _shape(contraction: Contraction, *operands: ShapedArray, geometry: Geometry) -> ShapedArray:
    """Shape of the result, with its leading axis of trials."""
    shapes = dict(zip(contraction.operands, (operand.shape for operand in operands), strict=True))
    trials = operands[0].shape[0]
    images = operands[0].shape[1]
    if contraction.result == "kernel":
        rest = (*geometry.kernel, shapes["x"][-1], shapes["y"][-1])
    elif contraction.result == "y":
        rest = (images, *geometry.outputs, shapes["kernel"][-1])
    else:
        rest = (images, *geometry.sides, shapes["kernel"][-2])
    return operands[0].update(shape=(trials, *rest))


def _on_cpu(name: str, *operands: jax.Array, geometry: Geometry) -> jax.Array:
    one = partial(getattr(cpu, name), geometry=geometry)
    return jnp.stack([one(*pair) for pair in zip(*operands, strict=True)])


def _batch(
    contraction: Contraction, operands, axes, *, geometry: Geometry
) -> tuple[jax.Array, int]:
    """Lay a mapped axis over the examples where it can be, else over the trials."""
    size = next(
        operand.shape[axis]
        for operand, axis in zip(operands, axes, strict=True)
        if axis is not None
    )
    images_only = contraction.result != "kernel" and axes[1] is None
    if images_only:
        images = jnp.moveaxis(operands[0], axes[0], 1)
        trials, _, num, *rest = images.shape
        result = _bind(
            contraction.result, images.reshape(trials, -1, *rest), operands[1], geometry=geometry
        )
        return result.reshape(trials, size, num, *result.shape[2:]), 1
    mapped = [
        jnp.broadcast_to(operand, (size, *operand.shape))
        if axis is None
        else jnp.moveaxis(operand, axis, 0)
        for operand, axis in zip(operands, axes, strict=True)
    ]
    flat = [operand.reshape(-1, *operand.shape[2:]) for operand in mapped]
    result = _bind(contraction.result, *flat, geometry=geometry)
    return result.reshape(size, -1, *result.shape[1:]), 0


def _transpose(contraction: Contraction, operand: int) -> Callable:
    """The rule for `ad.defbilinear`: what the cotangent of the result means for one operand."""
    into = contraction.operands[operand]

    def rule(cotangent, *operands, geometry: Geometry) -> jax.Array:
        known = {
            contraction.result: cotangent,
            contraction.operands[1 - operand]: operands[1 - operand],
        }
        (taken,) = (other.operands for other in CONTRACTIONS.values() if other.result == into)
        return _bind(into, *(known[role] for role in taken), geometry=geometry)

    return rule


def _register(name: str, contraction: Contraction) -> None:
    primitive = _PRIMITIVES[contraction.result]
    primitive.def_impl(jax.jit(primitive.bind, static_argnames="geometry"))
    primitive.def_abstract_eval(partial(_shape, contraction))
    ad.defbilinear(primitive, _transpose(contraction, 0), _transpose(contraction, 1))
    batching.primitive_batchers[primitive] = partial(_batch, contraction)
    runs = {"cpu": partial(_on_cpu, name), None: partial(mapped.contract, "", name)}
    runs |= {platform: partial(mapped.contract, platform, name) for platform in mapped.OF_PRODUCTS}
    for platform, run in runs.items():
        lowering = mlir.lower_fun(run, multiple_results=False)
        mlir.register_lowering(primitive, lowering, platform=platform)


for _name, _face in CONTRACTIONS.items():
    _register(_name, _face)

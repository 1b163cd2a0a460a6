"""The three contractions for many trials at once on an accelerator, each with a kernel of its own.

Which formulation is not measured yet: `python -m experiments.device` does it, stage `convolutions`,
and its figures shall replace this reasoning.

- CUDA and ROCm: XLA's convolution would have a group a trial. Its backward passes were as slow as
  those without groups and far slower than PyTorch's (jax#13800), and other grouped ones slower than
  plain ones with more arithmetic (jax#26266). Products batched over trials are what matrix units
  and their libraries are made for: one product a contraction, unless the windows would take too
  much memory; then a product a tap of the kernel.
- TPU and others: XLA's own convolution, whose groups the compiler lays out for the matrix units
  itself; to unfold would pad the few channels of each window to the width of a register.
"""

import math
from collections.abc import Sequence
from functools import partial
from types import ModuleType

import jax

from gan_jax.models.conv import native, taps, unfolded
from gan_jax.models.conv.geometry import Geometry

OF_PRODUCTS = ("cuda", "rocm")  # platforms
WINDOWS = 2**29  # bytes of all trials' windows up to which they are unfolded


def formulation(
    platform: str, name: str, operands: Sequence[jax.Array], geometry: Geometry
) -> ModuleType:
    """The formulation of a contraction of operands [trials, ...].

    Args:
        platform: JAX's name of it; "" for those that the table does not have.
        name: "to_y", "to_x" or "to_kernel".
        operands: As it takes them.
        geometry: The rest.
    """
    if len(operands[0]) == 1 or platform not in OF_PRODUCTS:
        return native
    channels = operands[1].shape[-2] if name == "to_x" else operands[0].shape[-1]
    trials, images = operands[0].shape[:2]
    windows = trials * images * math.prod(geometry.outputs) * math.prod(geometry.kernel) * channels
    return unfolded if windows * operands[0].dtype.itemsize <= WINDOWS else taps


def contract(platform: str, name: str, *operands: jax.Array, geometry: Geometry) -> jax.Array:
    """A contraction of operands [trials, ...], so formulated."""
    room = formulation(platform, name, operands, geometry)
    one = partial(getattr(room, name), geometry=geometry)
    if len(operands[0]) == 1:  # no grouped convolution where there is one group
        return one(*(operand[0] for operand in operands))[None]
    return jax.vmap(one)(*operands)

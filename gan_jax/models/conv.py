"""Transposed convolution whose gradients, of any order, are quick on a CPU too.

XLA's CPU backend runs the kernel gradient of a transposed convolution 15 to 30 times slower than
its own matrix product, because that gradient is a convolution over a dilated input. The transposed
convolution is the adjoint of a strided one, so its derivatives can be written with that one:

    up(y, k)              the transposed convolution
    d up / d y  (g)     = down(g, k)                   a strided convolution
    d up / d k  (g, y)  = d down / d k (input g, y)    that convolution's kernel gradient

Values, parameters and gradients equal those of `flax.linen.ConvTranspose`. Reverse mode only: a
custom vjp has no forward mode.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

_LAYOUT = ("NHWC", "HWIO", "NHWC")


def _up_padding(kernel: int, stride: int) -> tuple[int, int]:
    """Padding of the dilated input with which the output is exactly `stride` times the input."""
    total = kernel + stride - 2
    before = kernel - 1 if stride > kernel - 1 else -(-total // 2)
    return before, total - before


def _native_up(y: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    padding = [_up_padding(size, stride) for size in kernel.shape[:2]]
    return lax.conv_general_dilated(
        y, kernel, (1, 1), padding, lhs_dilation=(stride, stride), dimension_numbers=_LAYOUT
    )


def _down(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """The strided convolution whose adjoint `_native_up` is: kernel flipped, channels swapped."""
    flipped = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
    padding = [
        (size - 1 - before, size - 1 - after)
        for size in kernel.shape[:2]
        for before, after in [_up_padding(size, stride)]
    ]
    return lax.conv_general_dilated(
        x, flipped, (stride, stride), padding, dimension_numbers=_LAYOUT
    )


def conv_transpose(y: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Transposed convolution with "SAME" padding.

    Args:
        y: Input [N, H, W, I].
        kernel: [height, width, I, O].
        stride: Enlargement of both sides.

    Returns:
        [N, stride * H, stride * W, O], equal to `jax.lax.conv_transpose(..., padding="SAME")`.
    """

    @jax.custom_vjp
    def up(y, kernel):
        return _native_up(y, kernel, stride)

    def forward(y, kernel):
        return up(y, kernel), (y, kernel)

    def backward(residuals, g):
        y, kernel = residuals
        # `down` is linear in the kernel: the kernel's gradient is its pull-back of y at input g.
        (kernel_gradient,) = jax.vjp(lambda k: _down(g, k, stride), kernel)[1](y)
        return _down(g, kernel, stride), kernel_gradient

    up.defvjp(forward, backward)
    return up(y, kernel)


class ConvTranspose(nn.Module):
    """Drop-in for `flax.linen.ConvTranspose(features, kernel_size, (stride, stride))`.

    Attributes:
        features: Channels of the output.
        kernel_size: Height and width of the kernel.
        stride: Enlargement of both sides.
        kernel_init: Initializer of the kernel.
    """

    features: int
    kernel_size: Sequence[int]
    stride: int = 2
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, y: jax.Array) -> jax.Array:
        """Map [N, H, W, I] to [N, stride * H, stride * W, features]."""
        shape = (*self.kernel_size, y.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return conv_transpose(y, kernel, self.stride) + bias

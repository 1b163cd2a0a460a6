"""Strided and transposed convolution that are quick on every backend, by any derivative.

Drop-in for `flax.linen.Conv` and `flax.linen.ConvTranspose`: the same fields, parameters, names
and numbers. Left out are dilation, groups, masks and other than two spatial axes.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from jax import lax
from jax.typing import DTypeLike

from gan_jax.models.conv.geometry import Geometry, Pair
from gan_jax.models.conv.trilinear import to_x, to_y

Padding = str | Sequence[tuple[int, int]]


class Convolution(nn.Module):
    """What both layers share; not a layer itself.

    Attributes:
        features: Channels of the output.
        kernel_size: Height and width of the kernel.
        strides: Step along both, on the larger of the two images.
        padding: "SAME", "VALID" or zeros before and after, along both.
        use_bias: Whether to add a bias.
        dtype: Type to compute in; None: that of the input and the parameters.
        param_dtype: Type of the parameters.
        kernel_init: Initializer of the kernel [height, width, C, features].
        bias_init: Initializer of the bias [features].
    """

    features: int
    kernel_size: Sequence[int]
    strides: int | Sequence[int] = 1
    padding: Padding = "SAME"
    use_bias: bool = True
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()
    bias_init: nn.initializers.Initializer = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Map [..., H, W, C] to [..., H', W', features]."""
        shape = (*self.kernel_size, images.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape, self.param_dtype)
        images, kernel = promote_dtype(images, kernel, dtype=self.dtype)
        strides = (self.strides,) * 2 if isinstance(self.strides, int) else tuple(self.strides)
        flat = images.reshape(-1, *images.shape[-3:])
        result = self._convolve(flat, kernel, strides)
        result = result.reshape(*images.shape[:-3], *result.shape[1:])
        if not self.use_bias:
            return result
        bias = self.param("bias", self.bias_init, (self.features,), self.param_dtype)
        # In the parameters' type: the bias's gradient sums so many numbers that in bfloat16, which
        # XLA's CPU backend rounds after each addition, little of it would be left.
        return (result + bias).astype(result.dtype)


class Conv(Convolution):
    """Drop-in for `flax.linen.Conv`; the attributes are those of `Convolution`."""

    def _convolve(self, x: jax.Array, kernel: jax.Array, strides: Pair) -> jax.Array:
        sides, size = x.shape[1:3], kernel.shape[:2]
        padding = self.padding
        if isinstance(padding, str):
            padding = lax.padtype_to_pads(sides, size, strides, padding)
        return to_y(x, kernel, Geometry(sides, size, strides, tuple(map(tuple, padding))))


class ConvTranspose(Convolution):
    """Drop-in for `flax.linen.ConvTranspose`; the attributes are those of `Convolution`."""

    def _convolve(self, y: jax.Array, kernel: jax.Array, strides: Pair) -> jax.Array:
        size = kernel.shape[:2]
        padding = self.padding
        if isinstance(padding, str):
            padding = [_dilated(padding, *pair) for pair in zip(size, strides, strict=True)]
        # Flax pads the dilated input; the strided convolution whose adjoint this is has the rest.
        padding = tuple(
            (k - 1 - before, k - 1 - after)
            for k, (before, after) in zip(size, padding, strict=True)
        )
        sides = tuple(
            (side - 1) * stride + k - before - after
            for side, stride, k, (before, after) in zip(
                y.shape[1:3], strides, size, padding, strict=True
            )
        )
        flipped = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
        return to_x(y, flipped, Geometry(sides, size, strides, padding))


def _dilated(padding: str, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after the dilated input, as `jax.lax.conv_transpose` places them."""
    if padding == "VALID":
        return kernel - 1, kernel - 1 + max(stride - kernel, 0)
    total = kernel + stride - 2
    before = kernel - 1 if stride > kernel - 1 else -(-total // 2)
    return before, total - before

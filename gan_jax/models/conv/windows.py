"""The transposed convolution as a convolution of cells (Shi et al., 2016, arXiv:1609.07009).

Where XLA dilates y with zeros and multiplies them, this computes all pixels of a cell of x from one
window of y, as channels, and lays the cells out afterwards.
"""

import jax
from jax import lax

from gan_jax.models.conv import cells, native
from gan_jax.models.conv.geometry import Geometry


def to_x(y: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The transposed convolution of y."""
    turned = cells.of_kernel(kernel, geometry)[::-1, ::-1].swapaxes(2, 3)
    padding = [
        (span - 1, count - output)
        for span, count, output in zip(
            cells.spans(geometry), cells.covering(geometry), geometry.outputs, strict=True
        )
    ]
    x = lax.conv_general_dilated(y, turned, (1, 1), padding, dimension_numbers=native.LAYOUT)
    return cells.to_images(x, geometry)

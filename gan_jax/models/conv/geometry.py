"""The sides, kernel, strides and padding of a convolution: all that its shapes do not say."""

from typing import NamedTuple

Pair = tuple[int, int]


class Geometry(NamedTuple):
    """How a strided convolution takes images x to images y.

    Attributes:
        sides: Height and width of x.
        kernel: Height and width of the kernel.
        strides: Step of the kernel along both.
        padding: Zeros put before and after x along both; negative ones crop.
    """

    sides: Pair
    kernel: Pair
    strides: Pair
    padding: tuple[Pair, Pair]

    @property
    def outputs(self) -> Pair:
        """Height and width of y."""
        return tuple(
            (side + before + after - kernel) // stride + 1
            for side, kernel, stride, (before, after) in zip(*self, strict=True)
        )

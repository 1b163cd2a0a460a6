"""The idx file format of MNIST and its kin: a big-endian header, then bytes, all under gzip."""

import math
import struct

import numpy as np

UNSIGNED_BYTE = 0x08  # the header's code for the element type


def parse(data: bytes, ndim: int) -> np.ndarray:
    """Decodes an unpacked file; see http://yann.lecun.com/exdb/mnist for the format.

    Args:
        data: Two zero bytes, element type, number of dimensions, each dimension as a big-endian
            uint32, and the elements in C order.
        ndim: Dimensions it must have.

    Returns:
        Read-only uint8 array of `ndim` dimensions.

    Raises:
        ValueError: If the header or the length is not that of such a file.
        EOFError: If it ends early.
    """
    header = 4 + 4 * ndim
    if len(data) < header:
        raise EOFError
    magic, *shape = struct.unpack(f">{1 + ndim}I", data[:header])
    expected = UNSIGNED_BYTE << 8 | ndim
    if magic != expected:
        raise ValueError(f"starts with magic number {magic}, not {expected}")
    surplus = len(data) - header - math.prod(shape)
    if surplus < 0:
        raise EOFError
    if surplus > 0:
        raise ValueError(f"is {surplus} bytes longer than its header {shape} says")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)

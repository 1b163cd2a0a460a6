"""The idx file format of MNIST and its kin: a big-endian header, then bytes, all under gzip."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np

UNSIGNED_BYTE = 0x08  # the header's code for the element type


def read(path: Path, *, ndim: int, sha256: str) -> np.ndarray:
    """Reads one gz file of unsigned bytes.

    The checksum comes last, so that a file cut short is called that, and only a whole file with
    other contents (the sets share their file names) is called the wrong one.

    Args:
        path: The gz file.
        ndim: Dimensions it must have: 3 for images, 1 for labels.
        sha256: Hex checksum the gz file must have.

    Returns:
        Read-only uint8 [count, height, width], or [count].

    Raises:
        ValueError: If the file isn't that; the message reads on from the file's name.
        OSError: If it can't be read at all.
    """
    packed = path.read_bytes()
    try:
        array = parse(gzip.decompress(packed), ndim)
    except EOFError:
        raise ValueError(f"is truncated at {len(packed)} bytes") from None
    except (gzip.BadGzipFile, zlib.error):
        raise ValueError("is not a gz file, or a damaged one") from None
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise ValueError("has the wrong checksum: it belongs to another data set or is damaged")
    return array


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

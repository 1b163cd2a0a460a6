"""Published gz files: read whole, unpacked, and known by their checksums."""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def read(path: Path, parse: Callable[[bytes], T], *, sha256: str) -> T:
    """Reads one gz file.

    The checksum comes last, so that a file cut short is called that, and only a whole file with
    other contents (sets share their file names) is called the wrong one.

    Args:
        path: The gz file.
        parse: From its unpacked bytes to what they hold. Raises EOFError where they end early, and
            ValueError where they are not what they should be.
        sha256: Hex checksum the gz file must have.

    Returns:
        What `parse` does.

    Raises:
        ValueError: If the file isn't that; the message reads on from the file's name.
        OSError: If it can't be read at all.
    """
    packed = path.read_bytes()
    try:
        parsed = parse(gzip.decompress(packed))
    except EOFError:
        raise ValueError(f"is truncated at {len(packed)} bytes") from None
    except (gzip.BadGzipFile, zlib.error):
        raise ValueError("is not a gz file, or a damaged one") from None
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise ValueError("has the wrong checksum: it belongs to another data set or is damaged")
    return parsed

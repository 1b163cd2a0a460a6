"""Trouble with reading that says nothing about what the files hold, and may pass."""

import errno
import os
import re
from pathlib import Path

# What the system says of a file that is not there, or is something else: that is the files' own.
_OF_THE_FILES = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
# TensorStore passes on what the system said in a text.
_OS_ERROR = re.compile(r"\[OS error (\d+)")


def is_the_systems(error: BaseException) -> bool:
    """Whether an error, or one that led to it, is the system's: EIO, EMFILE, ESTALE, no memory …"""
    numbers = [int(number) for number in _OS_ERROR.findall(str(error))]
    if isinstance(error, OSError) and error.errno is not None:
        numbers.append(error.errno)
    if isinstance(error, MemoryError) or set(numbers) - _OF_THE_FILES:
        return True
    cause = error.__cause__ or error.__context__
    return cause is not None and is_the_systems(cause)


def withheld(folder: Path) -> OSError | None:
    """Why the system does not give every byte of a folder's files; None: it does.

    To ask when another reader failed, which may have hidden the system's error behind its own.
    """

    def note(error: OSError) -> None:
        raise error

    try:
        for place, _, names in os.walk(folder, onerror=note):
            for name in names:
                with open(os.path.join(place, name), "rb") as file:
                    while file.read(1 << 20):
                        pass
    except OSError as error:
        return error if is_the_systems(error) else None
    return None

"""A folder for one process at a time: a lock that dies with whoever holds it."""

import errno
import fcntl
import os
import socket
import weakref
from pathlib import Path

from absl import logging

from gan_jax.core.errors import InputError

# What file systems without locks answer.
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class Lock:
    """Held from here on, until this object or its process is no more.

    The lock is the system's (`flock`), not the file's being there: a process that was killed holds
    nothing. The file says who holds it, or held it last: its host and process. Where the file
    system has no locks there is only a warning.

    Args:
        path: The file; it stays.
        key: What the user named the folder by, as in `--workdir`.

    Raises:
        InputError: If another process holds it; says which.
        OSError: If the file can't be written.
    """

    def __init__(self, path: Path, key: str = "--workdir"):
        # Not inherited by programs that this one starts.
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self.release = weakref.finalize(self, os.close, number)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(number, 300, 0).decode("utf-8", "replace").strip()
            why = f"in use by {holder or 'another process'}; wait for it or stop it"
            raise InputError(key, path.parent, why) from None
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            logging.warning("%s can't be locked: start nothing else in its folder", path)
        os.ftruncate(number, 0)
        os.pwrite(number, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

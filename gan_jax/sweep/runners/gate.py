"""What a process does before it becomes a task: python gate.py PARENT RESULT COMMAND ARGUMENT…

1. It takes back what its parent ignored: shells start what runs in the background with SIGINT
   ignored, and the task is to stop when it is told to. A hangup stays ignored where the user has
   said so (nohup); a runner passes its own on as SIGTERM.
2. It ties itself to its parent: it is killed when that dies, or a task would outlive a runner that
   was killed. Only Linux can do so.
3. It waits until nobody else runs the task: a lock on the log, which is its standard output, lasts
   as long as the process that took it. On a node that lost touch with its cluster the task may
   live a little longer than its repetition elsewhere takes to start.
4. It ends if there is a result by then.

It imports the standard library alone, for it stands before every task.
"""

import ctypes
import fcntl
import os
import signal
import sys
import time

_SET_PARENT_DEATH_SIGNAL = 1  # from <sys/prctl.h>
# Seconds. A file server takes up to 90 to give up the locks of a node that died.
_PATIENCE, _POLL = 120.0, 0.1


def main() -> None:
    """Become the command, or end."""
    parent, result, *command = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _tie_to(int(parent))
    _lock(sys.stdout.fileno())
    if not os.path.exists(result):
        os.execvp(command[0], command)


def _tie_to(parent: int) -> None:
    library = ctypes.CDLL(None)
    if hasattr(library, "prctl"):
        library.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the runner died before the task began")


def _lock(log: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _is_locked(log):
        if time.monotonic() > deadline:
            sys.exit("another process runs this task")
        time.sleep(_POLL)


def _is_locked(log: int) -> bool:
    """Whether another process holds the lock; else it is ours now."""
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        pass
    return False


if __name__ == "__main__":
    main()

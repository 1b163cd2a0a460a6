"""What a process keeps: the memory it has touched, the programs it has compiled, its garbage."""

import atexit
import ctypes
import gc
import os
import warnings
from pathlib import Path

# From <malloc.h> of the GNU C library; other libraries have no `mallopt`.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_NEVER = 2**31 - 1


def keep_memory() -> None:
    """Make the C library keep what is freed; call it before other threads allocate.

    XLA asks for the scratch space of a program anew at every call. The C library gives large blocks
    back to the system when they are freed, and the next call touches fresh pages one by one, which
    the kernel clears first: on a CPU that was a sixth of a convolutional round.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_TRIM_THRESHOLD, _NEVER)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_ARENA_MAX, 1)


def keep_programs() -> None:
    """Make JAX keep compiled programs in the user's cache folder; call it before JAX is imported.

    JAX's own variables, where the user has set them, are left alone.
    """
    # A program that can't be kept, say on a full disk, costs time at the next start and no more.
    warnings.filterwarnings("ignore", "Error writing persistent compilation cache entry")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(caches / "gan_jax" / "programs"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")


def keep_garbage() -> None:
    """Make the interpreter end without a last search for garbage: a quarter of a second, of which
    the system gets back no more than it does from the end itself."""
    atexit.register(gc.freeze)

"""Signals that ask a program to end: at once, or when what it is at has been saved."""

import functools
import os
import signal
import stat
import threading
from contextlib import suppress
from types import FrameType
from typing import NamedTuple

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the system's or a scheduler's wish, and a terminal that was closed."""

INTERRUPTED = 130  # the exit code, as shells have it for Ctrl-C
_NO_SIGNAL = 0  # in the pipe of signals: whoever waits for the watch is to go on
_LAST = 3  # the signal that is not held back any more
_SHOW_CURSOR = b"\x1b[?25h"


@functools.cache
def end_at_once() -> None:
    """From now on a signal ends the program, with one line; a second call changes nothing.

    A `KeyboardInterrupt` comes up wherever the main thread happens to be: in a finalizer, where it
    is lost, or in a library that makes another error of it; and not before native code returns,
    which compiles for minutes. So a thread of its own sees to it, by the pipe that Python's handler
    in C writes to. `StopRequest` takes over where there is something to save.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, a script's &
            signal.signal(number, _leave_to_watch)
    global _watched
    _watched = _Watch(writer, threading.Event())
    threading.Thread(target=_watch, args=(reader, _watched.caught_up), daemon=True).start()


class StopRequest:
    """Notes the signals of `ENDING` instead of ending: what is under way is finished and saved.

    So it is at a second one. The third ends the program at once, unless it is a hangup. As a
    context it gives the signals back at its end to whoever had them before.

    Attributes:
        signal: The name of the first that came; None: none did.
    """

    def __init__(self):
        self.signal: str | None = None
        self._count = 0
        # A hangup that is ignored (nohup) stays so.
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        numbers = [number for number in ENDING if number != signal.SIGHUP or not ignored]
        self._before = {number: signal.signal(number, self._note) for number in numbers}

    def __enter__(self) -> "StopRequest":
        return self

    def __exit__(self, *_: object) -> None:
        _let_watch_catch_up()  # with what was noted here, which is not to end what comes now
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        name = signal.Signals(number).name
        self.signal = self.signal or name
        if number == signal.SIGHUP:
            # Not counted: of one terminal, the kernel, the shell and the shell's end each send it.
            _leave_terminal()
            return
        self._count += 1
        if self._count == _LAST:
            _end(number, f"{name} for the third time: ended before all was saved")
        elif self._count > 1:
            _say(f"{name} again: what is under way is being saved; a third one ends it at once")


def _leave_to_watch(number: int, frame: FrameType | None) -> None:
    del number, frame


class _Watch(NamedTuple):
    """The thread that `end_at_once` has started: where it is told of signals, and its answer."""

    writer: int
    caught_up: threading.Event


_watched: _Watch | None = None


def _watch(reader: int, caught_up: threading.Event) -> None:
    while True:
        for number in os.read(reader, 64):
            if number == _NO_SIGNAL:
                caught_up.set()
            elif signal.getsignal(number) is _leave_to_watch:
                _end(number, f"interrupted by {signal.Signals(number).name}")


def _let_watch_catch_up() -> None:
    """Return when the watch has seen every signal that came before."""
    if _watched:
        _watched.caught_up.clear()
        os.write(_watched.writer, bytes([_NO_SIGNAL]))
        _watched.caught_up.wait(1)  # a fork of the process has no watch


def _end(number: int, line: str) -> None:
    """End the program without another word, from any thread and in any state."""
    _say(f"error: {line}")
    os._exit(INTERRUPTED if number == signal.SIGINT else 128 + number)


def _say(line: str) -> None:
    # Past Python's own files: the signal may have come in the middle of a write to them.
    shown = _SHOW_CURSOR if os.isatty(2) else b""
    with suppress(OSError):  # a terminal that is gone
        os.write(2, shown + line.encode() + b"\n")


def _leave_terminal() -> None:
    """Write to nowhere what would go to a terminal that is gone: each write there is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        # A terminal that is gone can't be told from other devices any more, but from files it can.
        if stat.S_ISCHR(os.fstat(number).st_mode):
            os.dup2(nowhere, number)
    os.close(nowhere)

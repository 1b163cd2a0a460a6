"""The rhythm of a run: when to do what, how fast it goes, and the user's wish to stop it."""

import signal
import time
from types import FrameType


def is_time(step: int, every: int, last: int) -> bool:
    """Whether something done every `every` steps is due; always true at the last step."""
    return step % every == 0 or step == last


def next_time(step: int, rhythms: list[int], last: int) -> int:
    """The first step after `step` at which something of one of the rhythms is due."""
    return min(last, *(every * (step // every + 1) for every in rhythms))


class StopRequest:
    """Notes SIGTERM and Ctrl-C instead of dying of them; a second one is not held back.

    As a context it gives both back at its end to whoever had them before.
    """

    def __init__(self):
        self.signal: str | None = None
        self._before = {
            number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)
        }

    def __enter__(self) -> "StopRequest":
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal = signal.Signals(number).name
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Speed:
    """Rounds a second since it was last asked.

    Args:
        step: The step that the run starts at.
    """

    def __init__(self, step: int):
        self._step, self._time = step, time.perf_counter()

    def __call__(self, step: int) -> float:
        """Rounds a second up to `step`."""
        now = time.perf_counter()
        rate = (step - self._step) / (now - self._time)
        self._step, self._time = step, now
        return rate

"""When a run does what, and how fast it goes."""

import time


def is_time(step: int, every: int, last: int) -> bool:
    """Whether something done every `every` steps is due; always true at the last step."""
    return step % every == 0 or step == last


def next_time(step: int, intervals: list[int], last: int) -> int:
    """The first step after `step` at which something of one of the intervals is due."""
    return min(last, *(every * (step // every + 1) for every in intervals))


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

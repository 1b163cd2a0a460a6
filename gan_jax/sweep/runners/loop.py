"""What runners that wait for their tasks do alike: start, wait, count, and stop when told to."""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from gan_jax.core.signals import StopRequest
from gan_jax.sweep.runners.task import Task, missing

Handle = TypeVar("Handle", bound=Hashable)


class Executor(Protocol, Generic[Handle]):
    """Where tasks run. A handle stands for a task that was started.

    Attributes:
        room: Tasks at a time at most; may be infinite.
    """

    room: float

    def start(self, task: Task) -> Handle:
        """Start a task."""

    def wait(self, handles: Sequence[Handle]) -> list[tuple[Handle, str | None]]:
        """Wait a moment; return those that have ended and why they are not done, if so."""

    def stop(self, handles: Sequence[Handle]) -> None:
        """Ask all to end, and wait until they have."""


def run_tasks(
    place: Executor[Handle], tasks: Sequence[Task], on_done: Callable[[Task], None]
) -> dict[str, str]:
    """Run tasks at a place, as a `Runner` does; to be called from the main thread.

    Raises:
        KeyboardInterrupt: After Ctrl-C, SIGTERM or SIGHUP, when the tasks have ended.
    """
    waiting, running, failed = deque(missing(tasks, on_done)), {}, {}
    with StopRequest() as stop:
        try:
            while waiting or running:
                if stop.signal:
                    raise KeyboardInterrupt(stop.signal)
                while waiting and len(running) < place.room:
                    task = waiting.popleft()
                    running[place.start(task)] = task
                for handle, cause in place.wait(list(running)):
                    task = running.pop(handle)
                    if cause is None:
                        on_done(task)
                    else:
                        failed[task.name] = cause
        finally:  # where nothing runs any more unless something went wrong
            place.stop(list(running))
    return failed

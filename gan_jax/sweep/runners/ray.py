"""Tasks on the nodes of a Ray cluster, whose nodes may come and go.

The nodes share the folder that this is called in and that of the results, each under one path, and
gan_jax is installed on all. A task takes one of its node's CPUs and as many of its GPUs as are
asked for. It gets the environment of its node, not of the caller.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence

from gan_jax.core.errors import InputError
from gan_jax.sweep.runners import child, loop
from gan_jax.sweep.runners.task import Options, Task


def run(tasks: Sequence[Task], options: Options, on_done: Callable[[Task], None]) -> dict[str, str]:
    """A `Runner`.

    A task whose node dies, or that is killed, runs again on another one, where it goes on or, if
    its result exists, has nothing to do.

    Args:
        tasks: What to run.
        options: All of them count.
        on_done: Called with each task that is done.

    Raises:
        InputError: If Ray is not installed, or no cluster is at the address.
        KeyboardInterrupt: After Ctrl-C, SIGTERM or SIGHUP; each task got SIGTERM and has ended.
    """
    cluster = _Cluster(options)  # first: Ray, too, takes SIGTERM for itself when it connects
    try:
        return loop.run_tasks(cluster, tasks, on_done)
    finally:
        cluster.close()


class _Killed(Exception):
    """A task's process ended by a signal."""


def _run(task: Task, folder: str) -> str | None:
    """Run a task on the node that this is called on; return why it is not done, None if it is.

    Raises:
        _Killed: If it was killed.
    """
    # Ray cancels by what Ctrl-C does, and a cluster started in a shell's background ignores that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    process = child.start(task, {})
    try:
        while process.poll() is None:
            time.sleep(child.POLL)  # where Ray can interrupt
    finally:
        process.terminate()
        code = process.wait()
    if child.was_killed(code):
        raise _Killed(child.failure(task, code))
    return child.failure(task, code)


class _Cluster:
    """A Ray cluster, as a `loop.Executor`."""

    def __init__(self, options: Options):
        self._ray = _connect(options.address)
        self.room = options.parallel or float("inf")
        self._run = self._ray.remote(
            num_cpus=1,
            num_gpus=options.accelerators,
            max_retries=options.retries,
            retry_exceptions=[_Killed],
        )(_run)

    def start(self, task: Task):
        return self._run.options(name=task.name).remote(task, os.getcwd())

    def wait(self, refs: Sequence) -> list[tuple]:
        ended, _ = self._ray.wait(list(refs), timeout=child.POLL)
        return [(ref, self._failure(ref)) for ref in ended]

    def _failure(self, ref) -> str | None:
        try:
            return self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, _Killed):
                return str(error.cause)
            return f"{type(error.cause).__name__}: {' '.join(str(error.cause).split())}"
        except self._ray.exceptions.RayError as error:
            return f"{type(error).__name__}: {' '.join(str(error).split())}"

    def stop(self, refs: Sequence) -> None:
        for ref in refs:
            self._ray.cancel(ref)
        if refs:
            self._ray.wait(list(refs), num_returns=len(refs))

    def close(self) -> None:
        self._ray.shutdown()


def _connect(address: str):
    """The module `ray`, connected to the cluster at the address."""
    try:
        import ray
    except ImportError as error:
        why = "needs Ray, which is not installed: pip install 'gan-jax[ray]'"
        raise InputError("--runner", "ray", why) from error
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster of ours reports to nobody
    try:
        if ":" in address:  # else Ray would try for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address=address, log_to_driver=False, logging_level="WARNING")
    except (OSError, ValueError) as error:
        raise InputError("--address", address, "no Ray cluster answers there") from error
    return ray

"""How programs are compiled and timed: many are compiled at once, each is timed alone."""

import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import jax

K = TypeVar("K")
T = TypeVar("T")

SAMPLES, SLOW_SAMPLES = 5, 2
SAMPLE_SECONDS, SLOW_SECONDS = 0.04, 1.0  # so long at least; from when on two samples must do


class Started(NamedTuple):
    """A call that has been made once, so that its program is compiled.

    Attributes:
        call: Gives what is on the device when it has been waited for.
        rounds: Of one call.
        seconds: What the first one took.
    """

    call: Callable[[], object]
    rounds: int
    seconds: float


class Timed(NamedTuple):
    """What a call costs.

    Attributes:
        ms: Milliseconds, the median of samples.
        host_ms: Those that the caller waits before it has the next call's turn.
        spread: (largest - smallest) / median of the samples.
    """

    ms: float
    host_ms: float
    spread: float

    def row(self) -> dict[str, float]:
        """As a row's entries."""
        return {name: float(f"{value:.4g}") for name, value in self._asdict().items()}


def at_once(jobs: Mapping[K, Callable[[], T]]) -> dict[K, Future[T]]:
    """Start all jobs in threads, the first ones first; compiling holds no lock of Python's."""
    pool = ThreadPoolExecutor(os.cpu_count())
    started = {key: pool.submit(job) for key, job in jobs.items()}
    pool.shutdown(wait=False)
    return started


def accepted(options: Mapping[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """The compiler's options by platform, without those that this compiler does not know."""
    known = {}
    for platform, wanted in options.items():
        try:
            (device, *_) = jax.devices(platform)
            program = jax.jit(lambda x: x + 1).lower(jax.device_put(0.0, device))
            program.compile(compiler_options=wanted)
        except RuntimeError:  # no such platform here, or no such option
            continue
        known[platform] = wanted
    return known


def settled(futures: Iterable[Future]) -> Iterator[Future]:
    """The futures in their order, when all of them have ended: nothing else is computed then."""
    futures = list(futures)
    for future in futures:
        future.exception()
    yield from futures


def time_calls(call: Callable[[], object], *, least: float = SAMPLE_SECONDS) -> Timed:
    """Time a call whose result is on the device when it has been waited for.

    It has been called before. A sample is as many calls as take `least` seconds.
    """
    started = time.perf_counter()
    jax.block_until_ready(call())
    once = time.perf_counter() - started
    count, times, host = max(1, round(least / once)), [], []
    for _ in range(SAMPLES if once < SLOW_SECONDS else SLOW_SAMPLES):
        started = time.perf_counter()
        for _ in range(count):
            result = call()
        host.append(time.perf_counter() - started)
        jax.block_until_ready(result)
        times.append(time.perf_counter() - started)
    median = statistics.median(times)
    return Timed(
        1e3 * median / count,
        1e3 * statistics.median(host) / count,
        (max(times) - min(times)) / median,
    )


def first_call(call: Callable[[], object], rounds: int, started: float) -> Started:
    """Make the call once; `started` is since when its seconds count."""
    jax.block_until_ready(call())
    return Started(call, rounds, time.perf_counter() - started)


def measured(future: Future[Started]) -> dict[str, object]:
    """A row's entries of a round, or why there are none: out of memory, say; others still count."""
    try:
        call, rounds, seconds = future.result()
        timed = time_calls(call)
    except Exception as error:
        return {"failed": (str(error) or repr(error)).splitlines()[0][:300]}
    a_round = timed._replace(ms=timed.ms / rounds, host_ms=timed.host_ms / rounds)
    return {**a_round.row(), "rounds_per_dispatch": rounds, "first_call_s": round(seconds, 1)}


def peak_bytes() -> int | None:
    """The most that the first device has held in this process, where it tells."""
    return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")

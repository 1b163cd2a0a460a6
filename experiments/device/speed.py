"""How long does a round of one trial take, beside PyTorch, and what share of the device's peak?

Rounds are dispatched as in a run, batches chosen by the host, 1, 10, 100 or 1000 of them a
dispatch: the number from which on a round gets no quicker is the one to choose. A sample is at
least 40 ms of dispatches, waited for at its end, and the figure the median of five. float32 is at
the default precision (TF32 on recent NVIDIA cards, for the peer too), bfloat16 is what the networks
compute in. `host_ms` is what the host has to do for a round, during which the device may work.

The share of the peak is the operations that XLA counts in a round, over its time and the device's
own rate in a product of large random matrices of the same type. The peer is described in
`experiments.device.peer`.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial

import jax
import jax.numpy as jnp

from experiments.device import peer
from experiments.device.case import Case, Row, Settings
from experiments.device.timing import (
    Started,
    at_once,
    first_call,
    measured,
    settled,
    time_calls,
)
from experiments.device.works import WORKS, Ready, prepare

CEILINGS, ROUNDS, LARGER, DISPATCHES, PEER, COMPILED = (
    *("ceilings", "rounds", "rounds of larger works", "more rounds a dispatch"),
    *("the peer", "the peer, compiled"),
)
# Work, type that the networks compute in, and numbers of rounds a dispatch.
OWN = {
    ROUNDS: (
        ("dcgan 128/64", "float32", (1, 10, 100)),
        ("ring 512/128", "float32", (1, 10, 100)),
        ("dcgan 128/64", "bfloat16", (10,)),
        ("dcgan 512/128", "float32", (10,)),
        ("dcgan 512/128", "bfloat16", (10,)),
    ),
    LARGER: (
        ("pacgan 100/400", "float32", (10,)),
        ("r3gan 64 CIFAR", "float32", (10,)),
        ("r3gan 64 CIFAR", "bfloat16", (10,)),
    ),
    DISPATCHES: (
        ("MNIST pair 16", "float32", (1, 10, 100)),
        ("ring 512/128", "float32", (1000,)),
        ("dcgan 128/64", "float32", (1000,)),
    ),
}
TINY = {ROUNDS: (("ring 8/4", "float32", (1, 3)), ("dcgan 8/4", "bfloat16", (1,)))}
MODES = {PEER: peer.MODES, COMPILED: peer.COMPILED}
TINY_MODES = {PEER: peer.ON_CPU}


def cases(settings: Settings) -> list[Case]:
    """The device's own rates, the project's, the peer's, and what is worth less."""
    listed = [
        Case(CEILINGS, 6),
        Case(ROUNDS, 30 if settings.tiny else 75),
        Case(PEER, 45),
        Case(LARGER, 75, late=True),
        Case(DISPATCHES, 60, late=True),
        Case(COMPILED, 120, late=True),
    ]
    own, modes = (TINY, TINY_MODES) if settings.tiny else (OWN, MODES)
    known = {CEILINGS, *own, *(modes if settings.peer else ())}
    return [case for case in listed if case.name in known]


def measure(name: str, settings: Settings) -> Iterator[Row]:
    """Rows of a kind of their own for the ceilings, for rounds and for the peer's."""
    own, modes = (TINY, TINY_MODES) if settings.tiny else (OWN, MODES)
    if name == CEILINGS:
        yield ceilings(256 if settings.tiny else 8192)
    elif name in own:
        yield from rounds_of(own[name])
    else:
        works = dict.fromkeys(work for work, *_ in own[ROUNDS])
        flags = {
            (work, mode): (*WORKS[work].peer, *how)
            for mode, how in modes[name].items()
            for work in works
            if WORKS[work].peer
        }
        yield from peer.measure(settings.peer, flags)


def ceilings(side: int) -> Row:
    """Rates of products of square matrices in TFLOP/s, and of a copy in GB/s, both ways."""
    matrix = jax.random.normal(jax.random.key(0), (side, side))
    row = {"device": jax.devices()[0].device_kind, "side": side}
    for name, dtype, precision in (
        ("float32", jnp.float32, None),
        ("bfloat16", jnp.bfloat16, None),
        ("float32, highest precision", jnp.float32, "highest"),
    ):
        square = matrix.astype(dtype)
        product = jax.jit(lambda a, precision=precision: jnp.dot(a, a, precision=precision))
        jax.block_until_ready(product(square))
        seconds = time_calls(lambda call=product, a=square: call(a)).ms / 1e3
        row[name] = 2 * side**3 / seconds / 1e12
    # A negation, which moves what a copy moves and can't be elided.
    large = jnp.tile(matrix, (4, 1))
    negate = jax.jit(jnp.negative)
    jax.block_until_ready(negate(large))
    row["GB/s"] = 2 * large.nbytes / (time_calls(lambda: negate(large)).ms / 1e3) / 1e9
    return row


def rounds_of(wanted: Sequence[tuple[str, str, Sequence[int]]]) -> Iterator[Row]:
    """A row a work, type and number of rounds a dispatch; all are compiled at once, then timed."""
    prepared = at_once({(work, dtype): partial(prepare, work, dtype) for work, dtype, _ in wanted})
    ready = {key: future.result() for key, future in prepared.items()}
    counted = at_once(
        {work: partial(flops, ready[work, dtype]) for work, dtype, _ in reversed(wanted)}
    )
    started = at_once(
        {
            (work, dtype, count): partial(_first, ready[work, dtype], count)
            for work, dtype, counts in wanted
            for count in counts
        }
    )
    operations = {work: future.result() for work, future in counted.items()}
    for (work, dtype, count), future in zip(started, settled(started.values()), strict=True):
        row = {"work": work, "dtype": dtype, "rounds_per_dispatch": count, **measured(future)}
        if "ms" in row:
            row["examples_per_s"] = 1e3 * ready[work, dtype].batches.batch_size / row["ms"]
            row["flops"] = operations[work]
        yield row


def _first(ready: Ready, count: int) -> Started:
    """So many rounds a call, from a state of its own."""
    started = time.perf_counter()
    state, step = ready.devices.replicate(ready.state), 0

    def call() -> object:
        nonlocal state, step
        state, measurements = ready.run(state, step, count)
        step += count
        return state, measurements

    return first_call(call, count, started)


def flops(ready: Ready) -> float | None:
    """Operations of a round as XLA counts them before it optimizes, where it does."""
    indices = ready.devices.split(ready.batches.indices(0, ready.phase.batches))
    lowered = ready.devices.compile(ready.phase.step).lower(ready.state, ready.examples, indices)
    try:
        return (lowered.cost_analysis() or {}).get("flops")
    except (NotImplementedError, RuntimeError):  # a device whose compiler does not count
        return None

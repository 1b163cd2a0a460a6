"""How many trials side by side does the device like?

Trials of a sweep that differ in their seeds, by the engine that sweeps use (`gan_jax.sweep`), as
many rounds a dispatch as it chooses: the ring of `experiments.speed` with 1 to 4096 trials, its
dcgan (embedded digits) with 1 to 256, and the MNIST pair (`configs/mnist.py`) likewise, where all
convolutions of many trials are of one formulation of `experiments.device.convolutions`, or the
trials are computed in turn in one program. `ms` is of a round of all trials, `host_ms` what the
host has to do for it; `peak_bytes` the most the device has held up to then, for all numbers of
trials of a case together.
"""

import contextlib
import time
from collections.abc import Iterator
from functools import partial
from unittest import mock

import jax
from ml_collections import ConfigDict

from configs import mnist
from experiments.device.case import Case, Row, Settings
from experiments.device.convolutions import FORMULATIONS
from experiments.device.timing import (
    Started,
    at_once,
    measured,
    peak_bytes,
    settled,
)
from experiments.speed import works
from gan_jax import data
from gan_jax.models.conv import mapped, native
from gan_jax.sweep import vmapped

RING, DCGAN, PAIR, IN_TURN = "ring", "dcgan", "MNIST pair", "in turn"
PEERS = {RING: "ring 512/128", DCGAN: "dcgan 128/64"}  # the works that are the peer's too

# Work, formulation of its convolutions, and numbers of trials, whose programs are compiled at once.
WANTED = {
    Case("MNIST pair, unfolded", 60): (PAIR, "unfolded", (8, 64)),
    Case("ring", 60): (RING, None, (1, 16, 128, 1024)),
    Case("MNIST pair, native", 75): (PAIR, "native", (1, 8, 64)),
    Case("dcgan", 75): (DCGAN, None, (1, 8, 64)),
    Case("MNIST pair, in turn", 60, late=True): (PAIR, IN_TURN, (64,)),
    Case("MNIST pair, taps", 60, late=True): (PAIR, "taps", (8, 64)),
    Case("MNIST pair, unfolded, more", 75, late=True): (PAIR, "unfolded", (256,)),
    Case("ring, more", 90, late=True): (RING, None, (4096,)),
    Case("dcgan, more", 90, late=True): (DCGAN, None, (256,)),
}
TINY = {Case("ring", 30): (RING, None, (1, 2)), Case("dcgan", 40): (DCGAN, None, (1, 2))}


def cases(settings: Settings) -> list[Case]:
    """One a work and formulation."""
    return [*(TINY if settings.tiny else WANTED)]


def measure(name: str, settings: Settings) -> Iterator[Row]:
    """A row a number of trials."""
    wanted = TINY if settings.tiny else WANTED
    work, formulation, counts = {case.name: what for case, what in wanted.items()}[name]
    with _formulated(formulation):
        started = at_once(
            {trials: partial(_first, work, trials, tiny=settings.tiny) for trials in counts}
        )
        futures = [*settled(started.values())]
    for trials, future in zip(counts, futures, strict=True):
        row = {"work": work, "formulation": formulation, "trials": trials, **measured(future)}
        if "ms" in row:
            row["trials_x_rounds_per_s"] = 1e3 * trials / row["ms"]
            row["peak_bytes"] = peak_bytes()
        yield row


def _first(work: str, trials: int, *, tiny: bool) -> Started:
    """A dispatch a call, as many rounds as the engine chooses."""
    started = time.perf_counter()
    configs = [_config(work, seed, tiny=tiny) for seed in range(trials)]
    side = vmapped.VmappedTrials(configs, data.load(configs[0].data))
    state, rounds = jax.block_until_ready(side.step(side.start(), 0))
    seconds, step = time.perf_counter() - started, rounds

    def call() -> object:
        nonlocal state, step
        state, step = side.step(state, step)
        return state

    return Started(call, rounds, seconds)


def _config(work: str, seed: int, *, tiny: bool) -> ConfigDict:
    if work == RING:
        return works.trial("ring", 8 if tiny else 512, 4 if tiny else 128, seed)
    batch, width = (8, 4) if tiny else (128, 64)
    config = works.WORKS["dcgan"].config(batch, width) if work == DCGAN else mnist.get_config()
    config.seed, config.data.source, config.eval.protocol = seed, "embedded", "mnist_cnn_1k"
    return config


@contextlib.contextmanager
def _formulated(name: str | None = None) -> Iterator[None]:
    """While programs are traced and compiled: convolutions of many trials are so formulated."""
    if name is None:
        yield
        return
    jax.clear_caches()  # lowerings of an earlier case are remembered by their shapes
    formulation = FORMULATIONS.get(name, native)
    with (
        mock.patch.object(vmapped, "in_turn", return_value=name == IN_TURN),
        mock.patch.object(mapped, "formulation", return_value=formulation),
    ):
        yield

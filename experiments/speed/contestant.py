"""One contestant in a process of its own, which plays rounds when told to and times each.

    python -m experiments.speed.contestant project|stock|torch WORK BATCH WIDTH

Reads a number of rounds a line, answers with their milliseconds as one JSON line. Processes keep
the contestants' threads, allocators and compiled programs apart.
"""

import json
import sys
import time
from collections.abc import Callable
from unittest import mock

Play = Callable[[], None]


def _project(work: str, batch: int, width: int) -> Play:
    import jax

    from experiments.speed import works
    from gan_jax import build, rounds
    from gan_jax.parallel import Devices

    config, devices = works.config(work, batch, width), Devices()
    shape, batches = works.SHAPES[work], works.batches(work, batch)
    players = build.players(config, shape, batches.per_epoch)
    (phase,) = build.phases(config, players, batches.per_epoch, devices)
    if work == "ring":
        phase = phase._replace(play=works.with_fresh_points(phase.play))
    examples = devices.replicate(works.examples(work))
    play_round = rounds.make_rounds((phase,), devices, batches, examples)
    state, step = build.state(config, players, shape), 0

    def play() -> None:
        nonlocal state, step
        state, measured = play_round(state, step)
        jax.block_until_ready((state, measured))
        step += 1

    return play


def project(work: str, batch: int, width: int) -> Play:
    """The project as it runs, its allocator set as in every program of it."""
    from gan_jax import process

    process.keep_memory()
    return _project(work, batch, width)


def stock(work: str, batch: int, width: int) -> Play:
    """The same with Flax's own convolutions, which are XLA's, and the allocator as it comes."""
    import flax.linen as nn

    from gan_jax.models import cnn

    with mock.patch.multiple(cnn, Conv=nn.Conv, ConvTranspose=nn.ConvTranspose):
        play = _project(work, batch, width)
        play()  # traces and compiles while the layers are the stock ones
    return play


def torch(work: str, batch: int, width: int) -> Play:
    """The peer."""
    from experiments.speed import peer

    return peer.make_round(work, batch, width)


CONTESTANTS = {"project": project, "stock": stock, "torch": torch}
WARM_UP = 3  # rounds


def main() -> None:
    """Answer until the input ends."""
    name, work, batch, width = sys.argv[1:5]
    play = CONTESTANTS[name](work, int(batch), int(width))
    for _ in range(WARM_UP):
        play()
    print("ready", flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            play()
            times.append(1e3 * (time.perf_counter() - start))
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()

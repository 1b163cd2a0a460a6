"""One contestant in a process of its own, which runs rounds when told to and times each.

    python -m experiments.speed.contestant project|trials|stock|torch WORK BATCH WIDTH

Reads a number of rounds a line, answers with their milliseconds as one JSON line. Rounds are
run as in training, several between two waits for the device, and their mean is noted: one of
images, ten of points, eight hundred of sixteen trials side by side. Processes keep the
contestants' threads, allocators and programs apart.
"""

import json
import sys
import time
from collections.abc import Callable
from unittest import mock

Step = Callable[[int], None]


def _project(work: str, batch: int, width: int) -> Step:
    import jax

    from experiments.speed import works
    from gan_jax.core.devices import Devices
    from gan_jax.run import rounds

    config, devices = works.WORKS[work].config(batch, width), Devices()
    setup, phase, examples = works.assembled(work, config, devices)
    examples = devices.replicate(examples)
    play_round = rounds.make_rounds((phase,), devices, setup.batches, examples)
    state, step = setup.first_state(), 0

    def run_rounds(count: int) -> None:
        nonlocal state, step
        for _ in range(count):
            state, measured = play_round(state, step)
            step += 1
        jax.block_until_ready((state, measured))

    return run_rounds


def project(work: str, batch: int, width: int) -> Step:
    """The project as it runs, its allocator set as in every program of it."""
    from gan_jax.core import process

    process.keep_memory()
    return _project(work, batch, width)


def trials(work: str, batch: int, width: int) -> Step:
    """Sixteen trials of a sweep side by side, which differ in their seeds."""
    from gan_jax.core import process

    process.keep_memory()
    import jax

    from experiments.speed import works
    from gan_jax import data
    from gan_jax.core import devices as parallel
    from gan_jax.sweep.vmapped import VmappedTrials

    parallel.use_cores()
    configs = [works.trial(work, batch, width, seed) for seed in range(TRIALS)]
    side = VmappedTrials(configs, data.load(configs[0].data))
    state, steps = side.start(), 0

    def run_rounds(count: int) -> None:
        nonlocal state, steps
        end = steps + count // TRIALS
        while steps < end:
            state, steps = side.step(state, steps)
        jax.block_until_ready(state)

    return run_rounds


def stock(work: str, batch: int, width: int) -> Step:
    """The same with Flax's own convolutions, which are XLA's, and the allocator as it comes."""
    import flax.linen as nn

    from gan_jax.models import cnn

    with mock.patch.multiple(cnn, Conv=nn.Conv, ConvTranspose=nn.ConvTranspose):
        run_rounds = _project(work, batch, width)
        run_rounds(1)  # traces and compiles while the layers are the stock ones
    return run_rounds


def torch(work: str, batch: int, width: int) -> Step:
    """The peer."""
    from experiments.speed import peer

    round_ = peer.make_round(work, batch, width)

    def run_rounds(count: int) -> None:
        for _ in range(count):
            round_()

    return run_rounds


CONTESTANTS = {"project": project, "trials": trials, "stock": stock, "torch": torch}
TRIALS, TRIALS_ROUNDS = 16, 800  # side by side; rounds of all between looks
WARM_UP = 3  # rounds


def main() -> None:
    """Answer until the input ends."""
    from experiments.speed import works

    name, work, batch, width = sys.argv[1:5]
    run_rounds = CONTESTANTS[name](work, int(batch), int(width))
    run_rounds(WARM_UP)
    print("ready", flush=True)
    block = TRIALS_ROUNDS if name == "trials" else works.WORKS[work].between_looks
    for line in sys.stdin:
        times = []
        for _ in range(-(-int(line) // block)):
            start = time.perf_counter()
            run_rounds(block)
            times.append(1e3 * (time.perf_counter() - start) / block)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()

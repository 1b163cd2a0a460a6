"""The rounds that are timed: those of `experiments.speed.works`, and of shipped configs."""

from collections.abc import Callable
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from configs import cifar10_r3gan, mnist
from experiments.device import parity
from experiments.speed import works
from gan_jax.config.setup import build
from gan_jax.core.devices import Devices
from gan_jax.data.batches import Batches, Examples
from gan_jax.game.schemes import Phase
from gan_jax.game.state import GANState
from gan_jax.run import rounds


class Work(NamedTuple):
    """A round to be timed.

    Attributes:
        config: A function to the config.
        peer: The peer's flags for the same work, or none.
        of: The work of `experiments.speed` that it is, or "".
    """

    config: Callable[[], ConfigDict]
    peer: tuple[str, ...] = ()
    of: str = ""


def _speed(name: str, batch: int, width: int, *flags: str) -> Work:
    sizes = (f"--work={name}", f"--batch={batch}", f"--width={width}", *flags)
    peer = sizes if name in ("dcgan", "ring") else ()
    return Work(lambda: works.WORKS[name].config(batch, width), peer, name)


def _r3gan() -> ConfigDict:
    made = cifar10_r3gan.get_config()
    made.train.batch_size = 64
    return made


WORKS = {
    "dcgan 128/64": _speed("dcgan", 128, 64, "--layout=channels_last"),
    "ring 512/128": _speed("ring", 512, 128),
    "dcgan 512/128": _speed("dcgan", 512, 128, "--layout=channels_last"),
    "pacgan 100/400": _speed("pacgan", 100, 400),
    "MNIST pair 16": Work(mnist.get_config),
    "r3gan 64 CIFAR": Work(_r3gan),
    # These two for `--tiny`.
    "dcgan 8/4": _speed("dcgan", 8, 4),
    "ring 8/4": _speed("ring", 8, 4),
}


class Ready(NamedTuple):
    """A work about to begin.

    Attributes:
        phase: A round of it.
        run: (state, step, rounds) to (state, measurements); the state is given away.
        state: Before the first round, on the host.
        examples: On the device.
        batches: Which examples a round takes.
        devices: Where it runs.
    """

    phase: Phase
    run: rounds.RunRounds
    state: GANState
    examples: Examples
    batches: Batches
    devices: Devices


def prepare(name: str, dtype: str) -> Ready:
    """The work whose networks compute in `dtype`."""
    work, devices = WORKS[name], Devices()
    config = work.config()
    config.model.dtype = dtype
    if work.of:
        setup, phase, examples = works.assembled(work.of, config, devices)
    else:
        dataset = parity.random_dataset(config, 4096)
        setup = build(config, dataset)
        (phase,), examples = setup.phases(devices), setup.training(dataset)
    examples = devices.replicate(examples)
    run = rounds.make_rounds((phase,), devices, setup.batches, examples)
    with jax.default_device(jax.devices("cpu")[0]):  # which compiles sooner what runs once
        state = jax.device_get(setup.first_state())
    return Ready(phase, run, state, examples, setup.batches, devices)

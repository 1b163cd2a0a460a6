"""The pieces of work that are timed, exactly as every contestant does them.

dcgan  28x28x1 images. Generator: latent 100, dense 7*7*2W, two 4x4/2 transposed convolutions to 2W
       and W channels, each of the three followed by BatchNorm and ReLU, 3x3 convolution to one
       channel, tanh. Discriminator: two 4x4/2 convolutions to W and 2W channels, each followed by
       LeakyReLU 0.2 and dropout 0.3, dense 1. Adam (2e-4, 0.5, 0.999) for both.
ring   Eight Gaussians of deviation 0.01 on the unit circle. Generator 16 -> W -> W -> 2,
       discriminator 2 -> W -> W -> 1, ReLU. Adam 1e-3 (generator) and 1e-4 (discriminator), b1 0.5.
pacgan The same points. Generator 2 -> four times W -> 2, BatchNorm and ReLU after each hidden one,
       discriminator 2 -> three times W/2 -> 1, maxout of five pieces. Adam 1e-4, b1 0.8.

A round of dcgan and ring is one discriminator update on a real and a fake batch, one generator
update with fresh latents, both with the non-saturating loss, and the generator's moving average
(0.999). In one of pacgan both move at once, on the same fakes, and there is no average.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs import base, ring_pacgan
from gan_jax.config.setup import Setup, build
from gan_jax.core.devices import Devices
from gan_jax.core.streams import restored_root
from gan_jax.data import DataSpec
from gan_jax.data.batches import Examples
from gan_jax.examples import IMAGE, POINT, ExampleKind
from gan_jax.game.schemes import Phase, Step

EMA_DECAY = 0.999
IMAGES = 60_000


class Work(NamedTuple):
    """A piece of work.

    Attributes:
        config: (batch, width) to a run's config.
        kind: What an example is.
        shape: Of one example.
        batch: Examples a batch, unless the user says otherwise.
        width: W, likewise.
        rounds: How many are timed, likewise.
        between_looks: Rounds between two looks at the device.
        trials: Whether trials side by side take part.
        stock: Whether XLA's own layers do.
    """

    config: Callable[[int, int], ConfigDict]
    kind: ExampleKind
    shape: tuple[int, ...]
    batch: int
    width: int
    rounds: int
    between_looks: int
    trials: bool
    stock: bool


def _averaged(batch: int, width: int) -> ConfigDict:
    made = base.get_config()
    made.train.batch_size = batch
    made.ema.half_life = round(batch * math.log(0.5) / math.log(EMA_DECAY))
    made.model.generator.width = made.model.discriminator.width = width
    return made


def _dcgan(batch: int, width: int) -> ConfigDict:
    made = _averaged(batch, width)
    made.model.latent = 100
    made.model.discriminator.kernel = 4
    return made


def _ring(batch: int, width: int) -> ConfigDict:
    made = _averaged(batch, width)
    made.model.name, made.model.latent = "mlp", 16
    made.model.generator.norm = "none"
    made.model.discriminator.dropout = 0.0
    made.optim.generator.learning_rate = 1e-3
    made.optim.discriminator.learning_rate = 1e-4
    return made


def _pacgan(batch: int, width: int) -> ConfigDict:
    made = ring_pacgan.get_config()
    made.train.batch_size = batch
    made.model.generator.width, made.model.discriminator.width = width, width // 2
    made.model.discriminator.pack = 1
    return made


WORKS = {
    "dcgan": Work(_dcgan, IMAGE, (28, 28, 1), 128, 64, 30, 1, trials=False, stock=True),
    "ring": Work(_ring, POINT, (2,), 512, 128, 2000, 10, trials=True, stock=False),
    "pacgan": Work(_pacgan, POINT, (2,), 100, 400, 600, 10, trials=True, stock=False),
}


def trial(work: str, batch: int, width: int, seed: int) -> ConfigDict:
    """The work as a trial of a sweep, on the points of the data set."""
    made = WORKS[work].config(batch, width)
    made.data.name, made.eval.protocol = "ring", "mixture_2500"
    made.seed, made.eval.every, made.train.steps = seed, 10_000, 100_000
    return made


def examples(work: str) -> Examples:
    """What batches are taken from: random images, or nothing where points are drawn afresh."""
    rng = np.random.default_rng(0)
    shape = WORKS[work].shape
    if WORKS[work].kind is IMAGE:
        return Examples(rng.integers(0, 256, (IMAGES, *shape), dtype=np.uint8))
    return Examples(np.zeros((0, *shape), np.float32))


def data_spec(work: str) -> DataSpec:
    """What the GAN is built for; where points are drawn, no batch is taken of a training set."""
    return DataSpec(work, WORKS[work].kind, WORKS[work].shape, IMAGES)


def assembled(work: str, config: ConfigDict, devices: Devices) -> tuple[Setup, Phase, Examples]:
    """The work as its config says it: the setup, its round, and what batches are taken from."""
    setup = build(config, data_spec(work))
    (phase,) = setup.phases(devices)
    if WORKS[work].kind is POINT:
        phase = phase._replace(step=with_fresh_points(phase.step))
    return setup, phase, examples(work)


def with_fresh_points(step: Step) -> Step:
    """The step on points of the ring that it draws itself."""

    def drawn(state, examples, indices):
        del examples
        key = jax.random.fold_in(restored_root(state.key), state.step)
        which, where = jax.random.split(key)
        count = indices.shape[-1]
        angle = 2 * math.pi * jax.random.randint(which, (count,), 0, 8) / 8
        centres = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
        points = centres + 0.01 * jax.random.normal(where, (count, 2))
        return step(state, Examples(points), jnp.arange(count)[None])

    return drawn

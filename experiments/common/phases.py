"""Training that goes on from a checkpoint in phases, and the effect of each discriminator phase.

A phase is measured by the discriminator's contours before and after it, and by the samples after a
generator phase that follows it, against those after the same generator phase without it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from experiments.common.slopes import Digits, Slopes, make_fakes, make_slopes
from gan_jax import data, latent
from gan_jax.core.devices import one_device
from gan_jax.core.streams import root
from gan_jax.data.batches import Batches, Examples
from gan_jax.examples import IMAGE
from gan_jax.game.schemes import Updates
from gan_jax.game.state import GANState
from gan_jax.latent.digits import classifier
from gan_jax.run.restore import restore
from gan_jax.run.sampling import make_accuracy, make_sampler

GENERATOR_UPDATES = 20  # a phase
PHASES = (1, 2)
FAKES = 256  # at which slopes are looked at
STEP = 1.0  # length of a step along them; independent samples are 20 apart


class Bench(NamedTuple):
    """What states of one run are tried with.

    Attributes:
        updates: Both players' gradients and updates.
        batches: The run's.
        examples: What it trains on.
        held_out: What it doesn't.
        digits: Real ones, and how images stand beside them.
        discriminate: (state, examples, indices [B]) to the state an update on.
        generate: A state to the state an update on, and its gradient's norm.
        slopes: See `make_slopes`.
        fakes: See `make_fakes`.
        accuracy: See `make_accuracy`.
        quality: The generator's variables to `frechet` and more.
    """

    updates: Updates
    batches: Batches
    examples: Examples
    held_out: Examples
    digits: Digits
    discriminate: Callable
    generate: Callable
    slopes: Slopes
    fakes: Callable
    accuracy: Callable
    quality: Callable

    def discriminator_phase(self, state: GANState, updates: int) -> GANState:
        """The state after updates of the discriminator, by the batches that the run takes next."""
        first = int(state.discriminator.updates)
        for indices in self.batches.indices(first, updates):
            state = self.discriminate(state, self.examples, indices)
        return state

    def generator_phase(self, state: GANState) -> tuple[GANState, float]:
        """The state after `GENERATOR_UPDATES` of the generator, and the first gradient's norm."""
        norms = []
        for _ in range(GENERATOR_UPDATES):
            state, norm = self.generate(state)
            norms.append(norm)
        return state, float(norms[0])

    def shown(self, state: GANState) -> np.ndarray:
        """Fakes [`FAKES`, P], always of the same latents."""
        return self.fakes(state.generator.variables, root(0), FAKES)

    def contours(self, state: GANState, fakes: np.ndarray) -> dict[str, float]:
        """The discriminator's accuracy, and what a step along its slopes at the fakes brings."""
        variables = state.discriminator.variables
        slopes = self.slopes(variables, fakes, root(1))
        taken = self.accuracy(variables, Examples(fakes.reshape(-1, *self.held_out.x.shape[1:])))
        right = (self.accuracy(variables, self.held_out) + 1 - taken) / 2
        return {"accuracy": right, **self.digits.worth(fakes, slopes, STEP)}


def make_bench(folder: Path) -> Bench:
    """The bench of a run."""
    trained, device = restore(folder, beside=()), one_device()
    setup = trained.setup
    updates, protocol, shape = setup.updates, setup.protocol, setup.data.shape
    dataset = data.load(setup.config.data)
    reference = protocol.reference(dataset)
    sample = make_sampler(setup.game)
    read = classifier(latent.load(folder))
    real = np.asarray(IMAGE.to_model(dataset.train)).reshape(len(dataset.train), -1)

    def discriminate(state, examples, indices):
        gradient = updates.discriminator_gradient(state, updates.batch(examples, indices))
        return updates.update_discriminator(state, gradient)[0]

    def generate(state):
        state, measured = updates.update_generator(state, updates.generator_gradient(state, None))
        return state, measured["generator/gradient_norm"]

    def quality(variables) -> dict[str, float]:
        made = (batch.x for batch in sample(variables, protocol.num, setup.config.seed))
        measured = protocol.measure(made, reference)
        return {"frechet": measured["frechet"], "sample_confidence": measured["confidence"]}

    return Bench(
        updates=updates,
        batches=setup.batches,
        examples=device.replicate(setup.training(dataset)),
        held_out=setup.held_out(dataset),
        digits=Digits(read, real, shape),
        discriminate=jax.jit(discriminate),
        generate=jax.jit(generate),
        slopes=make_slopes(updates.game, shape),
        fakes=make_fakes(updates.game),
        accuracy=make_accuracy(updates.game),
        quality=quality,
    )


def state_at(folder: Path, step: int) -> GANState:
    """The state that a run had saved at a step, its weights the raw ones."""
    return one_device().replicate(restore(folder, step, "raw").state)


Outcome = tuple[dict[str, float], GANState]


def outcome(bench: Bench, state: GANState, fakes: np.ndarray) -> Outcome:
    """The contours at the fakes, the samples after a generator phase by them, and that state."""
    after, norm = bench.generator_phase(state)
    measured = bench.contours(state, fakes) | bench.quality(after.generator.variables)
    return measured | {"gradient_norm": norm}, after


def alternate(
    bench: Bench, state: GANState, k: int, first: Outcome
) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
    """Numbers without and with each discriminator phase of k updates, between generator phases.

    Args:
        bench: The run's.
        state: Where the first phase begins.
        k: The discriminator's updates a phase.
        first: The outcome at that state.
    """
    fakes, (without, _) = bench.shown(state), first
    for phase in PHASES:
        learned = bench.discriminator_phase(state, k)
        with_phase, state = outcome(bench, learned, fakes)
        yield without, with_phase
        if phase != PHASES[-1]:
            fakes = bench.shown(state)
            without, _ = outcome(bench, state, fakes)

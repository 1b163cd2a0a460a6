"""What is measured of a state that training itself does not show."""

from collections.abc import Callable, Iterator

import jax
import numpy as np

from gan_jax.config.checks import checked
from gan_jax.config.setup import Setup
from gan_jax.data import Dataset
from gan_jax.data.batches import Examples
from gan_jax.examples.condition import LABEL
from gan_jax.game.losses import LOSSES
from gan_jax.game.state import GANState, Variables
from gan_jax.metrics.classifier import share_as_asked
from gan_jax.run.diagnosis import make_diagnosis
from gan_jax.run.sampling import make_accuracy, make_sampler

NUM_CLASSIFIED = 2_000  # samples whose class is compared with the one asked for


class Evaluator:
    """Measures states of one run, always with the same latents.

    Attributes:
        protocol: The named protocol.
        floor: What real data score under it.

    Args:
        setup: What the run is made of.
        dataset: Its data.
        diagnostics: Whether to measure them too.

    Raises:
        InputError: If the protocol does not fit the data, or the diagnostics of a game can't be
            measured whose rules are unknown here.
    """

    def __init__(self, setup: Setup, dataset: Dataset, *, diagnostics: bool):
        self.protocol = setup.protocol
        self._kind, self._seed = dataset.kind, setup.config.seed
        self._held_out = setup.held_out(dataset)
        self._sample = make_sampler(setup.game, self._held_out.condition)
        self._num_classified = (
            NUM_CLASSIFIED if setup.game.prior.classes and dataset.classifier else 0
        )
        self._accuracy = _make_accuracy(setup, self._held_out)
        self._diagnose = _nothing
        if diagnostics:
            checked(setup.config)
            self._diagnose = make_diagnosis(setup, dataset)
        self._reference = self.protocol.reference(dataset)
        self.floor = self.protocol.noise_floor(dataset, self._reference)

    @property
    def headline(self) -> list[str]:
        """The numbers that matter most, to be printed."""
        return [f"{self.protocol.name}/{name}" for name in self.protocol.kind.HEADLINE]

    def __call__(
        self, state: GANState, generator: Variables
    ) -> tuple[dict[str, float], np.ndarray]:
        """Numbers to log, and the examples to show.

        Args:
            state: The state.
            generator: The generator's variables to sample with.
        """
        first, limit = [], self._kind.num_shown

        def batches() -> Iterator[np.ndarray]:
            for batch in self._sample(generator, self.protocol.num, self._seed):
                if sum(len(earlier.x) for earlier in first) < max(limit, self._num_classified):
                    first.append(batch)
                yield batch.x

        measured = self.protocol.measure(batches(), self._reference)
        numbers = {
            **self._diagnose(state),
            # Of all held-out examples, not of as many as the diagnostics take.
            **self._accuracy(state),
            **{f"{self.protocol.name}/{name}": value for name, value in measured.items()},
        }
        early = jax.tree.map(lambda *leaves: np.concatenate(leaves), *first)
        if self._num_classified:
            some = jax.tree.map(lambda leaf: leaf[: self._num_classified], early)
            numbers["generator/as_asked"] = share_as_asked(some.x, some.condition[LABEL])
        return numbers, early.x[:limit]


def _make_accuracy(setup: Setup, held_out: Examples) -> Callable[[GANState], dict[str, float]]:
    """A function of a state to the discriminator's accuracy on held-out examples.

    It gives nothing where the loss is a run's own, unknown here: what a logit means is, too.
    """
    if setup.config.loss not in LOSSES:
        return _nothing
    accuracy = make_accuracy(setup.game)
    return lambda state: {
        "discriminator/accuracy_held_out": accuracy(state.discriminator.variables, held_out)
    }


def _nothing(state: GANState) -> dict[str, float]:
    del state
    return {}

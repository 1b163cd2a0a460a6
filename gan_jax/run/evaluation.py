"""What is measured of a state that training itself does not show."""

from collections.abc import Callable, Iterator

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax.config import build, rules
from gan_jax.config.build import Players
from gan_jax.core.errors import choose
from gan_jax.data import Dataset
from gan_jax.data.batches import Examples
from gan_jax.game.losses import LOSSES
from gan_jax.game.state import GANState, Variables
from gan_jax.metrics import PROTOCOLS
from gan_jax.metrics.classifier import CLASSIFIED, share_as_asked
from gan_jax.report.pictures import SHOWN
from gan_jax.run import stand_ins
from gan_jax.run.diagnosis import make_diagnosis
from gan_jax.run.sampling import make_accuracy, make_sampler

JUDGED = 2_000  # samples whose class is compared with the one asked for


class Evaluator:
    """Measures states of one run, always with the same latents.

    Attributes:
        protocol: The named protocol.
        floor: What real data score under it.

    Args:
        config: The run's config.
        players: Its networks.
        dataset: Its data.

    Raises:
        InputError: If the protocol is unknown or does not fit the data.
    """

    def __init__(self, config: ConfigDict, players: Players, dataset: Dataset):
        self.protocol = choose("config.eval.protocol", config.eval.protocol, PROTOCOLS)
        self._dataset = dataset
        self._seed = config.seed
        prior = rules.prior(config.model)
        self._sample = make_sampler(players.generator, prior)
        self._judged = JUDGED if prior.classes and dataset.name == CLASSIFIED else 0
        self._accuracy = _make_accuracy(config, players, build.held_out(config.model, dataset))
        self._diagnose = (
            make_diagnosis(config, players, dataset) if config.eval.diagnostics else _nothing
        )
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
        first, limit = [], SHOWN[self._dataset.is_image]

        def batches() -> Iterator[np.ndarray]:
            for batch in self._sample(generator, self.protocol.num, self._seed):
                if sum(len(earlier.x) for earlier in first) < max(limit, self._judged):
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
        if self._judged:
            judged = jax.tree.map(lambda leaf: leaf[: self._judged], early)
            numbers["generator/as_asked"] = share_as_asked(judged.x, judged.labels)
        return numbers, early.x[:limit]


def _make_accuracy(
    config: ConfigDict, players: Players, held_out: Examples
) -> Callable[[GANState], dict[str, float]]:
    """A function of a state to the discriminator's accuracy on held-out examples.

    It gives nothing where the loss is a run's own, unknown here: what a logit means is, too.
    """
    if config.loss not in LOSSES:
        return _nothing
    networks = players.generator, players.discriminator
    game = rules.game(stand_ins.known(config), *networks, config.train.batch_size, None)
    accuracy = make_accuracy(game)
    return lambda state: {
        "discriminator/accuracy_held_out": accuracy(state.discriminator.variables, held_out)
    }


def _nothing(state: GANState) -> dict[str, float]:
    del state
    return {}

"""What a round is made of: programs, how often each is dispatched, and in which rounds."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from gan_jax.core.errors import InputError
from gan_jax.data.batches import Examples
from gan_jax.game.state import GANState
from gan_jax.game.update import Measurements

Step = Callable[[GANState, Examples, jax.Array], tuple[GANState, Measurements]]


class Phase(NamedTuple):
    """A part of a round: one program, dispatched `repeats` times.

    Attributes:
        step: (state, examples, indices [batches, B]) to (state, measurements): a pure function.
        repeats: How often a round dispatches it.
        batches: How many batches of real examples one dispatch takes.
        first: The first round that it is part of.
        end: The first round after those, or None: it stays.
    """

    step: Step
    repeats: int
    batches: int
    first: int = 0
    end: int | None = None

    def rounds_before(self, step: int) -> int:
        """How many of the rounds before `step` it was part of."""
        end = step if self.end is None else min(step, self.end)
        return max(end - self.first, 0)

    def takes_part(self, step: int) -> bool:
        """Whether it is part of round `step`."""
        return self.rounds_before(step + 1) > self.rounds_before(step)


def updates_per_round(config, per_epoch: int) -> tuple[int, int]:
    """k and m: updates of the discriminator and of the generator in a round after the warmup."""
    unit = _unit(config, per_epoch)
    return unit * config.discriminator, unit * config.generator


def warmup_updates(config, per_epoch: int) -> int:
    """Updates of the discriminator in each of the first `warmup_rounds` rounds."""
    return _unit(config, per_epoch) * config.warmup_discriminator


def total_updates(config, per_epoch: int, rounds: int) -> tuple[int, int]:
    """Updates of the discriminator and of the generator in the first `rounds` rounds.

    Args:
        config: The field `schedule` of the run's config.
        per_epoch: Batches in an epoch.
        rounds: At least 0.
    """
    k, m = updates_per_round(config, per_epoch)
    warm = min(rounds, config.warmup_rounds)
    return k * (rounds - warm) + warmup_updates(config, per_epoch) * warm, m * rounds


def refuse_counts(config) -> None:
    """Refuse a schedule of other than one update a player a round, for schemes that have that.

    Raises:
        InputError: For the first field that says otherwise.
    """
    one = {"discriminator": 1, "generator": 1, "unit": "step", "warmup_rounds": 0}
    for name, value in one.items():
        if config[name] != value:
            raise InputError(
                f"config.schedule.{name}",
                config[name],
                f"the scheme {config.scheme} has one update a player a round",
            )


def _unit(config, per_epoch: int) -> int:
    return {"step": 1, "epoch": per_epoch}[config.unit]

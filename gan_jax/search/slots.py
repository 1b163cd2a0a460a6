"""The trials of a program side by side, each over several seeds, replaced by others as they end."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.serialization
import numpy as np
from ml_collections import ConfigDict

from gan_jax.data import Dataset
from gan_jax.search.places import reassign
from gan_jax.search.space import Point, Space
from gan_jax.sweep.vmapped import Row, VmappedTrials

_FREE = -1


class Evaluation(NamedTuple):
    """What has been measured of a trial.

    Attributes:
        number: The trial's.
        round: After how many rounds.
        rows: What was measured, of each seed.
    """

    number: int
    round: int
    rows: list[Row]


class Change(NamedTuple):
    """What a slot is given.

    Attributes:
        number: The trial's number.
        point: Its values.
        origin: The slot from whose state it goes on; None: it starts anew.
    """

    number: int
    point: Point
    origin: int | None = None


class Slots:
    """Trials side by side.

    Slot n is the places from n * len(seeds) on, one a seed.

    Args:
        space: Where the trials are from.
        program: The values that they have in common.
        seeds: The seeds of each.
        count: How many slots there are.
        dataset: Their data.

    Attributes:
        program: As given.
        numbers: The trial in each slot, None: it is free.
        devices: How many devices they are on.
    """

    def __init__(self, space: Space, program: Point, seeds: range, count: int, dataset: Dataset):
        self.program, self.numbers = program, [None] * count
        self._space, self._seeds = space, seeds
        self._points = [space.first(program)] * count
        ratios = [space.config_of(point, 0) for point in space.ratios(program)]
        self._side = VmappedTrials(self._configs(), dataset, later=ratios)
        self.devices = self._side.devices
        self._trials = self._side.start()
        self._steps = np.zeros(count * len(seeds), int)

    @property
    def free(self) -> list[int]:
        """The slots without a trial."""
        return [slot for slot, number in enumerate(self.numbers) if number is None]

    @property
    def idle(self) -> bool:
        """Whether no slot has a trial."""
        return len(self.free) == len(self.numbers)

    def advance(self) -> list[Evaluation]:
        """Train all by a dispatch; what is measured of those that are due then."""
        self._trials, self._steps = self._side.step(self._trials, self._steps)
        seeds = len(self._seeds)
        due = sorted({place // seeds for place in self._side.due(self._steps)})
        due = [slot for slot in due if self.numbers[slot] is not None]
        if not due:
            return []
        rows = dict(self._side.evaluate(self._trials, self._steps))
        by_slot = {slot: [rows[slot * seeds + seed] for seed in range(seeds)] for slot in due}
        return [
            Evaluation(self.numbers[slot], int(own[0]["step"]), own)
            for slot, own in by_slot.items()
        ]

    def clear(self, slot: int) -> None:
        """Take a trial from its slot."""
        self.numbers[slot] = None

    def assign(self, changes: Mapping[int, Change]) -> None:
        """Give slots other trials."""
        origins = list(range(len(self.numbers)))
        for slot, (number, point, origin) in changes.items():
            self.numbers[slot], self._points[slot], origins[slot] = number, point, origin
        seeds = len(self._seeds)
        self._side, self._trials = reassign(
            self._side,
            self._trials,
            self._configs(),
            [
                None if origin is None else origin * seeds + seed
                for origin in origins
                for seed in range(seeds)
            ],
        )
        taken = [slot if origin is None else origin for slot, origin in enumerate(origins)]
        starts = [origin is None for origin in origins]
        steps = self._steps.reshape(-1, seeds)[taken]
        self._steps = np.where(np.array(starts)[:, None], 0, steps).ravel()

    def to_host(self) -> dict[str, Any]:
        """All that is needed to go on, as numpy arrays."""
        numbers = [_FREE if number is None else number for number in self.numbers]
        return {
            "trials": self._side.to_host(self._trials),
            "steps": self._steps,
            "numbers": np.array(numbers),
        }

    def restore(self, saved: Mapping[str, Any], points: Mapping[int, Point]) -> None:
        """Go on from what `to_host` gave.

        Args:
            saved: It, as nested dicts.
            points: The values of the trials in the slots.
        """
        numbers = saved["numbers"].tolist()
        self.numbers = [None if number == _FREE else number for number in numbers]
        self._points = [
            self._points[slot] if number is None else points[number]
            for slot, number in enumerate(self.numbers)
        ]
        self._side = self._side.with_configs(self._configs())
        host = self._side.to_host(self._trials)
        self._trials = self._side.from_host(
            flax.serialization.from_state_dict(host, saved["trials"])
        )
        self._steps = saved["steps"]

    def _configs(self) -> list[ConfigDict]:
        return [
            self._space.config_of(point, seed) for point in self._points for seed in self._seeds
        ]

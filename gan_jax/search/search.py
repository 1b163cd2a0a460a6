"""A search at work: what the trials are worth, which of them go on, and what comes after them."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.search.methods import METHODS, Evaluated, Leaving
from gan_jax.search.search_file import SearchFile
from gan_jax.search.slots import Change, Evaluation, Slots
from gan_jax.search.space import Point
from gan_jax.search.trials import DIVERGED, MEASURES, Trials

_PERTURBS = 1  # tells its draws from a method's


class Options(NamedTuple):
    """How a search is done.

    Attributes:
        trials: How many are drawn, of each program as many.
        places: How many networks are trained at once, of all programs.
        sampler: One of `draw.SAMPLERS`.
        method: One of `methods.METHODS`.
        seed: Of what the search itself draws.
        confirm: On how many other seeds the best trials are trained again, in the end.
        finalists: How many they are, beside the config's own values.
    """

    trials: int
    places: int = 32
    sampler: str = "tpe"
    method: str = "halving"
    seed: int = 0
    confirm: int = 8
    finalists: int = 4


class Search:
    """A search between its first trial and its last.

    Args:
        file: What is searched.
        options: How.
        trials: Its trials.
        programs: The places of its trials, of each program.
    """

    def __init__(
        self, file: SearchFile, options: Options, trials: Trials, programs: Sequence[Slots]
    ):
        self._file, self._options, self._config = file, options, file.space.config
        self._trials, self._programs = trials, programs

    @property
    def over(self) -> bool:
        """Whether all trials have ended."""
        return all(slots.idle for slots in self._programs)

    def start(self) -> None:
        """Give every place its first trial."""
        for slots in self._programs:
            self._give(slots, {})

    def advance(self) -> bool:
        """Train all trials by a dispatch and see to those that are due; returns whether any was."""
        found = False
        for slots in self._programs:
            if not slots.idle and (evaluations := slots.advance()):
                found = True
                self._see_to(slots, evaluations)
        return found

    def _see_to(self, slots: Slots, evaluations: Sequence[Evaluation]) -> None:
        for one in evaluations:
            self._trials.report(one.number, one.round, [self._file.value(row) for row in one.rows])
        changes = {}
        for round_ in sorted({one.round for one in evaluations}):
            same = {one.number: one for one in evaluations if one.round == round_}
            changes |= self._decide(slots, round_, same)
        self._give(slots, changes)

    def _decide(
        self, slots: Slots, round_: int, evaluated: Mapping[int, Evaluation]
    ) -> dict[int, Change]:
        """End the trials that don't go on; returns what goes on from another's state."""
        values = {
            number: self._trials.all[number].intermediate_values[round_] for number in evaluated
        }
        over, changes = round_ == self._config.train.steps, {}
        leaving = dict.fromkeys(evaluated) if over else self._leaving(values, round_)
        for number, source in leaving.items():
            slot = slots.numbers.index(number)
            self._end(evaluated[number], complete=over)
            if source is None:
                slots.clear(slot)
            else:
                rng = np.random.default_rng((self._options.seed, round_, number, _PERTURBS))
                point = self._perturbed(slots.program, self._trials.all[source].params, rng)
                child = self._trials.ask_child(point, source, round_)
                changes[slot] = Change(child, point, slots.numbers.index(source))
        return changes

    def _leaving(self, values: Mapping[int, float], round_: int) -> Leaving:
        others, count = self._trials.at(round_), round_ // self._config.eval.every
        method = METHODS[self._options.method]
        leaving = method(Evaluated(count, values, others, self._options.seed))
        # The config's own values, which the others are compared with, are trained to the end.
        return {
            number: source
            for number, source in leaving.items()
            if source is not None
            or values[number] == -math.inf
            or self._trials.all[number].params != self._file.space.own
        }

    def _perturbed(self, program: Point, point: Point, rng: np.random.Generator) -> Point:
        """The values of a trial, changed at random but for those that make its program."""
        return {
            name: value if name in program else self._file.space.values[name].perturbed(value, rng)
            for name, value in point.items()
        }

    def _end(self, evaluation: Evaluation, *, complete: bool) -> None:
        rows = evaluation.rows
        fell = max(int(row["diverged_at"]) for row in rows)
        means = {
            name: float(np.mean([row[name] for row in rows]))
            for name in rows[0]
            if name.startswith(f"{self._config.eval.protocol}/")
        }
        finite = {name: value for name, value in means.items() if math.isfinite(value)}
        noted = {MEASURES: finite} | ({DIVERGED: fell} if fell >= 0 else {})
        self._trials.end(evaluation.number, complete=complete and fell < 0, **noted)

    def _give(self, slots: Slots, changes: dict[int, Change]) -> None:
        """Make changes, and give free slots new trials while the program has any left."""
        share, more = divmod(self._options.trials, len(self._programs))
        share += self._programs.index(slots) < more
        for slot in slots.free:
            if self._trials.drawn(slots.program) < share:
                changes[slot] = Change(*self._trials.ask(slots.program))
        if changes:
            slots.assign(changes)

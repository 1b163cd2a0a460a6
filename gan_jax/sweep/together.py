"""Trials that differ in numbers only, as one compiled program: they play side by side."""

from collections.abc import Iterator, Sequence
from functools import partial

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax import build
from gan_jax.data import Dataset
from gan_jax.data.batches import take
from gan_jax.diagnosis import held_out_rows, shown
from gan_jax.errors import InputError, choose
from gan_jax.game.schemes import updates_a_round
from gan_jax.hyperparameters import COUNTS, numbers
from gan_jax.metrics import PROTOCOLS
from gan_jax.parallel import TrialDevices, one_device
from gan_jax.rounds import is_single
from gan_jax.rules import loss
from gan_jax.sweep.pace import Pace, plays_a_dispatch
from gan_jax.sweep.program import Looks, Program, Shared, Trial

Row = dict[str, float]
# Examples of a batch times parameters of both players. On two cores 16 trials in turn took, of
# their time at once, 1.5 (600,000), 0.97 (5 million), 0.84 (18 million) and 0.74 (88 million).
LARGE = 4_000_000
_TYPES = {"seed": np.uint32, **dict.fromkeys(COUNTS, np.int32)}


class Together:
    """Trials in play.

    Args:
        configs: One a trial, all of one `hyperparameters.structure`.
        dataset: Their data.

    Attributes:
        plays: How many plays the longest trial takes.
        devices: How many devices play.

    Raises:
        InputError: If a config can't be used, or not so.
    """

    def __init__(self, configs: Sequence[ConfigDict], dataset: Dataset):
        template, self._configs = configs[0], configs
        self._protocol = choose("config.eval.protocol", template.eval.protocol, PROTOCOLS)
        self._reference = self._protocol.reference(dataset)
        by_turns, self._paces = _paces(configs, dataset)
        self.plays = max(pace.plays * pace.steps for pace in self._paces)
        self._a_dispatch = plays_a_dispatch(self._paces)
        held_out, source = build.held_out(template.model, dataset), self._paces[0].source
        rows = held_out_rows(source, len(held_out.x), template.model.discriminator.pack)
        shared = Shared(build.training(template.model, dataset), take(held_out, rows))
        per_epoch = source.per_epoch
        program = Program(template, dataset.shape, per_epoch, by_turns, self._protocol.num)
        self._devices = TrialDevices(len(configs))
        self.devices = self._devices.count
        self._shared = self._devices.share(shared)
        self._start = self._devices.compile(program.start)
        self._play = self._devices.compile(
            program.play, donates=True, in_turn=_is_large(template, program)
        )
        self._evaluate = self._devices.compile(program.evaluate)

    def start(self) -> Trial:
        """All trials before their first play."""
        tables = [numbers(config) for config in self._configs]
        columns = {
            name: np.array([table[name] for table in tables], _TYPES.get(name, np.float32))
            for name in tables[0]
        }
        return self._start(self._devices.lay_out(columns), None, None)

    def play(self, trials: Trial, first: int) -> tuple[Trial, int]:
        """The trials some plays on from play number `first`, and the number of the next."""
        end = first + self._a_dispatch
        indices = [[pace.indices(play) for play in range(first, end)] for pace in self._paces]
        return self._play(trials, self._devices.lay_out(np.array(indices)), self._shared), end

    def due(self, plays: int) -> list[int]:
        """Which trials are to be evaluated after so many plays."""
        return [trial for trial, pace in enumerate(self._paces) if pace.is_due(plays)]

    def evaluate(self, trials: Trial, plays: int) -> Iterator[tuple[int, Row]]:
        """Each trial that is due after so many plays, with what is measured of it."""
        indices = Looks(
            shown=np.array([shown(pace.source) for pace in self._paces]),
            ahead=np.array([pace.indices(plays) for pace in self._paces]),
        )
        found = self._evaluate(trials, self._devices.lay_out(indices), self._shared)
        measured, samples = self._devices.gather(found)
        for trial in self.due(plays):
            row = {name: values[trial].item() for name, values in measured.items()}
            scores = self._protocol.measure([samples[trial]], self._reference)
            named = {f"{self._protocol.name}/{name}": value for name, value in scores.items()}
            yield trial, {"step": plays // self._paces[trial].plays, **row, **named}

    def to_host(self, trials: Trial) -> Trial:
        """The trials as numpy arrays [trials, ...], and `from_host` back."""
        return self._devices.gather(trials)

    def from_host(self, trials: Trial) -> Trial:
        """The inverse of `to_host`."""
        return self._devices.lay_out(trials)


def _is_large(config: ConfigDict, program: Program) -> bool:
    """Whether a trial keeps a device busy by itself.

    Small products of many trials are quicker at once, since each operation of a program has its
    price; large ones one trial after the other, whose parameters then stay in the cache.
    """
    players = build.players(config, program.shape, program.per_epoch)
    state = jax.eval_shape(partial(build.initial, config, players, program.shape))
    leaves = jax.tree.leaves([state.generator.params, state.discriminator.params])
    return config.train.batch_size * sum(leaf.size for leaf in leaves) >= LARGE


def _paces(configs: Sequence[ConfigDict], dataset: Dataset) -> tuple[bool, list[Pace]]:
    """Whether the trials play by turns, and the pace of each."""
    template = configs[0]
    sources = [build.batches(config, len(dataset.train)) for config in configs]
    per_epoch = sources[0].per_epoch
    players = build.players(template, dataset.shape, per_epoch)
    phases = build.phases(template, players, per_epoch, one_device())
    ratios = [updates_a_round(config.schedule, per_epoch) for config in configs]
    by_turns = len(set(ratios)) > 1 or not is_single(phases)
    if by_turns and template.schedule.warmup_rounds:
        why = "rounds that change can't be played side by side"
        raise InputError("config.schedule.warmup_rounds", template.schedule.warmup_rounds, why)
    generator_looks = loss(template, None).relativistic
    paces = []
    for config, source, (k, m) in zip(configs, sources, ratios, strict=True):
        cut = (k + m, k + m * generator_looks, 1) if by_turns else (1, 1, phases[0].batches)
        paces.append(Pace(source, *cut, every=config.eval.every, steps=config.train.steps))
    return by_turns, paces

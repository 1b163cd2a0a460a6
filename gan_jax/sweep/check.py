"""Whether trials can be played, found out before any is: nothing runs, no device is touched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import jax
from ml_collections import ConfigDict

from gan_jax.config import build, rules
from gan_jax.config.hyperparameters import structure
from gan_jax.core.errors import InputError, choose
from gan_jax.data import DATASETS, MIXTURES
from gan_jax.data.raw_sets import RAW_SETS
from gan_jax.game import schemes
from gan_jax.game.averages import AVERAGES
from gan_jax.metrics import PROTOCOLS
from gan_jax.run.workdir import to_json

_PER_EPOCH = 100  # batches, where the data have not been counted: changes nothing that is checked


@contextmanager
def naming(trial: object) -> Iterator[None]:
    """Make errors of the user say which trial they are of."""
    try:
        yield
    except InputError as error:
        raise InputError(error.key, error.value, f"{error.why}, in {trial}") from None


def check_builds(trials: Sequence) -> None:
    """Put together what each trial is played with, once for all trials of one structure.

    What only the data can tell (their classes, a batch larger than the set) is found by the jobs.

    Args:
        trials: `study.TrialConfig`s.

    Raises:
        InputError: For the first that can't be played; it names the trial.
    """
    firsts = {}
    for trial in trials:
        firsts.setdefault(to_json(structure(trial.config)), trial)
    for trial in firsts.values():
        with naming(trial):
            _build(trial.config)


def _build(config: ConfigDict) -> None:
    shape = _shape(config.data)
    choose("config.eval.protocol", config.eval.protocol, PROTOCOLS)
    choose("config.ema.kind", config.ema.kind, AVERAGES)
    schemes.chosen(config.schedule)
    players = build.players(config, shape, _PER_EPOCH)
    networks = players.generator, players.discriminator
    rules.game(config, *networks, config.train.batch_size, None)
    jax.eval_shape(partial(build.initial, config, players, shape))


def _shape(config: ConfigDict) -> tuple[int, ...]:
    """Of an example of the data that `config.data` names."""
    choose("config.data.name", config.name, DATASETS)
    if config.name in MIXTURES:
        return (MIXTURES[config.name].centres.shape[-1],)
    return (config.image_size, config.image_size, RAW_SETS[config.name].shape[-1])

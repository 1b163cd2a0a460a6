"""Whether trials can be trained, found out before any is: nothing runs, no device is touched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import jax

from gan_jax.config import rules
from gan_jax.config.hyperparameters import structure
from gan_jax.config.rules import Config
from gan_jax.config.setup import build
from gan_jax.core.errors import InputError, choose
from gan_jax.core.files import to_json
from gan_jax.data import DATASETS, DataSpec

_PER_EPOCH = 100  # batches, where the data have not been counted: changes nothing that is checked


@contextmanager
def naming_trial(trial: object) -> Iterator[None]:
    """Make errors of the user say which trial they are of."""
    try:
        yield
    except InputError as error:
        raise InputError(error.key, error.value, f"{error.why}, in {trial}") from None


def check_trials(trials: Sequence) -> None:
    """Put together what each trial is trained with, once for all trials of one structure.

    What only the data can tell (their classes, a batch larger than the set) is found by the jobs.

    Args:
        trials: `study.TrialConfig`s.

    Raises:
        InputError: For the first that can't be trained; it names the trial.
    """
    firsts = {}
    for trial in trials:
        firsts.setdefault(to_json(structure(trial.config)), trial)
    for trial in firsts.values():
        with naming_trial(trial):
            _build(trial.config)


def _build(config: Config) -> None:
    source = choose("config.data.name", config.data.name, DATASETS)
    if rules.prior(config.model).given:  # conditions that only the data have
        return
    spec = DataSpec(
        name=config.data.name,
        kind=source.kind,
        shape=source.shape(config.data),
        num=_PER_EPOCH * config.train.batch_size,
        classes=config.model.classes,
    )
    jax.eval_shape(build(config, spec).initial)

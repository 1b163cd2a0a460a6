"""A study: a file with a question, a config, the trials that shall answer it, and a report."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd
from ml_collections import ConfigDict

from gan_jax.config.checks import checked
from gan_jax.config.fields import flatten, no_such_field
from gan_jax.core.errors import InputError
from gan_jax.study.report import Report, Section

Probe = Callable[[Path], Mapping[str, float]]


class TrialConfig(NamedTuple):
    """A trial before it is played.

    Attributes:
        number: Its place in the study, from 0.
        config: Its config.
    """

    number: int
    config: ConfigDict


class Study(NamedTuple):
    """A study with its trials.

    Attributes:
        path: The file.
        question: Its docstring.
        trials: All of them.
        report: From the table of results to a report.
        probe: What to measure of a run that has been trained, from its folder to numbers by name:
            they join its last evaluation. Only trials on images are runs.
        exhibit: Further sections of the report, from the folders of the runs by trial.
    """

    path: Path
    question: str
    trials: Sequence[TrialConfig]
    report: Callable[[pd.DataFrame], Report]
    probe: Probe | None = None
    exhibit: Callable[[Mapping[int, Path]], Sequence[Section]] | None = None


def load(path: Path, config: ConfigDict) -> Study:
    """The study of a file, its trials made from a config.

    Args:
        path: A Python file with a docstring, `get_config()`, `sweep(add)` and `report(results)`;
            and, if the study has them, `probe(folder)` and `exhibit(folders)`.
        config: What the trials have in common: the file's own, as the user overrode it.

    Raises:
        InputError: If the file is no study, or a trial's config can't be used.
    """
    module = _load(path)
    for name in ("sweep", "report"):
        if not callable(getattr(module, name, None)):
            raise InputError("study", path, f"has no function {name}")
    trials: list[TrialConfig] = []

    def add(**overrides: Any) -> None:
        trials.append(TrialConfig(len(trials), _overridden(config, overrides)))

    module.sweep(add)
    if not trials:
        raise InputError("study", path, "has no trials")
    further = {name: getattr(module, name, None) for name in ("probe", "exhibit")}
    return Study(path, (module.__doc__ or "").strip(), trials, module.report, **further)


def matching(trials: Sequence[TrialConfig], wanted: str) -> list[TrialConfig]:
    """The trials whose fields have the values wanted.

    Args:
        trials: All.
        wanted: "key=value,key=value", values as they are printed; a key again is an alternative.

    Raises:
        InputError: If it can't be read, or no trial matches.
    """
    choices: dict[str, set[str]] = {}
    for part in filter(None, wanted.split(",")):
        key, equals, value = part.partition("=")
        if not equals or key not in flatten(trials[0].config):
            raise InputError("--filter", part, "must be KEY=VALUE with a field of the config")
        choices.setdefault(key, set()).add(value)
    found = [
        trial
        for trial in trials
        if all(str(flatten(trial.config)[key]) in values for key, values in choices.items())
    ]
    if not found:
        raise InputError("--filter", wanted, "no trial matches")
    return found


def _load(path: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(path.stem, path)
    if found is None or not path.is_file():
        raise InputError("study", path, "must be a Python file")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _overridden(config: ConfigDict, overrides: Mapping[str, Any]) -> ConfigDict:
    changed = config.copy_and_resolve_references()
    flat = flatten(changed)
    for key, value in overrides.items():
        if key not in flat:
            raise InputError(f"config.{key}", value, no_such_field(key, flat))
    with changed.ignore_type():
        changed.update_from_flattened_dict(dict(overrides))
    return checked(changed)

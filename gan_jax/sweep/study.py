"""A study: a file with a question, a config, the trials that shall answer it, and a report."""

import ast
import hashlib
import importlib.util
import inspect
import textwrap
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd
from ml_collections import ConfigDict

from gan_jax.config.checks import checked
from gan_jax.config.fields import flatten, no_such_field
from gan_jax.core.errors import InputError
from gan_jax.core.files import to_json
from gan_jax.study.report import Report, Section
from gan_jax.sweep.check import check_trials, naming_trial

Probe = Callable[[Path], Mapping[str, float]]


@dataclass(frozen=True)
class TrialConfig:
    """A trial before it is trained.

    Attributes:
        number: Its place in the study, from 0.
        config: Its config.
        given: What the study said of it, in words.
    """

    number: int
    config: ConfigDict
    given: str = ""

    @cached_property
    def digest(self) -> str:
        """Of its config alone: what has been trained of it is known by this, in any study."""
        return hashlib.sha256(to_json(self.config.to_dict()).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"trial {self.number} ({self.given})" if self.given else f"trial {self.number}"


class Study(NamedTuple):
    """A study with its trials.

    Attributes:
        path: The file.
        question: Its docstring.
        trials: All of them.
        report: From the table of results to a report; None: the standard one.
        probe: What to measure of a trial that has been trained, from its work directory to numbers
            by name: they join its last evaluation.
        exhibit: Further sections of the report, from the work directories by trial. Of trials side
            by side these have what was measured and saved at evaluations.
    """

    path: Path
    question: str
    trials: Sequence[TrialConfig]
    report: Callable[[pd.DataFrame], Report] | None = None
    probe: Probe | None = None
    exhibit: Callable[[Mapping[int, Path]], Sequence[Section]] | None = None


def load(path: Path, config: ConfigDict, combinations: Sequence[Mapping[str, Any]] = ()) -> Study:
    """The study of a file, its trials made from a config.

    Args:
        path: A Python file with a docstring, `get_config()` and `sweep(add)`; and, if the study has
            them, `report(results)`, `probe(folder)` and `exhibit(folders)`.
        config: What the trials have in common: the file's own, as the user overrode it.
        combinations: The trials of a file without `sweep`, as `vary.combinations` gives them.

    Raises:
        InputError: If the file is no study, or a trial's config can't be used.
    """
    module = load_file(path, "study")
    sweep = _sweep(path, getattr(module, "sweep", None), combinations)
    found = {name: getattr(module, name, None) for name in ("report", "probe", "exhibit")}
    functions = {name: function for name, function in found.items() if function is not None}
    for name, function in ({"sweep": sweep} | functions).items():
        _refuse_uncallable(path, name, function)
    if "report" in functions and _returns_nothing(module.report):
        raise InputError("study", path, "its function report returns nothing, a Report is wanted")
    study = Study(path, (module.__doc__ or "").strip(), _trials(path, sweep, config), **functions)
    if study.report is None:
        _refuse_unlike(study)
    return study


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


def error_in_study(error: Exception, path: Path) -> str:
    """What a function of a study's file did wrong, in a line that says where."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    place = f"line {lines[-1]}: " if lines else ""
    return f"{place}{type(error).__name__}: {' '.join(str(error).split())}"


def load_file(path: Path, key: str) -> ModuleType:
    """A user's file as a module.

    Args:
        path: The file.
        key: What the user gave it as.

    Raises:
        InputError: If it is no Python file, or fails.
    """
    found = importlib.util.spec_from_file_location(path.stem, path)
    if found is None or not path.is_file():
        raise InputError(key, path, "must be a Python file")
    module = importlib.util.module_from_spec(found)
    try:
        found.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:  # whatever a file may do wrong
        raise InputError(key, path, f"can't be loaded: {error_in_study(error, path)}") from error
    return module


def _sweep(path: Path, own: Callable | None, combinations: Sequence[Mapping[str, Any]]) -> Callable:
    """What adds the trials: the file's own function, or one that adds the combinations.

    Raises:
        InputError: If there are both, or none.
    """
    if own is not None:
        if combinations:
            why = "has trials of its own: --vary and --seeds are for config files"
            raise InputError("study", path, why)
        return own
    if not combinations:
        why = "has no function sweep; of a config file say what to --vary, or how many --seeds"
        raise InputError("study", path, why)

    def add_all(add: Callable) -> None:
        for overrides in combinations:
            add(**overrides)

    return add_all


def _refuse_unlike(study: Study) -> None:
    """Refuse trials that the standard report can't compare: measured by several protocols."""
    protocols = sorted({trial.config.eval.protocol for trial in study.trials})
    if len(protocols) > 1:
        why = f"{study.path} has no function report, and the standard one compares by one protocol"
        raise InputError("config.eval.protocol", ",".join(protocols), why)


def _refuse_uncallable(path: Path, name: str, function: Any) -> None:
    """Refuse what isn't a function of one argument, as all of a study's are."""
    if not callable(function):
        raise InputError("study", path, f"has no function {name}")
    try:
        inspect.signature(function).bind(None)
    except TypeError as error:
        why = f"its function {name} must take one argument: {error}"
        raise InputError("study", path, why) from None


def _returns_nothing(function: Callable) -> bool:
    """Whether a function can be seen to return no value, whatever it is given."""
    if not inspect.isfunction(function):
        return False
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError):  # typed in, or part of a line
        return False
    if not isinstance(tree, ast.FunctionDef):
        return False
    nodes = list(ast.walk(tree))
    returns = any(isinstance(node, ast.Return) and node.value for node in nodes)
    return not returns and not any(isinstance(node, ast.Raise) for node in nodes)


def _trials(path: Path, sweep: Callable, config: ConfigDict) -> list[TrialConfig]:
    """What the study's function adds.

    Raises:
        InputError: If it fails, adds nothing, the same trial twice, or one that can't be used.
    """
    trials: dict[str, TrialConfig] = {}

    def add(**overrides: Any) -> None:
        given = ", ".join(f"{key}={value}" for key, value in overrides.items())
        with naming_trial(TrialConfig(len(trials), config, given)):
            trial = TrialConfig(len(trials), _overridden(config, overrides), given)
        first = trials.setdefault(trial.digest, trial)
        if first is not trial:
            raise InputError("study", path, f"{trial} is added twice, it is {first} again")

    try:
        sweep(add)
    except InputError:
        raise
    except Exception as error:  # whatever a function may do wrong
        raise InputError(
            "study", path, f"its function sweep failed, {error_in_study(error, path)}"
        ) from error
    if not trials:
        raise InputError("study", path, "has no trials")
    found = list(trials.values())
    check_trials(found)
    return found


def _overridden(config: ConfigDict, overrides: Mapping[str, Any]) -> ConfigDict:
    changed = config.copy_and_resolve_references()
    flat = flatten(changed)
    for key, value in overrides.items():
        if key not in flat:
            raise InputError(f"config.{key}", value, no_such_field(key, flat))
    with changed.ignore_type():
        changed.update_from_flattened_dict(dict(overrides))
    return checked(changed)

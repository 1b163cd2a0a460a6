"""A search's file: a config, the space around it, and what makes a trial good."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from gan_jax.core.errors import InputError, RunError
from gan_jax.search.space import Space
from gan_jax.sweep.study import error_in_study, load_file

Objective = Callable[[Mapping[str, float]], float] | str


class SearchFile(NamedTuple):
    """A search.

    Attributes:
        path: The file.
        question: Its docstring.
        space: The fields that vary, around a config.
        seeds: The seeds of a trial; its value is the mean over them.
        objective: From what an evaluation measured to its value, the larger the better; or a
            measure's name, with a minus before it where smaller is better.
    """

    path: Path
    question: str
    space: Space
    seeds: range
    objective: Objective

    def value(self, row: Mapping[str, float]) -> float:
        """The value of an evaluation of one seed; minus infinity if it diverged or has none.

        Raises:
            InputError: If the objective is a measure that there is not.
            RunError: If the objective fails.
        """
        if row["diverged_at"] >= 0:
            return -math.inf
        if isinstance(self.objective, str):
            name = self.objective.removeprefix("-")
            if name not in row:
                why = f"is not measured, choose from {', '.join(sorted(row))}"
                raise InputError("objective", name, why)
            value = -row[name] if self.objective != name else row[name]
        else:
            try:
                value = float(self.objective(row))
            except Exception as error:  # whatever a function may do wrong
                why = f"its function objective failed, {error_in_study(error, self.path)}"
                raise RunError(f"{self.path}: {why}") from error
        return value if math.isfinite(value) else -math.inf


def load(path: Path, config: ConfigDict) -> SearchFile:
    """The search of a file, around a config.

    Args:
        path: A Python file with a docstring, `get_config()`, the tables and numbers `SPACE` and
            `SEEDS` (1 if there is none), and `objective`, a function of a row or a text.
        config: The file's own, as the user overrode it.

    Raises:
        InputError: If the file is no search, or its space can't be searched.
    """
    module = load_file(path, "search")
    table, seeds = getattr(module, "SPACE", None), getattr(module, "SEEDS", 1)
    objective = getattr(module, "objective", None)
    if not isinstance(table, Mapping):
        raise InputError("search", path, "has no table SPACE of fields and what they may be")
    if not isinstance(seeds, int) or seeds < 1:
        raise InputError("SEEDS", seeds, "must be a whole number above 0")
    if not callable(objective) and not isinstance(objective, str):
        raise InputError("search", path, "has no objective: a function of a row, or a measure")
    return SearchFile(
        path,
        (module.__doc__ or "").strip(),
        Space(table, config),
        range(config.seed, config.seed + seeds),
        objective,
    )

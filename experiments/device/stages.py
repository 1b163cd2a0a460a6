"""The stages, those of most worth first."""

import importlib
from types import ModuleType

NAMES = ("parity", "speed", "convolutions", "side_by_side", "runs", "published")
PACKAGE = "experiments.device"


def load(name: str) -> ModuleType:
    """The module of a stage, see `case.Stage`."""
    return importlib.import_module(f"{PACKAGE}.{name}")

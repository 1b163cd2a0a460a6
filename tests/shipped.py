"""The shipped configs: those of runs stand on the base, others have fields of their own."""

import importlib
from pathlib import Path

from configs import base

ALL = sorted(path.stem for path in Path(base.__file__).parent.glob("[!_]*.py"))
RUNS = [name for name in ALL if hasattr(importlib.import_module(f"configs.{name}"), "base")]

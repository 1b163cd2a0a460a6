"""What a measurement of speed was made on."""

import contextlib
import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

from gan_jax.run.workdir import versions


def environment() -> dict[str, object]:
    """Machine, versions and date."""
    found = versions()
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        found["torch"] = importlib.metadata.version("torch")
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return {
        "machine": f"{(models or [platform.machine()])[0]}, {os.cpu_count()} cores",
        "versions": found,
        "date": datetime.date.today().isoformat(),
    }

"""How long does a whole run take, and how good is it?

`python -m gan_jax.main` with a shipped config as it is, from the command to its end: starting,
compiling, evaluating and saving included. The figures are those of its last evaluation, by the
config's own protocol.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from experiments.device.case import Case, Row, Settings
from gan_jax.metrics import PROTOCOLS

RUNS = {
    "ring": ("--config=configs/ring.py",),
    "mnist": ("--config=configs/mnist.py", "--config.data.source=embedded"),
    "mnist_gpu": ("--config=configs/mnist_gpu.py", "--config.data.source=embedded"),
}
TINY = {
    "ring": (
        *RUNS["ring"],
        *("--config.train.steps=20", "--config.model.generator.width=4"),
        *("--config.eval.every=20", "--config.model.discriminator.width=4"),
    )
}
SECONDS = {"ring": 60, "mnist": 90, "mnist_gpu": 90}


def _listed(settings: Settings) -> dict[str, tuple[str, ...]]:
    return TINY if settings.tiny else RUNS


def cases(settings: Settings) -> list[Case]:
    """One a run."""
    return [Case(name, 25 if settings.tiny else SECONDS[name]) for name in _listed(settings)]


def measure(name: str, settings: Settings) -> Iterator[Row]:
    """The only row of a run.

    Raises:
        RuntimeError: If it fails; the message is its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        flags = (*_listed(settings)[name], f"--workdir={folder}/run")
        started = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-m", "gan_jax.main", *flags], capture_output=True, text=True
        )
        seconds = time.perf_counter() - started
        if ended.returncode:
            raise RuntimeError((ended.stderr.strip().splitlines() or ["it said nothing"])[-1])
        lines = Path(folder, "run", "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    yield {"run": name, "seconds": round(seconds, 1), "rounds": last["step"], **figures(last)}


def figures(row: Row) -> Row:
    """What a protocol measured, of a line of metrics.jsonl."""
    return {key: value for key, value in row.items() if key.split("/")[0] in PROTOCOLS}

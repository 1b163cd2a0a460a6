"""How fast is a round, against PyTorch and against XLA's stock layers?

    python -m experiments.speed --work=dcgan|ring|pacgan [--batch=N] [--width=N] [--rounds=N]

Prints one JSON line for the project, and to stderr a table of all contestants, their ratios, and
the parts of the round. PyTorch takes part where it can be imported. Contestants are processes of
their own that run one after the other, a few rounds each, so that a slow moment of the machine
meets all of them: trust the ratios of one run, not the milliseconds of two.

It would refute the claim of a quick CPU path if the project were slower than the peer (a ratio
above 1), or less than five times as fast as the stock layers.
"""

import importlib.util
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from absl import flags
from rich.console import Console
from rich.table import Table

from experiments.speed.environment import environment
from experiments.speed.works import WORKS
from gan_jax.core import cli
from gan_jax.core.files import to_json

_WORK = flags.DEFINE_enum("work", "dcgan", [*WORKS], "What is run.")
_BATCH = flags.DEFINE_integer("batch", None, "Examples a batch; default: the work's.", 1)
_WIDTH = flags.DEFINE_integer("width", None, "Width W of the networks; default: the work's.", 1)
_ROUNDS = flags.DEFINE_integer("rounds", None, "Rounds of each; default: the work's.", 1)
_STOCK = flags.DEFINE_bool("stock", True, "Whether XLA's stock layers take part (dcgan only).")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for all that was measured.")

REPETITIONS = 6  # of each contestant; the slow stock layers run one round at a time
SIDE = 2048  # of the matrices whose product shows the machine's limit
HERE = "experiments.speed"


class Contestant:
    """A process that runs rounds when told to."""

    def __init__(self, name: str, *work: object):
        self.name, self.times = name, []
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{HERE}.contestant", name, *map(str, work)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def run(self, rounds: int) -> None:
        """Play and note the times."""
        print(rounds, file=self._process.stdin, flush=True)
        self.times += json.loads(self._answer())

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"error: the contestant {self.name} died")
        return line


def gemm_gflops() -> float:
    """The machine's own speed, by a product of matrices in this process."""
    import jax.numpy as jnp

    matrix = jnp.ones((SIDE, SIDE))
    (matrix @ matrix).block_until_ready()
    start = time.perf_counter()
    for _ in range(3):
        (matrix @ matrix).block_until_ready()
    return 3 * 2 * SIDE**3 / (time.perf_counter() - start) / 1e9


def contest(names: list[str], work: str, batch: int, width: int, rounds: int) -> dict[str, list]:
    """Milliseconds of every round by contestant."""
    contestants = [Contestant(name, work, batch, width) for name in names]
    for _ in range(REPETITIONS):
        for one in contestants:
            one.run(1 if one.name == "stock" else -(-rounds // REPETITIONS))
    for one in contestants:
        one.close()
    return {one.name: one.times for one in contestants}


def report(found: dict) -> None:
    """Tables of the contestants and of the parts, to stderr."""
    console = Console(stderr=True)
    title = f"{found['work']}, batch {found['batch']}, width {found['width']}: a round"
    contestants = Table("", "median ms", "min ms", "project / it", title=title)
    for name, median in found["medians"].items():
        fastest, ratio = min(found["times"][name]), found["ratios"][name]
        contestants.add_row(name, f"{median:.2f}", f"{fastest:.2f}", f"{ratio:.2f}")
    parts = Table("part of the round, on its own", "median ms")
    for name, median in found["parts"].items():
        parts.add_row(name, f"{median:.2f}")
    for table in (contestants, parts):
        console.print(table)
    console.print(f"{found['machine']}; {found['gemm_gflops']} GFLOP/s in a matrix product")


def main() -> None:
    """Measure and report."""
    work = _WORK.value
    batch, width = _BATCH.value or WORKS[work].batch, _WIDTH.value or WORKS[work].width
    rounds = _ROUNDS.value or WORKS[work].rounds
    names = ["project"]
    names += ["torch"] if importlib.util.find_spec("torch") else []
    names += ["trials"] if WORKS[work].trials else []
    names += ["stock"] if _STOCK.value and WORKS[work].stock else []
    times = contest(names, work, batch, width, rounds)
    medians = {name: statistics.median(of) for name, of in times.items()}
    parts = subprocess.run(
        [sys.executable, "-m", f"{HERE}.parts", work, str(batch), str(width)],
        check=True,
        capture_output=True,
        text=True,
    )
    line = {
        "work": work,
        "layout": "channels_last",
        "compile": True,
        "batch": batch,
        "width": width,
        "ms_median": round(medians["project"], 2),
        "ms_min": round(min(times["project"]), 2),
        "images_per_s": round(1e3 * batch / medians["project"], 1),
        "gemm_gflops": round(gemm_gflops(), 1),
    }
    found = {
        **line,
        "medians": medians,
        "ratios": {name: medians["project"] / median for name, median in medians.items()},
        "parts": json.loads(parts.stdout),
        "times": times,
        **environment(),
    }
    report(found)
    if _OUTPUT.value:
        Path(_OUTPUT.value).write_text(to_json(found, indent=2))
    print(json.dumps(line))


if __name__ == "__main__":
    cli.run(main)

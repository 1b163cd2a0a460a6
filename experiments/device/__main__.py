"""Does the project run on this device as it should, and how fast?

    python -m experiments.device --out=FOLDER [--budget=480] [--peer=PROGRAM] [--tiny]

Stages in order of worth: parity with the CPU, speed beside PyTorch, convolutions of many trials,
trials side by side, whole runs, published tables. Each is made of cases, whose
results are written to FOLDER/STAGE.json one by one and never measured twice: the same command goes
on, on another machine too if FOLDER is brought along. A case begins only if its estimate fits into
what is left of the budget; one that fails or hangs is written down with its last lines, and tried
again by the next command. Those of the published tables take all the time that is left, and go on
from where they stood: --stages=published gives them the whole budget. At the end FOLDER/table.md
has what is known so far.

The peer is a program of PyTorch's that runs the same rounds, `python PROGRAM --work=dcgan ...`,
and prints one JSON line; see `experiments.device.peer`.
"""

import os
import signal
import sys
import time
from pathlib import Path

from absl import flags

from experiments.device import results, scheduler, stages, table
from experiments.device.case import Settings
from gan_jax.core import cli
from gan_jax.core.errors import InputError
from gan_jax.core.files import write_atomically

_OUT = flags.DEFINE_string("out", None, "Folder for the results.", required=True)
_BUDGET = flags.DEFINE_float("budget", 480, "Seconds for all of it.", 1)
_PEER = flags.DEFINE_string("peer", "", "The peer's program; empty: it takes no part.")
_TINY = flags.DEFINE_bool("tiny", False, "Tiny sizes, to see on a CPU that all works.")
_STAGES = flags.DEFINE_list("stages", [*stages.NAMES], "Which stages, in which order.")
_CACHE = flags.DEFINE_string("cache", None, "Folder for programs; default: OUT/programs.")

CLOSES = 3.0  # seconds at the end for the table


def main() -> None:
    """Measure what fits, and write the table."""
    end = time.monotonic() + _BUDGET.value - CLOSES
    for name in _STAGES.value:
        if name not in stages.NAMES:
            raise InputError("--stages", name, f"unknown, choose from {', '.join(stages.NAMES)}")
    if _PEER.value and not Path(_PEER.value).is_file():
        raise InputError("--peer", _PEER.value, "there is no such file")
    out = Path(_OUT.value).expanduser().absolute()
    out.mkdir(parents=True, exist_ok=True)
    peer = _PEER.value and str(Path(_PEER.value).absolute())
    settings = Settings(_TINY.value, peer, str(out), end)
    _keep_programs(Path(_CACHE.value).absolute() if _CACHE.value else out / "programs")
    modules = {name: stages.load(name) for name in stages.NAMES}
    files = {
        name: results.StageFile(out, name, module.__doc__, tiny=settings.tiny)
        for name, module in modules.items()
    }
    tasks = [
        scheduler.Task(name, case)
        for late in (False, True)
        for name in _STAGES.value
        for case in modules[name].cases(settings)
        if case.late == late and not files[name].is_done(case.name)
    ]
    for task in tasks:
        how = "from" if task.case.resumable else "about"
        _say(f"to do: {task.stage}: {task.case.name}: {how} {task.case.seconds:.0f} s")
    total = sum(task.case.seconds for task in tasks if not task.case.resumable)
    _say(
        f"those of a known time take about {total:.0f} s, the budget is {_BUDGET.value:.0f} s; "
        "those with `from` go on until it is over"
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    left, code = [], 0
    try:
        left = scheduler.run(tasks, files, settings, machine=results.machine(), end=end, say=_say)
    except KeyboardInterrupt:
        _say("interrupted: what is done is kept, the same command goes on")
        code = cli.INTERRUPTED
    text = table.markdown(files)
    write_atomically(out / "table.md", text)
    print(text, flush=True)
    for task in left:
        _say(f"left for the next command: {task.stage}: {task.case.name}")
    sys.exit(code)


def _keep_programs(folder: Path) -> None:
    """Have every process keep what it compiles, however quick that was; tiny ones take no pains."""
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    if _TINY.value:
        given = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{given} --xla_backend_optimization_level=0"


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    cli.run(main)

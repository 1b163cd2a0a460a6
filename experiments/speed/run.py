"""What does a whole run cost beyond its rounds: to start, to log, in memory?

    python -m experiments.speed.run --config=configs/mnist.py [--output=FILE]

Prints one JSON line:

    first_round_s   from the command to the first round's numbers on disk, programs cached
    main_ms         a round of the run, logs on, by its own reckoning between two logs
    bare_ms         a round of the same compiled step, called in a loop that does nothing else
    ratio           main_ms / bare_ms
    peak_mb         resident memory at the most

Run and bare loop alternate in one process; medians. It would refute the claim that the host never
stands in the device's way if the ratio were above 1.05.
"""

import contextlib
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from absl import flags
from ml_collections import config_flags

from gan_jax.core import cli

_CONFIG = config_flags.DEFINE_config_file("config", "configs/mnist.py", "The run's config.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for what was measured.")

REPETITIONS = 5
LOGS = 10  # a turn
STARTS = 3  # the first of which fills the cache


def seconds_to_first_round(config_file: str) -> float:
    """From starting the command until its first round's line is in metrics.jsonl."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "run", "metrics.jsonl")
        start = time.perf_counter()
        flags_given = (f"--config={config_file}", f"--workdir={folder}/run", "--config.log.every=1")
        command = (sys.executable, "-m", "gan_jax.main", *flags_given)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not (lines.exists() and lines.stat().st_size) and process.poll() is None:
            time.sleep(0.01)
        taken = time.perf_counter() - start
        process.kill()
        process.wait()
    return taken


def milliseconds_of_main(config) -> list[float]:
    """A round of a run, once a log; the first is left out, since it has the compilation in it."""
    from gan_jax.report.recorder import Recorder
    from gan_jax.run import train

    rates = []
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(Recorder, "time", lambda self, step, rate: rates.append(rate)),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        train.Run(config, f"{folder}/run").train()
    return [1e3 * config.train.batch_size / rate for rate in rates[1:]]


def bare(config):
    """A function that runs as many rounds as lie between two logs, and gives their mean time."""
    import jax

    from gan_jax import data
    from gan_jax.config.setup import build
    from gan_jax.core.devices import Devices
    from gan_jax.run import rounds

    dataset, devices = data.load(config.data), Devices()
    setup = build(config, dataset)
    examples = devices.replicate(setup.training(dataset))
    run_round = rounds.make_rounds(setup.phases(devices), devices, setup.batches, examples)
    state, step = devices.replicate(setup.first_state()), 0

    def some() -> float:
        nonlocal state, step
        start = time.perf_counter()
        for _ in range(config.log.every):
            state, measured = run_round(state, step)
            step += 1
        jax.block_until_ready((state, measured))
        return 1e3 * (time.perf_counter() - start) / config.log.every

    return some


def main() -> None:
    """Measure and report."""
    from experiments.speed.environment import environment
    from gan_jax.core.files import to_json

    config = _CONFIG.value
    starts = [
        seconds_to_first_round(config_flags.get_config_filename(flags.FLAGS["config"]))
        for _ in range(STARTS)
    ]
    config.train.steps = (LOGS + 1) * config.log.every
    run_rounds, of_main, of_bare = bare(config), [], []
    run_rounds()
    for _ in range(REPETITIONS):
        of_main += milliseconds_of_main(config)
        of_bare += [run_rounds() for _ in range(LOGS)]
    found = {
        "first_round_s": round(statistics.median(starts[1:]), 2),
        "main_ms": round(statistics.median(of_main), 3),
        "bare_ms": round(statistics.median(of_bare), 3),
        "ratio": round(statistics.median(of_main) / statistics.median(of_bare), 4),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if _OUTPUT.value:
        everything = {**found, "config": config.to_dict(), **environment()}
        Path(_OUTPUT.value).write_text(to_json(everything, indent=2))
    print(json.dumps(found))


if __name__ == "__main__":
    cli.run(main)

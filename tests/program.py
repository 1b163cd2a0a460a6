"""The programs as a user starts them: in processes of their own, with one device each.

Where neither the process nor what it costs to start one is the point, `loaded` is quicker.
"""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from absl import flags

from gan_jax.core.signals import ENDING

# Programs that differ in nothing but their interruptions compile once, whichever of the processes
# that share the tests starts them: the first makes the folder.
if "COMPILED_BY_TESTS" not in os.environ:
    _COMPILED = tempfile.TemporaryDirectory(prefix="compiled-")
    os.environ["COMPILED_BY_TESTS"] = _COMPILED.name

# What tests compile without starting a program: one that many need is compiled once.
OF_THIS_PROCESS = tempfile.TemporaryDirectory(prefix="compiled-")

REPOSITORY = Path(__file__).parent.parent

# What nohup or a script's & lets the tests ignore, the programs that they start would ignore too; a
# handler, though, is no child's.
for _number in ENDING:
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

# For what compiles much and computes little: a compiler that does not take pains.
QUICKLY = (
    "--xla_backend_optimization_level=0",
    "--xla_cpu_parallel_codegen_split_count=1",
    # The newer generator of code takes twice as long; later versions have no other.
    *["--xla_cpu_use_fusion_emitters=false"] * version("jaxlib").startswith("0.10."),
)

# A small run with everything that a state can hold: batch statistics, dropout, an average.
DIGITS = (
    f"--config={REPOSITORY}/configs/mnist.py",
    "--config.data.source=embedded",
    "--config.model.generator.width=4",
    "--config.model.discriminator.width=4",
    "--config.model.discriminator.kernel=3",
    "--config.train.batch_size=16",
    "--config.train.steps=40",
    "--config.log.every=3",
    "--config.eval.every=20",
    "--config.eval.protocol=mnist_cnn_1k",
    "--config.checkpoint.every=5",
)
RING = (
    f"--config={REPOSITORY}/configs/ring_plain.py",
    "--config.model.generator.depth=1",
    "--config.model.generator.width=8",
    "--config.model.discriminator.depth=1",
    "--config.model.discriminator.width=8",
)


def start(
    module: str,
    *flags: str,
    devices: int = 1,
    quickly: bool = False,
    file_limit: int | None = None,
    terminal: str | None = None,
) -> subprocess.Popen:
    """Start `python -m module`; its output is text.

    Args:
        module: The program.
        flags: Its flags.
        devices: Virtual devices that it finds.
        quickly: Whether to compile it by `QUICKLY`, not as a user's is.
        file_limit: Largest file that it can write, in KiB.
        terminal: The path of the terminal that it is started at, if at any, in place of pipes.
    """
    compiler = [f"--xla_force_host_platform_device_count={devices}", *QUICKLY * quickly]
    environment = os.environ | {
        "XLA_FLAGS": " ".join(compiler),
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": os.environ["COMPILED_BY_TESTS"],
        # Where files are cut short none is kept: nobody else should read them.
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "inf" if file_limit else "0",
        "PYTHONPATH": str(REPOSITORY),
    }
    limit = f"ulimit -f {file_limit}; " if file_limit else ""
    # The first terminal that the leader of a session opens is the one that hangs up on it.
    at_terminal = f"exec 0<>{terminal} 1>&0 2>&0; " if terminal else ""
    pipe = None if terminal else subprocess.PIPE
    shell = ["bash", "-c", f'{at_terminal}{limit}exec "$@"', "bash"]
    return subprocess.Popen(
        [*shell, sys.executable, "-m", module, *flags],
        env=environment,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=bool(terminal),
    )


def finish(process: subprocess.Popen) -> subprocess.CompletedProcess:
    """Wait for its end."""
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run(module: str, *flags: str, code: int = 0, **more) -> subprocess.CompletedProcess:
    """Run it to its end, which must have the exit code `code`."""
    ended = finish(start(module, *flags, **more))
    assert ended.returncode == code, f"exit code {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended


@contextlib.contextmanager
def loaded(module: str, *given: str) -> Iterator[ModuleType]:
    """A program as a module of this process, its flags parsed: call its `main`.

    What `cli.run` makes of errors is left out: they are raised. Programs define flags of the same
    names, so both module and flags are gone afterwards.

    Args:
        module: The program.
        given: Its flags.
    """
    others = set(flags.FLAGS)
    try:
        program = importlib.import_module(module)
        flags.FLAGS([module, *given])
        yield program
    finally:
        sys.modules.pop(module, None)
        for name in set(flags.FLAGS) - others:
            delattr(flags.FLAGS, name)


def wait_for(condition, process: subprocess.Popen, seconds: float = 120.0) -> None:
    """Return when the condition holds or the process has ended."""
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def end(process: subprocess.Popen, number: signal.Signals) -> tuple[str, str]:
    """Send a signal and return what the process had to say."""
    process.send_signal(number)
    return process.communicate(timeout=120)

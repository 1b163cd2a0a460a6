"""The peer: the same rounds in PyTorch, by a program of its own.

    python -m experiments.device.peer PROGRAM COMMANDS

PROGRAM is run as `python PROGRAM FLAGS` would run it, one list of flags of the JSON COMMANDS after
the other, in one process, since starting PyTorch takes longer than running. It must know the flags
below and print a JSON line last with `batch`, `images_per_s` and `gemm_gflops`. Milliseconds are
taken from the images a second.
"""

import contextlib
import io
import json
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from experiments.device.case import Row

CUDA = ("--device=cuda", "--rounds=100")
MODES = {
    "graph, TF32": (*CUDA, "--graph", "--tf32"),
    "graph, TF32, bfloat16": (*CUDA, "--graph", "--tf32", "--bf16"),
    "eager, TF32": (*CUDA, "--tf32"),
}
COMPILED = {"compiled, TF32": (*CUDA, "--compile", "--tf32")}
ON_CPU = {"eager on the CPU": ("--rounds=3",)}


def measure(program: str, commands: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[Row]:
    """What a round takes the peer, or what went wrong, by (work, mode) as soon as it is known."""
    here = (sys.executable, "-m", "experiments.device.peer", program)
    command = [*here, json.dumps([*commands.values()])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for (work, mode), line in zip(commands, process.stdout, strict=False):
            yield {"work": work, "peer": mode, **json.loads(line)}
    if process.returncode:
        raise RuntimeError(f"the peer's process died (exit code {process.returncode})")


def main() -> None:
    """Run all commands; each gives a line."""
    program, commands = sys.argv[1], json.loads(sys.argv[2])
    for flags in commands:
        said = io.StringIO()
        sys.argv = [program, *flags]
        try:
            with contextlib.redirect_stdout(said):
                runpy.run_path(program, run_name="__main__")
            answer = _row(said.getvalue())
        except (Exception, SystemExit) as error:  # one that fails is no reason to lose the others
            answer = {"failed": (str(error).strip().splitlines() or [repr(error)])[0][:300]}
        print(json.dumps(answer), flush=True)


def _row(said: str) -> Row:
    found = json.loads(said.strip().splitlines()[-1])
    return {
        "ms": 1e3 * found["batch"] / found["images_per_s"],
        "examples_per_s": found["images_per_s"],
        "gemm_tflops": found["gemm_gflops"] / 1e3,
    }


if __name__ == "__main__":
    main()

"""A process of a stage's own, which measures cases when told to.

    python -m experiments.device.worker MODULE SETTINGS

MODULE is a stage, see `experiments.device.case.Stage`, and SETTINGS its `Settings` as JSON. Reads a
case's name a line and answers with lines of JSON: {"row": ...} for each row as soon as it is known,
then {"status": "done", "why": null}, or another status and why. The parent is
`experiments.device.scheduler`.
"""

import importlib
import json
import math
import os
import sys
import traceback

from gan_jax.core import process


def main() -> None:
    """Answer until the input ends."""
    # Whatever else is printed must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    process.keep_memory()
    from experiments.device.case import Settings, Unfinished
    from experiments.device.results import BEGUN, DONE, FAILED

    stage, settings = importlib.import_module(sys.argv[1]), Settings(**json.loads(sys.argv[2]))
    for line in sys.stdin:
        status, why = DONE, None
        try:
            for row in stage.measure(line.rstrip("\n"), settings):
                print(json.dumps({"row": finite(row)}), file=answers, flush=True)
        except Unfinished as stopped:
            status, why = BEGUN, str(stopped)
        except Exception as raised:  # a case lost is no reason to lose the others
            traceback.print_exc()
            status, why = FAILED, "".join(traceback.format_exception_only(raised)).strip()
        print(json.dumps({"status": status, "why": why}), file=answers, flush=True)
    answers.close()
    os._exit(0)  # a thread that still compiles must not keep the process


def finite(value: object) -> object:
    """The value with each number that JSON doesn't know as its name: "inf", "nan"."""
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


if __name__ == "__main__":
    main()

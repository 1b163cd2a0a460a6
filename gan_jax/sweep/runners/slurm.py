"""Tasks in a Slurm queue, as one job array.

Nothing waits for them: the same study, run again, collects the results there are and submits what
is missing, unless the array is still in the queue. What a cluster wants to know besides (partition,
account, time limit) is said with sbatch's own variables: `SBATCH_PARTITION`, `SBATCH_ACCOUNT`,
`SBATCH_TIMELIMIT`.
"""

import json
import shlex
import subprocess
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from gan_jax.core.errors import InputError, RunError
from gan_jax.core.files import Damaged, read_object, write_atomically
from gan_jax.sweep.runners import child
from gan_jax.sweep.runners.task import Options, Task, missing

_SCRIPT = """\
#!/usr/bin/env bash
{directives}

# RESULT LOG COMMAND…
task() {{
    [[ -e $1 ]] && exit
    exec "${{@:3}}" >>"$2" 2>&1
}}

case $SLURM_ARRAY_TASK_ID in
{cases}
esac
"""


def script(tasks: Sequence[Task], options: Options) -> str:
    """The script of an array job whose element i runs the i-th task.

    The commands are in the script, of which Slurm keeps a copy, and not in a file that the next
    submission would change under the elements that still wait. What Slurm itself has to say about
    an element (out of time or memory) goes to one file beside the logs.

    Args:
        tasks: At least one.
        options: `parallel` and `accelerators` count; any `retries`, an element whose
            node fails is queued again.
    """
    limit = f"%{options.parallel}" if options.parallel else ""
    said = tasks[0].log.parent / "slurm-%A.txt"
    directives = [
        f"--job-name={_name(tasks)}",
        f"--array=0-{len(tasks) - 1}{limit}",
        "--ntasks=1",
        *([f"--gpus-per-task={options.accelerators}"] if options.accelerators else []),
        "--requeue" if options.retries else "--no-requeue",
        f"--output={shlex.quote(str(said))}",
        "--open-mode=append",
    ]
    return _SCRIPT.format(
        directives="\n".join(f"#SBATCH {directive}" for directive in directives),
        cases="\n".join(
            f"{index}) task {shlex.join([str(task.result), str(task.log), *task.command])} ;;"
            for index, task in enumerate(tasks)
        ),
    )


def run(tasks: Sequence[Task], options: Options, on_done: Callable[[Task], None]) -> dict[str, str]:
    """A `Runner` that returns when the tasks are submitted.

    A task that was submitted `retries` times more than once, and left no new trace of its work
    since, has failed and is submitted no more.

    Args:
        tasks: What to run.
        options: As `script` takes them.
        on_done: Called with each task whose result exists by now.

    Raises:
        InputError: If Slurm is not installed.
        RunError: If it refuses.
    """
    waiting, failed = missing(tasks, on_done), {}
    if not waiting:
        return failed
    if _call("squeue", "--me", "--noheader", f"--name={_name(tasks)}"):
        print("tasks are still in the queue, see squeue --me; none was submitted", flush=True)
        return failed
    again = {}
    for task in waiting:
        again[task] = _in_vain(task)
        if again[task]:
            said = child.last_words(task) or "its log is empty"
            cause = f"submitted {again[task]} times in vain: {said}"
            if again[task] > options.retries:
                failed[task.name] = f"{cause} (--retries={again[task]} submits it again)"
            else:
                print(f"job {task.name} was {cause}; it is submitted again", flush=True)
    waiting = [task for task in waiting if task.name not in failed]
    if waiting:
        print(_call("sbatch", text=script(waiting, options)), flush=True)
    for task in waiting:
        note = {"times": again[task] + 1, "traces": _traces(task)}
        write_atomically(_submissions(task), json.dumps(note))
    return failed


def _in_vain(task: Task) -> int:
    """How often a task was submitted since it last left a trace of its work."""
    try:
        note = read_object(_submissions(task), {"times": int, "traces": list})
    except Damaged:
        return 0
    return note["times"] if note and note["traces"] == _traces(task) else 0


def _submissions(task: Task) -> Path:
    return task.log.with_name(f"{task.log.stem}.submitted.json")


def _traces(task: Task) -> list[int]:
    """What the files that a task leaves are like; anything new in one changes it."""
    return [zlib.crc32(path.read_bytes()) if path.exists() else -1 for path in task.traces]


def _name(tasks: Sequence[Task]) -> str:
    """The array's name: one for all arrays of a study, and no other study's."""
    folder = tasks[0].log.parent.absolute()
    return f"gan_jax-{zlib.crc32(bytes(folder)):08x}"


def _call(program: str, *arguments: str, text: str = "") -> str:
    """What one of Slurm's programs prints."""
    try:
        ended = subprocess.run(
            [program, *arguments], input=text, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        why = f"needs Slurm, whose {program} was not found on this machine"
        raise InputError("--runner", "slurm", why) from error
    except subprocess.CalledProcessError as error:
        raise RunError(f"{program}: {' '.join(error.stderr.split())}") from error
    return ended.stdout.strip()

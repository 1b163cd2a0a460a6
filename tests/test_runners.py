"""Where tasks run: real processes of small scripts, and what Slurm is told."""

import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from program import REPOSITORY, wait_for

from gan_jax.core.errors import InputError, RunError
from gan_jax.sweep.runners import RUNNERS, Options, Task, child, slurm

# What the scripts below begin with; `result` is the task's, `log` prints at once.
PRELUDE = """
import functools, os, signal, sys, time
from pathlib import Path
result, log = Path(sys.argv[1]), functools.partial(print, flush=True)
"""
WRITE = "result.write_text('done')"


def make(folder: Path, name: str, body: str, trials: int = 1) -> Task:
    """A task that runs a Python script of the standard library."""
    result = folder / f"{name}.result"
    command = (sys.executable, "-S", "-c", PRELUDE + textwrap.dedent(body), str(result))
    return Task(name, command, result, folder / f"{name}.log", trials)


def local(tasks: list[Task], **options) -> tuple[list[str], dict[str, str]]:
    """The names of the tasks that are done, as they were told, and why others failed."""
    done = []
    failed = RUNNERS["local"](tasks, Options(**options), lambda task: done.append(task.name))
    return done, failed


def test_a_task_that_fails_is_named_and_stops_no_other(tmp_path):
    tasks = [
        make(tmp_path, "good", f"log('said'); {WRITE}"),
        make(tmp_path, "bad", "sys.exit(3)"),
        make(tmp_path, "no result", "sys.exit(0)"),
        make(tmp_path, "result, but bad", f"{WRITE}; sys.exit('error: What went wrong.')"),
        make(tmp_path, "last", WRITE),
    ]
    causes = {
        "bad": "exit code 3",
        "no result": "ended without a result",
        "result, but bad": "exit code 1: What went wrong.",
    }
    assert local(tasks) == (["good", "last"], causes)
    assert tasks[0].log.read_text() == "said\n"


def test_what_goes_wrong_is_in_the_log_which_is_never_cut(tmp_path):
    task = make(tmp_path, "bad", "1 / 0")
    local([task])
    local([task])
    assert task.log.read_text().count("ZeroDivisionError") == 2
    unknown = task._replace(name="unknown", command=("no-such-program",))
    done, failed = local([unknown])
    assert (done, list(failed)) == ([], ["unknown"])
    assert "No such file" in task.log.read_text()


def test_what_is_done_is_told_first_and_not_run(tmp_path):
    tasks = [make(tmp_path, name, f"log('ran'); {WRITE}") for name in "abc"]
    tasks[2].result.write_text("done before")
    assert local(tasks) == (["c", "a", "b"], {})
    assert tasks[2].result.read_text() == "done before"
    assert not tasks[2].log.exists()
    assert local(tasks) == (["a", "b", "c"], {})
    assert tasks[0].log.read_text() == "ran\n"


@pytest.mark.parametrize(
    ("retries", "starts", "done"), [(0, 1, False), (1, 2, False), (2, 3, True)]
)
def test_a_killed_task_is_run_again_as_often_as_allowed(tmp_path, retries, starts, done):
    body = f"""
        log("start")
        if Path({str(tmp_path / "task.log")!r}).read_text().count("start") < 3:
            os.kill(os.getpid(), signal.SIGKILL)
        {WRITE}
    """
    task = make(tmp_path, "task", body)
    killed = {"task": "killed by signal 9 (SIGKILL)"}
    assert local([task], retries=retries) == ((["task"], {}) if done else ([], killed))
    assert task.log.read_text().count("start") == starts


def test_a_task_that_fails_by_itself_is_not_run_again(tmp_path):
    task = make(tmp_path, "task", "log('start'); sys.exit(1)")
    assert local([task], retries=3) == ([], {"task": "exit code 1: start"})
    assert task.log.read_text().count("start") == 1


def test_a_task_is_not_run_beside_itself(tmp_path):
    # The other is still at it when this one starts, and done when its turn comes.
    body = f"log('start'); Path({str(tmp_path)!r}, 'begun').touch(); time.sleep(0.5); {WRITE}"
    task = make(tmp_path, "task", body)
    other = child.start(task, {})
    wait_for((tmp_path / "begun").exists, other)
    assert local([task]) == (["task"], {})
    assert other.wait() == 0
    assert task.log.read_text() == "start\n"


def test_an_environment_is_beside_the_runners_own(tmp_path, monkeypatch):
    monkeypatch.setenv("ONE", "1")
    task = make(tmp_path, "task", "log(os.environ['ONE'], os.environ['TWO'])")
    assert child.start(task, {"TWO": "2"}).wait() == 0
    assert task.log.read_text() == "1 2\n"


@pytest.mark.parametrize("parallel", [None, 1, 3])
def test_so_many_run_at_a_time_and_no_more(tmp_path, parallel):
    # Each waits until as many as may run have begun, so that fewer would never end; how many run
    # while one does, it counts itself.
    at_a_time = parallel or 1
    (tmp_path / "running").mkdir()
    body = f"""
        running = Path({str(tmp_path / "running")!r})
        me = running / result.stem
        me.touch()
        begun = Path({str(tmp_path)!r}, result.stem + ".begun")
        begun.touch()
        for _ in range(500):
            if len(list(begun.parent.glob("*.begun"))) >= {at_a_time}:
                break
            time.sleep(0.02)
        else:
            sys.exit("alone")
        log(len(list(running.iterdir())))
        time.sleep(0.05)
        me.unlink()
        {WRITE}
    """
    tasks = [make(tmp_path, str(number), body) for number in range(4)]
    done, failed = local(tasks, parallel=parallel)
    assert (sorted(done), failed) == (["0", "1", "2", "3"], {})
    assert max(int(task.log.read_text()) for task in tasks) <= at_a_time


# Accelerators


SHOW = f"log(os.environ.get('CUDA_VISIBLE_DEVICES')); time.sleep(0.3); {WRITE}"


def shown(tmp_path, **options) -> list[str]:
    tasks = [make(tmp_path, str(number), SHOW) for number in range(4)]
    local(tasks, **options)
    return [task.log.read_text().strip() for task in tasks]


def test_tasks_at_a_time_share_no_accelerator(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7,9")
    seen = shown(tmp_path, parallel=2, accelerators=2)
    assert {*seen[:2]} == {*seen[2:]} == {"4,5", "6,7"}


def test_without_accelerators_a_task_sees_what_the_runner_sees(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    assert shown(tmp_path, parallel=4) == ["1,2"] * 4
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    (tmp_path / "unset").mkdir()
    assert shown(tmp_path / "unset", parallel=4) == ["None"] * 4


def test_more_accelerators_than_there_are_are_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    why = r"^--accelerators=2: 2 at a time need 4, there are 3 \(CUDA_VISIBLE_DEVICES says which\)$"
    with pytest.raises(InputError, match=why):
        shown(tmp_path, parallel=2, accelerators=2)
    assert not list(tmp_path.iterdir())


# Interruption


RUNNER = f"""
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, getattr(signal, os.environ.get("AT_START", "default_int_handler")))
sys.path[:0] = [{str(REPOSITORY)!r}, {str(REPOSITORY / "tests")!r}]
from test_runners import SAVES, local, make
tasks = [make(Path(sys.argv[1]), name, SAVES) for name in "abc"]
try:
    local(tasks, parallel=2)
except KeyboardInterrupt as stopped:
    sys.exit(f"KeyboardInterrupt: {{stopped}}")
"""
# Saves and ends at the first signal, as a run does; a second one would kill it while it saves.
SAVES = """
def save(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(0.3)
    log("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
signal.signal(signal.SIGINT, save)
log(os.getpid())
time.sleep(60)
"""


def start_runner(folder: Path) -> tuple[subprocess.Popen, list[int]]:
    """A program that runs three tasks, two at a time, and the ids of those two."""
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: len(ids(folder)) == 2, runner)
    return runner, ids(folder)


def ids(folder: Path) -> list[int]:
    return [int(text) for log in folder.glob("*.log") if (text := log.read_text()).endswith("\n")]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # One that has ended stays a zombie until whoever inherited it looks.
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("number", "at_start"),
    [
        (signal.SIGINT, "default_int_handler"),
        (signal.SIGTERM, "SIG_IGN"),  # as a shell starts what runs in the background
        (signal.SIGHUP, "default_int_handler"),
    ],
)
def test_a_signal_ends_the_tasks_before_the_runner(tmp_path, monkeypatch, number, at_start):
    monkeypatch.setenv("AT_START", at_start)
    runner, tasks = start_runner(tmp_path)
    os.killpg(runner.pid, number)  # as a terminal does: to whatever is in the group
    _, said = runner.communicate(timeout=30)
    assert said == f"KeyboardInterrupt: {number.name}\n"
    logs = sorted(tmp_path.glob("*.log"))
    assert [log.name for log in logs] == ["a.log", "b.log"], "no other is started"
    assert [log.read_text().splitlines()[1] for log in logs] == ["saved", "saved"]
    assert not any(map(is_alive, tasks))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to its parent")
def test_tasks_do_not_outlive_a_runner_that_is_killed(tmp_path):
    runner, tasks = start_runner(tmp_path)
    runner.kill()
    runner.communicate(timeout=30)
    deadline = time.monotonic() + 10
    while any(map(is_alive, tasks)):
        assert time.monotonic() < deadline, "a task lives on"
        time.sleep(0.02)


def test_a_task_does_not_ignore_what_its_runner_ignores(tmp_path):
    body = f"log(signal.getsignal(signal.SIGINT)); {WRITE}"
    task = make(tmp_path, "task", body)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert child.start(task, {}).wait() == 0
    finally:
        signal.signal(signal.SIGINT, before)
    assert "default_int_handler" in task.log.read_text()


def test_signals_are_given_back(tmp_path):
    def mine(number, frame):
        raise AssertionError

    before = signal.signal(signal.SIGTERM, mine)
    try:
        local([make(tmp_path, "task", WRITE)])
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


WAIT_FOR_SLOW = """
while not Path({log!r}).exists() or not Path({log!r}).read_text():
    time.sleep(0.02)
result.write_text("done")
"""


def test_what_the_caller_raises_ends_the_tasks(tmp_path):
    def stop(task):
        raise OSError("the disk is full")

    slow = make(tmp_path, "slow", SAVES)
    tasks = [slow, make(tmp_path, "quick", WAIT_FOR_SLOW.format(log=str(slow.log)))]
    with pytest.raises(OSError, match="the disk is full"):
        RUNNERS["local"](tasks, Options(parallel=2), stop)
    assert slow.log.read_text().endswith("saved\n")


# Slurm


def run_element(text: str, index: int) -> subprocess.CompletedProcess:
    """Run an array's element as Slurm does: the script by itself, the index in the environment."""
    environment = os.environ | {"SLURM_ARRAY_TASK_ID": str(index)}
    return subprocess.run(["bash", "-s"], input=text, env=environment, text=True, check=False)


def test_each_element_of_the_array_runs_its_task(tmp_path):
    folder = tmp_path / "it's a $folder"
    folder.mkdir()
    tasks = [make(folder, name, f"log('I am', {name!r}); {WRITE}") for name in ("a", "b c", "d")]
    text = slurm.script(tasks, Options())
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert run_element(text, 1).returncode == 0
    assert [task.result.exists() for task in tasks] == [False, True, False]
    assert tasks[1].log.read_text() == "I am b c\n"
    assert run_element(text, 1).returncode == 0, "nothing is left to do"
    assert tasks[1].log.read_text() == "I am b c\n"
    assert run_element(text, 2).returncode == 0
    assert tasks[2].log.read_text() == "I am d\n"


def test_arguments_arrive_as_they_are(tmp_path):
    arguments = ["$HOME", "two words", "a\nb", "'\"", "*", ""]
    task = make(tmp_path, "task", "log(sys.argv[2:])")
    task = task._replace(command=(*task.command, *arguments))
    assert run_element(slurm.script([task], Options()), 0).returncode == 0
    assert task.log.read_text() == f"{arguments}\n"


def test_an_element_ends_with_its_tasks_exit_code_and_takes_its_signals(tmp_path):
    assert (
        run_element(slurm.script([make(tmp_path, "a", "sys.exit(7)")], Options()), 0).returncode
        == 7
    )
    task = make(tmp_path, "task", SAVES)
    element = subprocess.Popen(
        ["bash", "-c", slurm.script([task], Options())],
        env=os.environ | {"SLURM_ARRAY_TASK_ID": "0"},
    )
    wait_for(lambda: ids(tmp_path)[-1:] == [element.pid], element)
    element.terminate()
    assert element.wait(timeout=30) == 0
    assert task.log.read_text().endswith("saved\n")


def directives(options: Options, folder: Path, num: int = 8) -> dict[str, str]:
    text = slurm.script([make(folder, str(number), WRITE) for number in range(num)], options)
    lines = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    # Slurm reads them up to the first command.
    assert text.splitlines()[1 : 1 + len(lines)] == lines
    words = [shlex.split(line)[1] for line in lines]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def test_slurm_is_told_what_was_asked_for(tmp_path):
    folder = tmp_path / "two words"
    told = directives(Options(parallel=4, accelerators=2, retries=1), folder)
    assert told["--array"] == "0-7%4"
    assert told["--gpus-per-task"] == "2"
    assert told["--output"] == f"{folder}/slurm-%A.txt"
    assert "--requeue" in told
    told = directives(Options(retries=0), folder, num=1)
    assert told["--array"] == "0-0"
    assert "--gpus-per-task" not in told
    assert "--no-requeue" in told


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder of programs that stand in for Slurm's: they say what they were told."""
    programs = tmp_path / "bin"
    programs.mkdir()

    def stand_in(name, body):
        path = programs / name
        path.write_text(f"#!/usr/bin/env bash\n{body}\n")
        path.chmod(0o755)

    stand_in("squeue", f'echo "$@" >> {tmp_path}/asked')
    stand_in("sbatch", f"cat > {tmp_path}/script; echo Submitted batch job 17")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return stand_in


def submit(tasks: list[Task], **options) -> tuple[list[str], dict[str, str]]:
    done = []
    failed = RUNNERS["slurm"](tasks, Options(**options), lambda task: done.append(task.name))
    return done, failed


def test_only_what_is_missing_is_submitted(tmp_path, cluster, capfd):
    tasks = [make(tmp_path, name, WRITE) for name in "abc"]
    tasks[1].result.write_text("done")
    assert submit(tasks, parallel=2) == (["b"], {})
    text = (tmp_path / "script").read_text()
    assert text == slurm.script([tasks[0], tasks[2]], Options(parallel=2))
    assert "Submitted batch job 17" in capfd.readouterr().out
    for index in range(2):
        assert run_element(text, index).returncode == 0
    (tmp_path / "script").unlink()
    assert submit(tasks) == (["a", "b", "c"], {})
    assert not (tmp_path / "script").exists(), "nothing is left to submit"


def test_nothing_is_submitted_while_the_array_is_in_the_queue(tmp_path, cluster, capfd):
    tasks = [make(tmp_path, name, WRITE) for name in "ab"]
    name = directives(Options(), tmp_path)["--job-name"]
    cluster("squeue", f'[[ " $* " != *" --name={name} "* ]] || echo 17_0 batch')
    assert submit(tasks) == ([], {})
    assert "still in the queue" in capfd.readouterr().out
    assert not (tmp_path / "script").exists()
    (tmp_path / "other").mkdir()
    submit([make(tmp_path / "other", "a", WRITE)])
    assert (tmp_path / "script").exists(), "another study's array is no hindrance"


def test_a_job_that_always_fails_is_not_submitted_for_ever(tmp_path, cluster, capfd):
    trace = tmp_path / "rows"
    fails = make(tmp_path, "fails", "sys.exit('error: no such field')")
    fails = fails._replace(traces=(trace,))
    tasks = [fails, make(tmp_path, "other", WRITE)]
    cluster("sbatch", f"cat > {tmp_path}/script; echo Submitted batch job 17")

    def submit_and_run(**options):
        (tmp_path / "script").unlink(missing_ok=True)
        found = submit(tasks, **options)
        if (tmp_path / "script").exists():
            text = (tmp_path / "script").read_text()
            for index in range(text.count(") task ")):
                run_element(text, index)
        return found

    assert submit_and_run() == ([], {})
    for times in (1, 2):
        assert submit_and_run() == (["other"], {})
        said = f"job fails was submitted {times} times in vain: no such field; it is submitted"
        assert said in capfd.readouterr().out
    why = "submitted 3 times in vain: no such field (--retries=3 submits it again)"
    assert submit_and_run() == (["other"], {"fails": why})
    assert not (tmp_path / "script").exists()
    trace.write_text("a row")  # it got on before it failed
    assert submit_and_run() == (["other"], {})
    assert (tmp_path / "script").exists()


def test_what_slurm_refuses_is_one_line(tmp_path, cluster):
    cluster("sbatch", "printf 'sbatch: error: invalid\\naccount\\n' >&2; exit 1")
    with pytest.raises(RunError, match=r"^sbatch: sbatch: error: invalid account$"):
        submit([make(tmp_path, "a", WRITE)])


def test_without_slurm_one_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"^--runner=slurm: needs Slurm, .*squeue was not found"):
        submit([make(tmp_path, "a", WRITE)])

"""Tasks on a Ray cluster of two nodes on this machine, of which one dies."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from program import REPOSITORY, wait_for
from test_runners import WRITE, ids, is_alive, make

from gan_jax.core.errors import InputError
from gan_jax.sweep.runners import RUNNERS, Options, Task


def run(tasks: list[Task], **options) -> tuple[list[str], dict[str, str]]:
    """The names of the tasks that are done, as they were told, and why others failed."""
    done = []
    failed = RUNNERS["ray"](tasks, Options(**options), lambda task: done.append(task.name))
    return done, failed


def test_without_ray_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"^--runner=ray: .* pip install 'gan-jax\[ray\]'$"):
        run([make(tmp_path, "task", WRITE)])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere"])
def test_an_address_without_a_cluster_is_refused_at_once(tmp_path, address):
    pytest.importorskip("ray")
    with pytest.raises(InputError, match=f"^--address={address}: no Ray cluster answers there$"):
        run([make(tmp_path, "task", WRITE)], address=address)


@pytest.fixture(scope="module")
def cluster():
    """A cluster of a node with one CPU and two GPUs, of which nothing is really there."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # instead of one in the user's home
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster()
        cluster.add_node(num_cpus=1, num_gpus=2, include_dashboard=False)
        yield cluster
        nodes = cluster.list_all_nodes()
        cluster.shutdown()
        assert not any(node.any_processes_alive() for node in nodes)


# Whoever has begun before the node is gone is at it long enough to go with it: a worker notices
# within about a second that its node is no more.
WORK = """
def note(what):
    with open(result.parent / what, "a") as file:
        file.write(result.stem + "\\n")

note("started")
gone = Path(result.parent, "gone")
seconds = 0.3 if gone.exists() else 5.0
while not gone.exists():
    time.sleep(0.02)
time.sleep(seconds)
note("ended")
result.write_text("done")
"""


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_a_node_that_dies_loses_nothing_and_nothing_is_done_twice(cluster, tmp_path):
    second = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    names = [f"{number:04d}" for number in range(8)]
    tasks = [make(tmp_path, name, WORK) for name in names]
    tasks[0].result.write_text("done before")
    tasks[1] = make(tmp_path, names[1], "sys.exit(3)")
    running = []

    def kill():
        while len(lines(tmp_path / "started")) < 3:
            if stop.wait(0.02):
                return
        running.extend(lines(tmp_path / "started"))
        cluster.remove_node(second, allow_graceful=False)
        (tmp_path / "gone").touch()

    stop, killer = threading.Event(), threading.Thread(target=kill)
    killer.start()
    try:
        done, failed = run(tasks, address=cluster.address, retries=1)
    finally:
        stop.set()
        killer.join()
    assert len(running) == 3, "one on the first node, two on the second"
    assert failed == {names[1]: "exit code 3"}
    assert sorted(done) == [names[0], *names[2:]]
    assert all(task.result.exists() for task in tasks if task.name != names[1])
    assert tasks[0].result.read_text() == "done before"
    assert sorted(lines(tmp_path / "ended")) == names[2:], "each once"
    again = lines(tmp_path / "started")
    for name in set(again):
        again.remove(name)
    assert len(again) == 2, "what ran on the second node began twice"
    assert {*again} < {*running}


def test_a_killed_task_is_run_again_and_sees_its_gpus_and_the_callers_folder(cluster, tmp_path):
    body = """
        log(os.environ["CUDA_VISIBLE_DEVICES"])
        if result.with_suffix(".log").read_text().count("\\n") < 2:
            os.kill(os.getpid(), signal.SIGKILL)
        result.write_text("done")
    """
    task = make(Path(os.path.relpath(tmp_path)), "task", body)
    options = {"address": cluster.address, "accelerators": 1}
    killed = {"task": "killed by signal 9 (SIGKILL)"}
    assert run([task], **options, retries=0) == ([], killed)
    assert run([task], **options, retries=1) == (["task"], {})
    assert {*lines(task.log)} <= {"0", "1"}


RUNNER = f"""
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, getattr(signal, os.environ["AT_START"]))
sys.path[:0] = [{str(REPOSITORY)!r}, {str(REPOSITORY / "tests")!r}]
from test_ray import make, run
from test_runners import SAVES
tasks = [make(Path(sys.argv[1]), name, SAVES) for name in "ab"]
try:
    run(tasks, address=sys.argv[2])
except KeyboardInterrupt as stopped:
    sys.exit(f"KeyboardInterrupt: {{stopped}}")
"""


@pytest.mark.parametrize("at_start", ["default_int_handler", "SIG_IGN"])
def test_a_signal_ends_the_tasks_before_the_runner(cluster, tmp_path, at_start):
    """Also where SIGINT is ignored, as in a shell's background, and so by the cluster too."""
    address = cluster.address if at_start == "default_int_handler" else "local"
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(tmp_path), address],
        env=os.environ | {"AT_START": at_start},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: ids(tmp_path), runner)
    tasks = ids(tmp_path)
    os.kill(runner.pid, signal.SIGTERM)
    _, said = runner.communicate(timeout=30)
    assert said.splitlines()[-1] == "KeyboardInterrupt: SIGTERM"
    logs = [log.read_text() for log in tmp_path.glob("*.log")]
    assert all(log.endswith("saved\n") for log in logs if log)
    assert not any(map(is_alive, tasks))

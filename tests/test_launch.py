"""The door installs what is missing, with Pythons that only pretend: nothing is downloaded."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.program import REPOSITORY

TOOLS = ("bash", "cat", "chmod", "cksum", "cp", "dirname", "mkdir", "mv", "rm", "touch")

# What a system's Python does, by the files beside it: `old` and `lacks` make it so, `kill` is the
# step at which the door is killed (its parent), `pip` what pip then does.
PYTHON = """#!/usr/bin/env bash
echo "$0 $*" >>"$STUB/calls"
venv=$(dirname "$(dirname "$0")")
case "$*" in
    *version_info\\ \\<*) [[ ! -e $STUB/old ]] ;;
    *print*) echo python3.12-venv ;;
    *ensurepip*) [[ ! -e $STUB/lacks ]] ;;
    "-c ") ;;
    "-m venv "*)
        mkdir -p "$3/bin"
        [[ -e $3/bin/python ]] || cp "$STUB/bin/python3" "$3/bin/python"
        [[ $(cat "$STUB/kill" 2>/dev/null) == venv ]] && kill -9 $PPID && exit
        touch "$3/has_pip"
        ;;
    "-m pip --version") [[ -e $venv/has_pip ]] ;;
    "-m pip install"*)
        [[ -e $venv/has_pip ]] || exit 1
        touch "$venv/begun"
        [[ $(cat "$STUB/kill" 2>/dev/null) == pip ]] && kill -9 $PPID && exit
        [[ $(cat "$STUB/kill" 2>/dev/null) == interrupt ]] && kill -INT $PPID && exit 1
        [[ ! -e $STUB/offline ]]
        ;;
    "-m gan_jax."*) echo "ran $*" ;;
    *) exit 99 ;;
esac
"""


class Door(NamedTuple):
    """A copy of the door with a Python that pretends.

    Attributes:
        home: The copy's folder.
        stub: The Python's: what it is to do, and `calls`.
    """

    home: Path
    stub: Path

    @property
    def venv(self) -> Path:
        return self.home / ".venv"

    def start(self) -> subprocess.Popen:
        """Start it; its output is text."""
        environment = {"PATH": str(self.stub / "bin"), "STUB": str(self.stub)}
        command, pipe = [self.home / "launch.sh", "sample"], subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)

    def open(self) -> subprocess.CompletedProcess:
        """Start it and wait for it."""
        started = self.start()
        told = started.communicate(timeout=60)
        return subprocess.CompletedProcess(started.args, started.returncode, *told)

    def told(self, kind: str) -> int:
        """How many calls had this in them since the last time; forgets them."""
        calls = self.stub / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return sum(kind in line for line in lines)


@pytest.fixture
def door(tmp_path):
    home, stub = tmp_path / "home", tmp_path / "stub"
    home.mkdir()
    for name in ("launch.sh", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, home)
    (stub / "bin").mkdir(parents=True)
    for tool in (*TOOLS, *(["flock"] if shutil.which("flock") else [])):
        os.symlink(shutil.which(tool), stub / "bin" / tool)
    os.symlink(shutil.which("env"), stub / "bin" / "env")
    python = stub / "bin" / "python3"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return Door(home, stub)


def opens(door):
    """It installs and runs; the next time it only runs."""
    first = door.open()
    assert (first.returncode, first.stdout) == (0, "ran -m gan_jax.sample\n"), first.stderr
    assert door.told("pip install") == 1
    assert not (door.venv / "unfinished").exists()
    again = door.open()
    assert (again.returncode, again.stderr) == (0, "")
    assert door.told("-m") == 1


def test_it_installs_once(door):
    opens(door)


@pytest.mark.parametrize(
    ("what", "said"), [("lacks", "install the package python3.12-venv"), ("old", ">= 3.11")]
)
def test_a_python_that_will_not_do_is_refused_before_anything_is_made(door, what, said):
    (door.stub / what).touch()
    refused = door.open()
    assert refused.returncode == 2
    assert said in refused.stderr
    assert refused.stderr.startswith("error: ")
    assert refused.stderr.count("\n") == 1
    assert not door.venv.exists()
    (door.stub / what).unlink()
    opens(door)


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_what_a_kill_left_unfinished_is_made_anew(door, step):
    (door.stub / "kill").write_text(step)
    assert door.open().returncode == -signal.SIGKILL
    assert door.venv.exists()
    (door.stub / "kill").unlink()
    (door.venv / "left").touch()
    door.told("")
    opens(door)
    assert not (door.venv / "left").exists()


def test_an_interrupt_ends_it_and_leaves_nothing_half_done(door):
    (door.stub / "kill").write_text("interrupt")
    assert door.open().returncode == 130
    assert (door.venv / "unfinished").exists()
    (door.stub / "kill").unlink()
    door.told("")
    opens(door)


def test_what_only_lacks_pip_is_given_it(door):
    """As an older door left it, or another program made it."""
    (door.venv / "bin").mkdir(parents=True)
    shutil.copy(door.stub / "bin" / "python3", door.venv / "bin" / "python")
    (door.venv / "kept").touch()
    opens(door)
    assert (door.venv / "kept").exists()


def test_what_has_lost_its_python_is_made_anew(door):
    opens(door)
    (door.venv / "bin" / "python").unlink()
    os.symlink(door.home / "gone", door.venv / "bin" / "python")
    opens(door)


def test_an_error_of_pip_is_passed_on_and_costs_no_environment(door):
    opens(door)
    (door.stub / "offline").touch()
    whole = (door.home / "constraints.txt").read_text()
    (door.home / "constraints.txt").write_text("jax==9")
    assert door.open().returncode == 1
    door.told("")
    (door.home / "constraints.txt").write_text(whole)
    assert door.open().returncode == 0
    assert door.told("-m") == 1


@pytest.mark.skipif(not shutil.which("flock"), reason="needs flock")
def test_two_at_once_install_once(door):
    started = [door.start() for _ in range(2)]
    assert [one.communicate(timeout=60)[0] for one in started] == ["ran -m gan_jax.sample\n"] * 2
    assert door.told("pip install") == 1

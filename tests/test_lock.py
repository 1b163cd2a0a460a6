"""One process at a time in a folder."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys

import pytest

from gan_jax.core.errors import InputError
from gan_jax.run.lock import Lock

HOLD = """
import subprocess, sys, time
from pathlib import Path
from gan_jax.run.lock import Lock
lock = Lock(Path(sys.argv[1]))
child = subprocess.Popen(["sleep", "60"])
print("held", flush=True)
time.sleep(60)
"""


def test_the_second_is_refused_and_told_who_holds_it(tmp_path):
    path = tmp_path / "run.lock"
    lock = Lock(path)
    with pytest.raises(InputError) as caught:
        Lock(path)
    holder = f"process {os.getpid()} on {socket.gethostname()}"
    assert str(caught.value).startswith(f"--workdir={tmp_path}: in use by {holder}")
    assert path.read_text() == f"{holder}\n"
    lock.release()
    Lock(path)
    Lock(path)  # the one before is no more


def test_it_dies_with_its_process_though_a_child_lives_on(tmp_path):
    path = tmp_path / "run.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {holder.pid} on "):
            Lock(path)
        holder.kill()
        holder.wait()
        Lock(path)
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.stdout.close()


def test_where_there_are_no_locks_it_warns(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    Lock(tmp_path / "run.lock")
    assert caplog.messages == [
        f"{tmp_path}/run.lock can't be locked: start nothing else in its folder"
    ]

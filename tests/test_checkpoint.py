"""Damaged checkpoints, and sound ones that can't be read just now."""

import errno
import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest

from gan_jax.core.errors import RunError
from gan_jax.core.files import Damaged
from gan_jax.run import checkpoint
from gan_jax.run.checkpoint import Checkpoints

READ = """
import os, sys
from pathlib import Path
import numpy as np
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.core.errors import RunError

folder = Path(sys.argv[1])
parts = {f"part_{n}": np.arange(90_000.0) + n for n in range(20)}
checkpoints = Checkpoints(folder)
checkpoints.save(1, parts)
checkpoints.wait()
checkpoints.close()
for path in folder.rglob("d/*"):
    os.truncate(path, path.stat().st_size // 2)
for _ in range(3):
    checkpoints = Checkpoints(folder)
    try:
        checkpoints.restore(1)
    except RunError as error:
        print(error)
    checkpoints.close()
"""


# In a process of its own: whose terminal it is matters.
def test_of_the_many_reads_that_fail_one_is_told(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "cut"], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(str(tmp_path / "cut" / "1")) for line in lines)
    assert done.stderr == ""


PARTS = {"one": np.arange(20.0), "other": np.zeros(3)}


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Checkpoints of two steps."""
    monkeypatch.setattr(checkpoint, "_WAITS", (0.0,) * 4)
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=2)
    for step in (1, 2):
        checkpoints.save(step, PARTS)
    checkpoints.wait()
    yield checkpoints
    checkpoints.close()


def failing(checkpoints, monkeypatch, times, error):
    """Let the next readings of some files fail."""
    read, left = checkpoints._manager.restore, [error] * times

    def restore(*args, **more):
        if left:
            raise left.pop()
        return read(*args, **more)

    monkeypatch.setattr(checkpoints._manager, "restore", restore)


PASSING = [
    *(OSError(number, os.strerror(number)) for number in (errno.EIO, errno.EMFILE, errno.ESTALE)),
    OSError(errno.EACCES, "Permission denied"),
    MemoryError("no room for it"),
    ValueError('UNAVAILABLE: Error opening "d/4007" [OS error 5: Input/output error]'),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_passes_is_waited_for(saved, monkeypatch, caplog, error):
    failing(saved, monkeypatch, 3, error)
    step, tree = saved.restore_newest()
    assert step == 2
    np.testing.assert_array_equal(tree["one"], PARTS["one"])
    assert not caplog.messages


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_does_not_pass_is_an_error_and_nothing_is_set_aside(saved, monkeypatch, error):
    failing(saved, monkeypatch, 100, error)
    with pytest.raises(RunError, match=r"2: can't be read, though it may be sound: ") as caught:
        saved.restore_newest()
    assert not isinstance(caught.value, Damaged)
    assert saved.steps() == [1, 2]


def test_no_file_left_to_open_is_no_damage(saved, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = os.dup(0)
    os.close(probe)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))
        with pytest.raises(RunError, match="Too many open files"):
            saved.restore_newest()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not (tmp_path / "damaged").exists()
    assert saved.restore_newest()[0] == 2


@pytest.mark.parametrize("sets_aside", [True, False])
def test_only_what_its_own_contents_condemn_is_set_aside(saved, tmp_path, caplog, sets_aside):
    (tmp_path / "checkpoints" / "2" / "state" / "_METADATA").unlink()
    step, _ = saved.restore_newest(sets_aside=sets_aside)
    assert step == 1
    (line,) = caplog.messages
    assert line.startswith("damaged checkpoint, going back to the one before: ")
    assert (tmp_path / "damaged" / "2").exists() == sets_aside


def test_one_that_is_replaced_while_it_is_read_is_not_missed(saved, tmp_path, monkeypatch, caplog):
    reader = Checkpoints(tmp_path / "checkpoints")
    reader.steps()
    shutil.rmtree(tmp_path / "checkpoints" / "2")
    saved.save(3, PARTS)
    saved.wait()
    assert reader.restore_newest(sets_aside=False)[0] == 3
    reader.close()
    assert not caplog.messages

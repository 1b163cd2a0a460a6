"""Wishes to end: at once, or when all is saved."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import program
import pytest

from gan_jax.core.signals import ENDING, StopRequest
from gan_jax.run.checkpoint import Checkpoints

# Native code that nothing interrupts: minutes of it, without Python's lock.
AT_ONCE = """
import hashlib
from gan_jax.core import signals
signals.end_at_once()
print("begun", flush=True)
hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""
SAVING = """
import time
from gan_jax.core import signals
signals.end_at_once()
with signals.StopRequest() as stop:
    print("begun", flush=True)
    while True:
        time.sleep(0.01)
        if stop.signal:
            print(stop.signal, flush=True)
"""

BRIEF = """
import signal
from gan_jax.core import signals
signals.end_at_once()
print("begun", flush=True)
for _ in range(1000):
    with signals.StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
    assert stop.signal == "SIGTERM"
"""


def start(script):
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(program.REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", ENDING)
def test_without_anything_to_save_it_ends_at_once_with_one_line(number):
    process = start(AT_ONCE)
    _, err = program.end(process, number)
    assert err == f"error: interrupted by {number.name}\n"
    assert process.returncode == 128 + number


def test_the_first_save_is_finished_and_the_third_signal_ends_at_once():
    process = start(SAVING)
    for _ in range(3):  # a terminal that is closed sends it several times
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "SIGHUP\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "SIGHUP\n"
    process.send_signal(signal.SIGTERM)
    assert process.stderr.readline().startswith("SIGTERM again: ")
    assert process.stdout.readline() == "SIGHUP\n", "it goes on"
    _, err = program.end(process, signal.SIGINT)
    assert err == "error: SIGINT for the third time: ended before all was saved\n"
    assert process.returncode == 130


def test_what_a_request_to_stop_has_noted_does_not_end_what_comes_after_it():
    process = start(BRIEF)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="sees threads by /proc")
def test_a_program_is_interrupted_while_it_imports():
    process = program.start("gan_jax.main", *program.RING)
    threads = f"/proc/{process.pid}/task"
    program.wait_for(lambda: len(os.listdir(threads)) > 1, process)
    _, err = program.end(process, signal.SIGINT)
    assert err == "error: interrupted by SIGINT\n"
    assert process.returncode == 130


def test_a_hangup_that_is_ignored_stays_so_and_all_are_given_back():
    def mine(*_):
        raise AssertionError("given back too late")

    before = {number: signal.signal(number, mine) for number in ENDING}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with StopRequest() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert stop.signal is None
            signal.raise_signal(signal.SIGTERM)
            assert stop.signal == "SIGTERM"
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGTERM) is mine
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_closed_terminal_saves(tmp_path):
    terminal, ours = pty.openpty()
    flags = (*program.RING, f"--workdir={tmp_path}", "--config.train.steps=100000")
    flags = (*flags, "--config.log.every=1")
    process = program.start("gan_jax.main", *flags, quickly=True, terminal=os.ttyname(ours))
    metrics = tmp_path / "metrics.jsonl"
    program.wait_for(lambda: metrics.exists() and metrics.stat().st_size, process)
    os.close(ours)
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    step, _ = checkpoints.restore_newest()
    checkpoints.close()
    assert step > 0

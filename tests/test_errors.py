"""Running out of memory is told in one line that says how much was asked for."""

import jax
import numpy as np
import pytest

from gan_jax.core import cli
from gan_jax.core.errors import out_of_memory

HUGE = 2**46


def raised(action):
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        action()
    return caught.value


@pytest.mark.parametrize(
    ("action", "amount"),
    [
        (lambda: jax.numpy.zeros(HUGE), "256.0 TiB"),
        (lambda: np.zeros(HUGE), "512. TiB"),
    ],
    ids=["jax", "numpy"],
)
def test_the_line_says_how_much_was_asked_for(action, amount):
    line = out_of_memory(raised(action))
    assert line == f"out of memory: {amount} asked for; make batches, networks or images smaller"


def test_not_every_library_says_how_much():
    assert out_of_memory(MemoryError()).startswith("out of memory; make")


def test_accelerators_say_it_in_other_words():
    error = RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12.50GiB.")
    assert out_of_memory(error).startswith("out of memory: 12.50GiB asked for;")


@pytest.mark.parametrize("error", [RuntimeError("INTERNAL: a bug"), ValueError("2 bytes")])
def test_other_errors_are_not_taken_for_it(error):
    assert out_of_memory(error) is None


@pytest.fixture
def in_process(monkeypatch):
    """`cli.run` without what it does to the process."""
    monkeypatch.setattr(cli.app, "run", lambda main, flags_parser: main([]))
    monkeypatch.setattr(cli.logging, "set_verbosity", lambda _: None)
    monkeypatch.setattr(cli.signals, "end_at_once", lambda: None)
    for name in ("keep_memory", "keep_programs", "keep_garbage"):
        monkeypatch.setattr(cli.process, name, lambda: None)


@pytest.mark.usefixtures("in_process")
def test_a_program_ends_with_that_line(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(lambda: jax.numpy.zeros(HUGE))
    assert ended.value.code == cli.FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: out of memory: 256.0 TiB asked for")


@pytest.mark.usefixtures("in_process")
def test_a_bug_is_not_hidden():
    def bug():
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        cli.run(bug)

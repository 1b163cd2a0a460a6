"""A study's files: whatever a crash or a hand leaves of them, no row is left out in silence."""

import json
import os
import signal

import pytest
from toy_study import Counting, specs

from gan_jax.core.errors import RunError, Stopped
from gan_jax.core.files import write_atomically
from gan_jax.sweep import plan, rows, run_parts
from gan_jax.sweep.folder import JobFolder, JobProgress
from gan_jax.sweep.jobs import split_into_jobs
from gan_jax.sweep.results import collect
from gan_jax.sweep.run_job import run_job


@pytest.fixture(autouse=True)
def counting(monkeypatch):
    monkeypatch.setattr(run_parts, "VmappedTrials", Counting)


@pytest.fixture
def job():
    (job,) = split_into_jobs(specs({"seed": 0}, {"seed": 1}, {"train.steps": 8}), most=3)
    return job


@pytest.fixture
def place(job, tmp_path):
    place = JobFolder(tmp_path / "jobs" / job.name)
    place.assign(job.trials, vmapped=True)
    return place


def counted(job, place) -> list[list]:
    return collect(job.trials, [place])[["trial", "step", "count"]].to_numpy().tolist()


SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
WHOLE = [[trial, step, step] for trial in (0, 1) for step in (2, 4, 6)]
WHOLE += [[2, step, step] for step in (2, 4, 6, 8)]


def stop_at(steps, monkeypatch):
    evaluate = Counting.evaluate

    def fail(self, trials, at):
        if at == steps:
            raise ZeroDivisionError
        return evaluate(self, trials, at)

    monkeypatch.setattr(Counting, "evaluate", fail)
    return lambda: monkeypatch.setattr(Counting, "evaluate", evaluate)


def begun(job, place, monkeypatch, at=6):
    """A job that stood at a checkpoint after 4 rounds when it was ended in mid-evaluation."""
    monkeypatch.setattr(run_parts, "SECONDS_A_CHECKPOINT", 0)
    go_on = stop_at(at, monkeypatch)
    with pytest.raises(ZeroDivisionError):
        run_job(job, place)
    go_on()


def test_rows_are_replaced_in_one_step(job, place, monkeypatch):
    """At a full disk, or a kill, those that were there are there still."""
    begun(job, place, monkeypatch)
    before = place.rows.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run_job(job, place)
    monkeypatch.undo()
    assert place.rows.read_bytes() == before


DAMAGES = {
    "gone": lambda text: None,
    "cut in mid-line": lambda text: text[: len(text) // 2 + 7],
    "a line missing": lambda text: text.split(b"\n", 1)[1],
    "a line twice": lambda text: text.split(b"\n", 1)[0] + b"\n" + text,
    "garbage": lambda text: b"\x00\xff{]\n" + text[90:],
    "of another type": lambda text: b"17\n[]\n" + text.replace(b'"step": 2', b'"step": "two"'),
    "nested": lambda text: b"[" * 100_000,
}


def damage(path, how):
    text = DAMAGES[how](path.read_bytes())
    path.unlink() if text is None else path.write_bytes(text)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_job_without_the_rows_before_its_checkpoint_starts_anew(
    how, job, place, monkeypatch, capsys
):
    begun(job, place, monkeypatch)
    damage(place.rows, how)
    run_job(job, place)
    assert counted(job, place) == WHOLE
    assert "starts anew" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("then", "evaluated"), [(2, [8]), (None, [8]), (1, [8]), (3, [2, 4, 6, 8])]
)
def test_a_job_of_several_parts_goes_on_in_its_part(job, place, monkeypatch, then, evaluated):
    """What is another part, since others are in it, begins anew."""
    monkeypatch.setattr(run_parts, "SECONDS_A_CHECKPOINT", 0)
    go_on = stop_at(8, monkeypatch)  # which only the last trial, the second part, comes to
    with pytest.raises(ZeroDivisionError):
        run_job(job, place, most=2)
    go_on()
    found, evaluate = [], Counting.evaluate

    def noting(self, trials, steps):
        found.append(steps)
        return evaluate(self, trials, steps)

    monkeypatch.setattr(Counting, "evaluate", noting)
    run_job(job, place, most=then)
    assert found == evaluated
    assert sorted(counted(job, place)) == WHOLE
    assert place.share() == 1
    assert not place.checkpoints.exists()


def test_trials_that_do_not_fit_are_told_by_the_flag(job, place, monkeypatch):
    def full(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: trying to allocate 17179869184 bytes")

    monkeypatch.setattr(Counting, "step", full)
    why = "^--side_by_side=3: out of memory: 16.0 GiB asked for; give fewer trials at once$"
    with pytest.raises(RunError, match=why):
        run_job(job, place)


def test_garbage_after_the_checkpoint_is_dropped(job, place, monkeypatch, capsys):
    begun(job, place, monkeypatch)
    with open(place.rows, "ab") as file:
        file.write(b'{"trial": "a", "st\x00\x00')
    run_job(job, place)
    assert counted(job, place) == WHOLE
    assert "anew" not in capsys.readouterr().out


@pytest.mark.parametrize("how", DAMAGES)
def test_a_finished_job_that_lacks_rows_is_named_and_played_again(how, job, place, tmp_path):
    run_job(job, place)
    damage(place.rows, how)
    planned = plan.make(job.trials, tmp_path, 3)
    assert (planned.done, planned.left) == ([], [job])
    assert f"job {job.name}: rows of " in str(planned)
    assert "it is trained again" in str(planned)
    run_job(job, place)
    assert counted(job, place) == WHOLE
    assert plan.make(job.trials, tmp_path, 3).done == [job]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"device_seconds": "one"}', "\0"])
def test_a_damaged_done_file_says_nothing(text, job, place, tmp_path):
    run_job(job, place)
    place.done.write_text(text)
    planned = plan.make(job.trials, tmp_path, 3)
    assert planned.left == [job]
    assert "done.json is damaged; it is trained again" in str(planned)
    run_job(job, place)
    assert json.loads(place.done.read_text())["trials"] == 3


@pytest.mark.parametrize("text", ["", "{", "7", '{"share": 9}', '{"share": "a"}', "\0"])
def test_a_damaged_progress_file_is_no_progress(text, place):
    place.progress.write_text(text)
    assert place.job_progress() == JobProgress(0.0)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"trials": 7}', '{"trials": [7]}'])
def test_a_damaged_job_file_names_no_trial(text, job, place, tmp_path):
    place.plan.write_text(text)
    assert place.digests() == []
    assert plan.make(job.trials, tmp_path, 3).left == [job]


def test_rows_are_counted_before_a_job_is_done(job, place, monkeypatch):
    monkeypatch.setattr(Counting, "due", lambda self, steps: [0, 1] if steps % 2 == 0 else [])
    with pytest.raises(RunError, match=r"rows of 3 trials are missing: trial 0"):
        run_job(job, place)
    assert not place.done.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_last_words_of_a_job_that_was_stopped_are_true(job, place, monkeypatch, number):
    evaluate, before = Counting.evaluate, {each: signal.getsignal(each) for each in SIGNALS}

    def and_stop(self, trials, steps):
        os.kill(os.getpid(), number)
        return evaluate(self, trials, steps)

    monkeypatch.setattr(Counting, "evaluate", and_stop)
    try:
        with pytest.raises(Stopped, match=f"^stopped by {number.name}: 25% trained, saved$"):
            run_job(job, place)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert [path.name for path in place.checkpoints.glob("*/[0-9]*")] == ["2"]
    assert place.share() == 0.25
    monkeypatch.setattr(Counting, "evaluate", evaluate)
    run_job(job, place)
    assert counted(job, place) == WHOLE


def test_a_run_that_diverged_lacks_nothing(tmp_path):
    (trial,) = specs({})
    row = {"trial": trial.digest, "step": 2, "steps": 2, "diverged_at": -1, "count": 2.0}
    fell = {"trial": trial.digest, "step": 3, "steps": 3, "diverged_at": 3}
    assert rows.incomplete([trial], [row, fell]) == []
    assert rows.incomplete([trial], [fell]) == [trial]
    assert rows.incomplete([trial], [row]) == [trial]
    assert rows.incomplete([trial], [row, {**row, "step": 4, "diverged_at": 4}]) == [trial]


def test_a_text_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old\n"

"""A run whose own files were damaged, taken away, or put there by somebody else."""

import json
import resource
import shutil
import struct
from contextlib import closing

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from gan_jax import data
from gan_jax.core.errors import Diverged, InputError, RunError
from gan_jax.core.files import Damaged
from gan_jax.report.events import EventFile
from gan_jax.report.recorder import Recorder
from gan_jax.run.checkpoint import Checkpoints, digest
from gan_jax.run.restore import restore
from gan_jax.run.train import Run
from gan_jax.run.workdir import Workdir, describe

SMALL = {
    "eval.protocol": "mixture_2500",
    "eval.every": 2,
    "log.every": 1,
    "checkpoint.every": 2,
    "train.steps": 4,
}


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """A run that has ended; its folder is not to be changed."""
    run = Run(tiny(SMALL), tmp_path_factory.mktemp("finished") / "run")
    run.train()
    return run


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of its folder."""
    return shutil.copytree(finished.workdir.path, tmp_path / "run")


@pytest.fixture
def readers(finished, folder):
    """What reads a run's record, without what it does before: going on, and what samples it."""
    return (lambda: Workdir(folder).open(finished.record), lambda: restore(folder))


def altered(record, key, value):
    """The record with another value at a key like data.shape; none where it is None."""
    *groups, name = key.split(".")
    group = record
    for one in groups:
        group = group[one]
    group.pop(name) if value is None else group.update({name: value})
    return record


FOREIGN = {
    "data.shape": [[-1], [], [2.5], ["2"], 2, None],
    "data.train": [0, -5, "all", None],
    "data.fingerprint": [3, None],
    "data": [[], None],
    "config": [[], None],
    "versions": [None],
    "config.model.latent": ["16"],
    "config.model": [7],
    "config.loss": [None],
}


@pytest.mark.parametrize(("key", "value"), [(key, one) for key in FOREIGN for one in FOREIGN[key]])
def test_a_record_that_no_run_wrote_is_one_line(folder, readers, key, value):
    config = folder / "config.json"
    config.write_text(json.dumps(altered(json.loads(config.read_text()), key, value)))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for program in readers:
        with pytest.raises((Damaged, InputError)) as caught:
            program()
        line = str(caught.value)
        assert "config.json" in line
        assert "\n" not in line
        assert key.split(".")[0] in line
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("text", ["{}", "[]", "", "\0" * 100, "[" * 100_000])
def test_what_is_no_record_is_one_line(folder, readers, text):
    (folder / "config.json").write_text(text)
    for program in readers:
        with pytest.raises(Damaged, match=f"^{folder}/config.json: [^\n]{{,150}}$"):
            program()


@pytest.mark.parametrize("tail", [b"\0" * 512, b'\xff{"st', b'{"step": 5'])
def test_a_damaged_tail_is_cut_off_and_training_goes_on(folder, caplog, tail):
    metrics = folder / "metrics.jsonl"
    whole = metrics.read_bytes()
    metrics.write_bytes(whole + tail)
    recorder = Recorder(metrics, folder / "tensorboard", step=4)
    recorder.add(5, {"generator/loss": np.float32(0.5)}, logged=True)
    recorder.settle()
    recorder.close()
    assert metrics.read_bytes() == whole + b'{"step": 5, "generator/loss": 0.5}\n'
    (line,) = caplog.messages
    assert line.startswith(f"{metrics}, line 5: ")
    assert line.endswith("dropped from there on")


@pytest.mark.parametrize("middle", [b'{"loss": 1.0}\n', b"garbage\n", b"\0\0\n"])
def test_damage_in_the_middle_is_one_line_and_nothing_is_changed(folder, middle):
    metrics = folder / "metrics.jsonl"
    first, rest = metrics.read_bytes().split(b"\n", 1)
    metrics.write_bytes(first + b"\n" + middle + rest)
    before = metrics.read_bytes()
    with pytest.raises(Damaged, match=f"{metrics}, line 2: "):
        Recorder(metrics, folder / "tensorboard", step=4)
    assert metrics.read_bytes() == before


def test_a_finished_run_stays_as_it_is(finished, folder, tiny, capfd):
    Run(tiny(SMALL), folder).train()
    assert "finished at step 4" in capfd.readouterr().out
    for name in ("metrics.jsonl", "summary.json", "training.gif", "samples/000004.png"):
        assert (folder / name).read_bytes() == (finished.workdir.path / name).read_bytes()
    (one, first), (other, again) = (newest(path) for path in (finished.workdir.path, folder))
    assert one == other == 4
    assert digest(first) == digest(again)


def newest(path):
    """The step of the newest checkpoint of the run in a folder, and what it holds."""
    checkpoints = Checkpoints(Workdir(path).checkpoints)
    found = checkpoints.restore_newest()
    checkpoints.close()
    return found


def test_a_finished_run_says_what_it_misses(folder, tiny, caplog, capfd):
    metrics, samples = folder / "metrics.jsonl", folder / "samples"
    shutil.rmtree(samples)
    run = Run(tiny(SMALL), folder)
    run.train()
    assert caplog.messages == [f"{samples}: no pictures are left; training.gif is not made"]
    assert "finished at step 4" in capfd.readouterr().out
    (samples / "000004.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    run._finish()
    assert caplog.messages[1].startswith(f"{samples}/000004.png: can't be read as a picture")
    for text in (None, "", metrics.read_text().split("\n")[0] + "\n"):
        metrics.unlink() if text is None else metrics.write_text(text)
        with pytest.raises(RunError, match=f"{metrics}: the line of step 4, .* is missing"):
            run._finish()
    run.recorder = Recorder(metrics, folder / "tensorboard", step=4)
    run._announce()
    run.recorder.close()
    assert caplog.messages[2] == f"{metrics} has no line of steps 2 to 4"


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(InputError, match=r"holds no run, config\.json is missing"):
        Workdir(tmp_path).read()


# Last words


def test_a_longer_run_is_refused_with_the_reason_and_a_way_out(tiny, tmp_path):
    dataset = data.load(tiny().data)
    decaying = {"optim.generator.decay": "cosine"}
    for overrides in ({}, decaying):
        folder = tmp_path / str(len(overrides))
        for steps in (100, 150):
            longer = describe(tiny(overrides | {"train.steps": steps}), dataset)
            if overrides and steps == 150:
                with pytest.raises(InputError) as caught:
                    Workdir(folder).open(longer)
            else:
                Workdir(folder).open(longer)
    line = str(caught.value)
    assert "config.train.steps: 100 there, 150 now (config.optim.generator.decay=cosine: " in line
    for text in ("would have had other rates", "only a run of constant rates", "a new --workdir"):
        assert text in line


def test_what_is_left_of_a_run_that_diverged_is_true(tiny, tmp_path, monkeypatch):
    run = Run(tiny(SMALL), tmp_path / "run")

    def fall():
        raise Diverged(3, ["generator/loss"])

    monkeypatch.setattr(run, "_loop", fall)
    with monkeypatch.context() as patched:
        patched.setattr(run.checkpoints, "steps", lambda: [1, 2])
        assert run._left() == "the checkpoint of step 2 is kept"
    with pytest.raises(Diverged) as caught:
        run.train()
    said = "step 3: not finite: generator/loss; no checkpoint had been saved"
    assert (str(caught.value), caught.value.step) == (said, 3)


# Full disk


@pytest.mark.parametrize("kibibytes", [0, 1, 2, 4, 8])
def test_with_little_room_left_the_metrics_end_in_one_line(tmp_path, kibibytes):
    """A limit on the size of a file stands in for the disk, as where checkpoints are written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    row = {f"generator/{number}": np.float32(number) for number in range(30)}

    def train():
        metrics, events = tmp_path / "metrics.jsonl", tmp_path / "events"
        with closing(Recorder(metrics, events, step=0)) as recorder:
            for step in range(1, 50):
                recorder.add(step, row, logged=True)
                recorder.settle()
                recorder.time(step, 1.0)
                recorder.sync()

    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * kibibytes, hard))
        with pytest.raises(RunError, match=r"metrics\.jsonl: can't be written: File too large"):
            train()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_events_are_what_tensorboard_reads(tmp_path):
    events = EventFile(tmp_path, purge_step=5)
    events.add(5, {"generator/loss": 0.5, "generator/norm": 2.0})
    events.close()
    reset, start, row = (Event.FromString(record) for record in records(events.path))
    assert reset.file_version == "brain.Event:2"
    assert (start.step, start.session_log.status) == (5, SessionLog.START)
    found = {value.tag: value.simple_value for value in row.summary.value}
    assert (row.step, found) == (5, {"generator/loss": 0.5, "generator/norm": 2.0})


def records(path):
    """Of a TFRecord file: length, checksum, data, checksum."""
    data = path.read_bytes()
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        yield data[12 : 12 + size]
        data = data[16 + size :]

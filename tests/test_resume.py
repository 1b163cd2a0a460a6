"""Stopping and going on, with processes that really die."""

import json
import os
import random
import re
import shutil
import signal
import socket
import time

import jax
import numpy as np
import program
import pytest

from gan_jax.core.errors import InputError
from gan_jax.report.recorder import read_rows
from gan_jax.run.checkpoint import Checkpoints
from gan_jax.run.lock import Lock
from gan_jax.run.workdir import Workdir

STEPS = 40


def saved(workdir, step=None):
    """What was saved at a step, or last."""
    checkpoints = Checkpoints(Workdir(workdir).checkpoints)
    tree = checkpoints.restore(step or checkpoints.steps()[-1])
    checkpoints.close()
    return tree


def assert_same(tree, other):
    leaves = map(jax.tree_util.tree_leaves_with_path, (tree, other))
    for (path, left), (same_path, right) in zip(*leaves, strict=True):
        assert path == same_path
        assert left.tobytes() == right.tobytes(), path


def assert_same_run(one, other):
    assert_same(saved(one), saved(other))
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()


def test_a_run_leaves_all_its_files(uninterrupted):
    record = json.loads((uninterrupted / "config.json").read_text())
    assert record["config"]["train"]["steps"] == STEPS
    assert record["data"]["source"] == "embedded"
    assert {"jax", "flax", "python"} <= record["versions"].keys()
    summary = json.loads((uninterrupted / "summary.json").read_text())
    assert summary["results"]["step"] == STEPS
    assert summary["data"] == record["data"]
    assert summary["noise_floor"]["num"] == 1000
    assert sorted(path.name for path in (uninterrupted / "samples").iterdir()) == [
        "000020.png",
        "000040.png",
    ]
    for name in ("reals.png", "training.gif"):
        assert (uninterrupted / name).stat().st_size > 0
    assert list((uninterrupted / "tensorboard").glob("events*"))


def test_each_logged_step_stands_once_in_order(uninterrupted):
    rows = read_rows(uninterrupted / "metrics.jsonl")
    every_third = set(range(3, STEPS + 1, 3))
    assert [row["step"] for row in rows] == sorted(every_third | {20, STEPS})
    for row in rows:
        assert np.isfinite(list(row.values())).all()
        assert {
            f"discriminator/{name}"
            for name in ("loss", "accuracy_real", "accuracy_fake", "logit_real", "logit_fake")
        } <= row.keys()
        assert {"generator/gradient_norm", "discriminator/gradient_norm"} <= row.keys()
    assert rows[-1]["replica_spread"] == 0
    assert 0 <= rows[-1]["discriminator/accuracy_held_out"] <= 1
    assert rows[-1]["mnist_cnn_1k/frechet"] > 0


def test_killed_at_random_it_ends_as_if_uninterrupted(uninterrupted, tmp_path):
    chance, workdir = random.Random(0), tmp_path / "killed"
    flags = (*program.DIGITS, f"--workdir={workdir}")
    metrics = workdir / "metrics.jsonl"

    def lines():
        return metrics.read_text().count("\n") if metrics.exists() else 0

    for _ in range(3):
        process = program.start("gan_jax.main", *flags)
        goal = lines() + chance.randrange(1, 4)
        program.wait_for(lambda goal=goal: lines() >= goal, process)
        program.end(process, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    program.run("gan_jax.main", *flags)
    assert_same_run(uninterrupted, workdir)


def test_a_signal_saves_and_the_same_command_goes_on(uninterrupted, tmp_path):
    workdir = tmp_path / "stopped"
    flags = (*program.DIGITS, f"--workdir={workdir}", "--config.checkpoint.every=1000")
    process = program.start("gan_jax.main", *flags)
    metrics = workdir / "metrics.jsonl"
    program.wait_for(lambda: metrics.exists() and metrics.stat().st_size, process)
    out, err = program.end(process, signal.SIGTERM)
    assert process.returncode == 0, err
    assert "stopped by SIGTERM" in out
    assert "the same command goes on" in out
    assert "Traceback" not in err
    step = Checkpoints(workdir / "checkpoints").steps()[-1]
    assert 1 <= step < STEPS
    assert f"going on from step {step}" in program.run("gan_jax.main", *flags).stdout
    assert_same_run(uninterrupted, workdir)


@pytest.mark.usefixtures("uninterrupted")  # its programs are compiled
def test_at_the_word_saved_it_is_saved_though_asked_twice(tmp_path):
    workdir = tmp_path / "twice"
    flags = (*program.DIGITS, f"--workdir={workdir}", "--config.checkpoint.every=1000")
    process = program.start("gan_jax.main", *flags)
    metrics = workdir / "metrics.jsonl"
    program.wait_for(lambda: metrics.exists() and metrics.stat().st_size, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    for line in process.stdout:
        if "stopped by SIGINT" in line:
            break
    assert program.end(process, signal.SIGKILL)[1].startswith("SIGINT again: ")
    assert ", saved" in line
    step = int(line.split("at step ")[1].split(",")[0])
    checkpoints = Checkpoints(workdir / "checkpoints")
    assert checkpoints.steps() == [step]
    assert checkpoints.restore_newest()[0] == step
    checkpoints.close()


def test_a_second_run_in_the_folder_is_refused_and_changes_nothing(uninterrupted, tmp_path):
    """The first, which this process stands in for, is not disturbed."""
    workdir = shutil.copytree(uninterrupted, tmp_path / "both")
    lock = Lock(workdir / "run.lock")
    before = contents(workdir)
    flags = (*program.DIGITS, f"--workdir={workdir}")
    (line,) = program.run("gan_jax.main", *flags, code=2).stderr.splitlines()
    assert f"--workdir={workdir}: in use by process {os.getpid()} on {socket.gethostname()}" in line
    assert contents(workdir) == before
    lock.release()


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def damaged(folder, damage):
    """Damage the newest checkpoint of the run in a folder."""
    newest = folder / "checkpoints" / str(STEPS) / "state"
    largest = max(newest.rglob("*"), key=lambda path: path.is_file() * path.stat().st_size)
    data = largest.read_bytes()
    middle = len(data) // 2
    if damage == "cut":
        largest.write_bytes(data[:middle])
    elif damage == "flipped":
        largest.write_bytes(data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :])
    else:
        shutil.rmtree(newest)
    return newest.parent


def test_from_a_damaged_newest_checkpoint_a_run_falls_back_loudly(uninterrupted, tmp_path):
    workdir = shutil.copytree(uninterrupted, tmp_path / "damaged")
    newest = damaged(workdir, "flipped")
    done = program.run("gan_jax.main", *program.DIGITS, f"--workdir={workdir}")
    assert "damaged checkpoint" in done.stderr
    assert str(newest) in done.stderr
    assert f"going on from step {STEPS - 5}" in done.stdout
    assert_same_run(uninterrupted, workdir)


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_however_it_was_damaged_the_one_before_is_found(uninterrupted, tmp_path, caplog, damage):
    workdir = shutil.copytree(uninterrupted, tmp_path / damage)
    newest = damaged(workdir, damage)
    checkpoints = Checkpoints(workdir / "checkpoints")
    step, tree = checkpoints.restore_newest()
    checkpoints.close()
    assert step == STEPS - 5
    assert_same(tree, saved(uninterrupted, step))
    (line,) = caplog.messages
    assert line.startswith("damaged checkpoint")
    assert str(newest) in line


def test_another_config_is_refused_with_keys_and_both_values(uninterrupted, tmp_path):
    workdir = shutil.copytree(uninterrupted, tmp_path / "contradicted")
    before = (workdir / "config.json").read_bytes()
    flags = (*program.DIGITS, f"--workdir={workdir}", "--config.seed=7", "--config.loss=minimax")
    refused = program.run("gan_jax.main", *flags, code=2)
    assert "config.loss: non_saturating there, minimax now" in refused.stderr
    assert "config.seed: 0 there, 7 now" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert (workdir / "config.json").read_bytes() == before
    assert_same_run(uninterrupted, workdir)


def test_other_data_is_refused(uninterrupted, tmp_path):
    workdir = Workdir(shutil.copytree(uninterrupted, tmp_path / "other_data"))
    mine, record = workdir.read(), workdir.read()
    record["data"] |= {"fingerprint": "of other data", "source": "raw", "train": 60_000}
    workdir.config.write_text(json.dumps(record))
    why = "config.data.source: raw (60000 train) there, embedded (4500 train) now"
    with pytest.raises(InputError, match=f"{re.escape(why)}$"):
        workdir.open(mine)
    assert workdir.read() == record


def test_non_finite_numbers_stop_the_run_and_keep_the_last_good_checkpoint(tmp_path):
    flags = (
        *program.RING,
        f"--workdir={tmp_path / 'diverged'}",
        "--config.model.discriminator.depth=2",  # one layer would fall in the first round
        "--config.optim.discriminator.name=sgd",
        "--config.optim.discriminator.learning_rate=1e12",
        "--config.train.steps=40",
        "--config.checkpoint.every=1",
    )
    failed = program.run("gan_jax.main", *flags, code=1, quickly=True)
    (line,) = failed.stderr.splitlines()
    assert "not finite" in line
    first_bad = int(line.split("step ")[1].split(":")[0])
    assert first_bad > 1
    checkpoints = Checkpoints(tmp_path / "diverged" / "checkpoints")
    assert checkpoints.steps()[-1] == first_bad - 1
    tree = checkpoints.restore(first_bad - 1)
    checkpoints.close()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("kibibytes", [16, 100])
@pytest.mark.usefixtures("uninterrupted")  # its programs are compiled
def test_a_full_disk_gives_one_clear_line_and_keeps_what_was_saved(tmp_path, kibibytes):
    """A limit on the size of a file stands in for the disk: the system refuses the write."""
    workdir = tmp_path / "full"
    flags = (*program.DIGITS, f"--workdir={workdir}")
    failed = program.finish(program.start("gan_jax.main", *flags, file_limit=kibibytes))
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("error: ")
    assert "File too large" in line
    checkpoints = Checkpoints(workdir / "checkpoints")
    assert checkpoints.restore_newest() is None
    checkpoints.close()

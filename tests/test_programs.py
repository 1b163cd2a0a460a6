"""The programs beside training, as a user starts them."""

import json
import subprocess

import numpy as np
import program
import pytest


def wanted(workdir, out, *flags):
    return (f"--workdir={workdir}", "--num=600", f"--out={out}", *flags)


def samples(workdir, out, *flags):
    with program.loaded("gan_jax.sample", *wanted(workdir, out, *flags)) as sampling:
        sampling.main()
    return saved(out)


def saved(out):
    with np.load(out) as file:
        return file["samples"]


@pytest.fixture(scope="module")
def first(uninterrupted, tmp_path_factory):
    return samples(uninterrupted, tmp_path_factory.mktemp("samples") / "first.npz")


def test_samples_are_images_and_the_same_every_time(uninterrupted, tmp_path, first):
    assert first.shape == (600, 28, 28, 1)
    assert first.dtype == np.uint8
    program.run("gan_jax.sample", *wanted(uninterrupted, tmp_path / "again.npz"), quickly=True)
    np.testing.assert_array_equal(first, saved(tmp_path / "again.npz"))


def test_samples_of_another_seed_are_others_and_say_where_they_come_from(
    uninterrupted, tmp_path, first
):
    out = tmp_path / "samples.npz"
    assert (first != samples(uninterrupted, out, "--seed=3")).any()
    with np.load(out, allow_pickle=False) as file:
        record = json.loads(str(file["record"]))
    assert (record["step"], record["weights"], record["seed"]) == (40, "ema", 3)
    assert record["data"]["source"] == "embedded"
    assert record["config"]["train"]["batch_size"] == 16
    assert "jax" in record["versions"]


def test_the_average_is_sampled_unless_raw_weights_are_asked_for(uninterrupted, tmp_path, first):
    raw = samples(uninterrupted, tmp_path / "raw.npz", "--weights=raw")
    assert (first != raw).any()


def test_an_older_step_can_be_sampled_and_one_not_saved_is_refused(uninterrupted, tmp_path, first):
    older = samples(uninterrupted, tmp_path / "older.npz", "--step=30")
    assert (first != older).any()
    out = f"--out={tmp_path / 'none.npz'}"
    flags = (f"--workdir={uninterrupted}", "--step=31", out)
    refused = program.run("gan_jax.sample", *flags, code=2)
    assert "--step=31" in refused.stderr
    assert "[30, 35, 40]" in refused.stderr


def test_evaluating_the_last_step_again_gives_its_logged_numbers(uninterrupted):
    ended = program.run("gan_jax.evaluate", f"--workdir={uninterrupted}")
    (line,) = ended.stdout.splitlines()
    row = json.loads(line)
    assert json.loads((uninterrupted / "evaluations.jsonl").read_text().splitlines()[-1]) == row
    logged = json.loads((uninterrupted / "metrics.jsonl").read_text().splitlines()[-1])
    assert row["step"] == logged["step"] == 40
    assert row["data"]["source"] == "embedded"
    assert row["protocol"] == "mnist_cnn_1k"
    again = {name: value for name, value in row.items() if name.startswith("mnist_cnn_1k/")}
    assert again
    for name, value in again.items():
        assert logged[name] == pytest.approx(value, rel=1e-6), name
    assert logged["discriminator/accuracy_held_out"] == row["discriminator/accuracy_held_out"]


def test_the_ring_runs_by_epochs_and_gives_points(tmp_path):
    flags = (
        *program.RING,
        f"--workdir={tmp_path / 'ring'}",
        "--config.schedule.unit=epoch",
        "--config.train.batch_size=10000",
        "--config.train.steps=3",
    )
    program.run("gan_jax.main", *flags, quickly=True)
    last = json.loads((tmp_path / "ring" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["step"] == 3
    assert 0 <= last["mixture_2500/modes"] <= 8
    points = samples(tmp_path / "ring", tmp_path / "points.npz")
    assert points.shape == (600, 2)
    assert points.dtype == np.float32


@pytest.mark.parametrize("module", ["main", "sample", "interpolate", "evaluate"])
def test_help_is_no_error(module):
    assert "workdir" in program.run(f"gan_jax.{module}", "--help").stdout


def test_the_door_names_the_commands_it_knows():
    door = program.REPOSITORY / "launch.sh"
    refused = subprocess.run([door, "dance"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    known = "evaluate, interpolate, sample, search, sweep, test, train"
    assert f"dance: no such command, choose from {known}" in refused.stderr

"""The command that measures a device: what it compares, how it goes on, and failures."""

import json
import os
import time
from concurrent.futures import Future

import numpy as np
import program
import pytest
import shipped
from program import REPOSITORY
from test_conv import GEOMETRIES, assert_close, filled, operands

from configs import mnist
from experiments.device import (
    convolutions,
    parity,
    peer,
    results,
    runs,
    scheduler,
    stages,
    table,
    timing,
    worker,
)
from experiments.device.case import Case, Settings
from gan_jax.core.errors import InputError
from gan_jax.core.files import Damaged

SETTINGS = Settings(tiny=True, peer="")
MACHINE = {"card": "a card", "driver": "1", "versions": {"jax": "0"}, "date": "2026-01-01"}
FAKE_STAGE = '''"""Three ways to end."""
import os, time

def measure(name, settings):
    yield {"value": 1.5, "case": name}
    if name == "raises":
        raise ValueError("a reason")
    if name == "dies":
        os.abort()
    if name == "hangs":
        time.sleep(60)
    yield {"value": float("inf")}
'''


def test_an_error_is_relative_to_all_numbers_of_a_kind():
    expected = {"a": np.array([3.0, 0.0]), "b": np.array([4.0])}
    assert parity.relative(expected, expected) == 0
    found = {"a": np.array([3.0, 0.3]), "b": np.array([4.4])}
    assert parity.relative(found, expected) == pytest.approx(0.5 / 5)
    assert parity.relative({"a": np.array([np.nan])}, {"a": np.array([1.0])}) == np.inf
    assert parity.relative({"a": np.array([1.0])}, {"a": np.array([0.0])}) == np.inf


def test_every_shipped_config_of_a_run_is_compared():
    assert [*parity.shipped()] == shipped.RUNS


@pytest.mark.parametrize("formulation", ["unfolded", "taps", convolutions.IN_TURN])
def test_over_trials_too(formulation):
    geometry = GEOMETRIES["up to its half"]
    several = [np.stack([array, 2 * array]) for array in filled(operands("to_x", geometry))]
    found, expected = (
        convolutions.program(name, "to_x", geometry)(*several) for name in (formulation, "native")
    )
    assert found.shape == (2, 3, 14, 12, 5)
    assert_close({"x": found}, {"x": expected})


def test_the_layers_are_those_of_the_networks():
    found = convolutions.layers(mnist.get_config())
    assert [layer.name for layer in found] == [
        "28x1 14x32 kernel 7",
        "14x32 7x64 kernel 7",
        "14x32 7x32 kernel 4",
        "28x16 14x32 kernel 4",
        "28x16 28x1 kernel 3",
    ]
    assert {layer.shapes["x"][0] for layer in found} == {16}


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A stage of cases that end well, raise, die and hang; and a function that measures some."""
    (tmp_path / "fakes").mkdir()
    (tmp_path / "fakes" / "stage.py").write_text(FAKE_STAGE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(REPOSITORY)]))
    monkeypatch.setattr(stages, "PACKAGE", "fakes")
    monkeypatch.setattr(scheduler, "STARTS", 0.0)

    def measure(*names, seconds=100.0):
        file = results.StageFile(tmp_path, "stage", "as told", tiny=True)
        tasks = [scheduler.Task("stage", Case(name, 1.0)) for name in names]
        tasks = [task for task in tasks if not file.is_done(task.case.name)]
        end = time.monotonic() + seconds
        left = scheduler.run(
            tasks, {"stage": file}, SETTINGS, machine=MACHINE, end=end, say=lambda line: None
        )
        return json.loads((tmp_path / "stage.json").read_text()), [task.case.name for task in left]

    return measure


def test_a_case_that_fails_is_written_down_and_the_others_are_measured(fake, monkeypatch):
    monkeypatch.setattr(scheduler, "GRACE", 4.0)
    monkeypatch.setattr(scheduler, "PATIENCE", 0.0)
    found, left = fake("raises", "dies", "hangs", "fine")
    assert not left
    assert found["machines"] == [MACHINE]
    status = {name: case["status"] for name, case in found["cases"].items()}
    assert status == {"raises": "failed", "dies": "failed", "hangs": "failed", "fine": "done"}
    why = {name: case.get("why", "").splitlines() for name, case in found["cases"].items()}
    assert why["raises"][0] == "ValueError: a reason"
    assert why["dies"][0] == "its process died (exit code -6)"
    assert why["hangs"][0] == "not done after 4 s"
    assert found["cases"]["fine"]["rows"] == [{"value": 1.5, "case": "fine"}, {"value": "inf"}]
    assert found["cases"]["dies"]["rows"] == [{"value": 1.5, "case": "dies"}]


def test_what_is_done_is_not_done_again_and_what_does_not_fit_is_left(fake):
    first, left = fake("fine", "raises")
    assert not left
    second, left = fake("fine", "raises", "more", seconds=0.5)
    assert second == first
    assert left == ["raises", "more"]


def test_results_of_other_sizes_or_damaged_ones_are_refused(tmp_path):
    file = results.StageFile(tmp_path, "speed", "", tiny=True)
    file.add("a", [], seconds=1, machine=MACHINE, why=None)
    with pytest.raises(InputError, match="holds results at tiny sizes, now whole sizes"):
        results.StageFile(tmp_path, "speed", "", tiny=False)
    for text in ("[]", "{", "{}"):
        (tmp_path / "speed.json").write_text(text)
        with pytest.raises(Damaged, match=r"speed\.json"):
            results.StageFile(tmp_path, "speed", "", tiny=True)


def test_the_table_has_ratios_shares_and_the_quickest(tmp_path):
    rate = {"device": "x", "side": 8, "float32": 100.0, "bfloat16": 400.0, "case": "c", "card": "x"}
    own = {"work": "w", "dtype": "float32", "ms": 2.0, "flops": 1e11, "card": "x"}
    peers = [
        {"work": "w", "peer": mode, "ms": ms, "card": "x"}
        for mode, ms in (("eager", 8.0), ("graph", 4.0), ("graph, bfloat16", 1.0))
    ]
    shown = table.speed([rate, own, *peers])
    assert "| x | w | float32 |  | 2 |  | 50 | 0.5 | 0.5 |  |" in shown  # 50 TFLOP/s, 2 / 4 ms
    whole = {"card": "x", "pair": "p", "trials": 8, "contraction": "to_y"}
    rows = [
        whole | {"layer": layer, "formulation": name, "ms": ms}
        for layer, name, ms in (("a", "one", 1.0), ("a", "two", 3.0), ("b", "one", 5.0))
    ]
    rows.append(rows[0] | {"layer": "b", "formulation": "two", "ms": 2.0})
    shown = table.convolutions(rows)
    assert "| x | p | 8 | 6 | 5 | 3 |" in shown
    assert "| x | p | 8 | b | to_y | 5 | 2 | two |" in shown


def test_the_peers_commands_run_in_one_process_and_one_may_fail(tmp_path):
    program = tmp_path / "peer.py"
    program.write_text(
        "import json, sys\nassert sys.argv[1] != '--bad', 'no such card'\n"
        "print(json.dumps({'batch': 8, 'images_per_s': 4000.0, 'gemm_gflops': 50.0}))\n"
    )
    found = list(peer.measure(str(program), {("w", "bad"): ["--bad"], ("w", "good"): ["--good"]}))
    assert found == [
        {"work": "w", "peer": "bad", "failed": "no such card"},
        {"work": "w", "peer": "good", "ms": 2.0, "examples_per_s": 4000.0, "gemm_tflops": 0.05},
    ]


def test_a_runs_figures_are_those_of_its_protocol():
    line = {"step": 9, "generator/loss": 1.0, "mnist_cnn_10k/frechet": 2.0, "mixture_2500/modes": 8}
    assert runs.figures(line) == {"mnist_cnn_10k/frechet": 2.0, "mixture_2500/modes": 8}


def test_a_round_is_timed_as_its_share_of_a_call_or_says_why_not():
    good, bad = Future(), Future()
    good.set_result(timing.Started(lambda: time.sleep(0.02), 10, 1.5))
    bad.set_exception(MemoryError())
    row = timing.measured(good)
    assert 2 <= row["ms"] < 20
    assert (row["rounds_per_dispatch"], row["first_call_s"]) == (10, 1.5)
    assert timing.measured(bad) == {"failed": "MemoryError()"}


def test_numbers_that_json_does_not_know_become_words():
    assert worker.finite({"a": [float("nan"), 1], "b": 0.5}) == {"a": ["nan", 1], "b": 0.5}


def test_a_stage_measures_on_a_cpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("XLA_FLAGS", "")
    files = {"parity": results.StageFile(tmp_path, "parity", "", tiny=True)}
    tasks = [scheduler.Task("parity", parity.cases(SETTINGS)[0])]
    end, said = time.monotonic() + 100, []
    scheduler.run(tasks, files, SETTINGS, machine=results.machine(), end=end, say=said.append)
    assert files["parity"].is_done("streams"), said
    assert all(row["holds"] for row in files["parity"].rows())
    assert "| uniform | yes | 0 | yes |" in table.markdown(files)


def test_the_command_leaves_what_does_not_fit(tmp_path):
    flags = [f"--out={tmp_path}", "--stages=parity", "--budget=1", "--tiny"]
    ended = program.run("experiments.device", *flags)
    assert "left for the next command: parity: streams" in ended.stdout
    assert (tmp_path / "table.md").exists()

"""The command that measures a device: what it compares, how it goes on, and failures."""

import json
import os
import signal
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
    bars,
    convolutions,
    parity,
    peer,
    published,
    results,
    runs,
    scheduler,
    stages,
    table,
    timing,
    worker,
)
from experiments.device.case import Case, Settings, Unfinished
from gan_jax.core.errors import InputError
from gan_jax.core.files import Damaged
from gan_jax.core.signals import StopRequest
from gan_jax.sweep.vmapped import VmappedTrials

SETTINGS = Settings(tiny=True, peer="")
MACHINE = {"card": "a card", "driver": "1", "versions": {"jax": "0"}, "date": "2026-01-01"}
FAKE_STAGE = '''"""Ways to end."""
import os, time
from pathlib import Path
from experiments.device.case import Unfinished

def measure(name, settings):
    yield {"value": 1.5, "case": name}
    if name == "long":
        kept = Path(settings.out, "kept")
        if not kept.exists():
            kept.touch()
            raise Unfinished("half of it is done")
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

    def measure(*names, seconds=100.0, resumable=False):
        file = results.StageFile(tmp_path, "stage", "as told", tiny=True)
        cases = [Case(name, 1.0, resumable=resumable) for name in names]
        tasks = [scheduler.Task("stage", case) for case in cases]
        tasks = [task for task in tasks if not file.is_done(task.case.name)]
        end = time.monotonic() + seconds
        left = scheduler.run(
            tasks,
            {"stage": file},
            SETTINGS._replace(out=str(tmp_path)),
            machine=MACHINE,
            end=end,
            say=lambda line: None,
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


def test_what_was_begun_goes_on(fake):
    first, left = fake("long", "fine", resumable=True)
    assert left == ["long"]
    assert first["cases"]["long"]["status"] == "begun"
    assert first["cases"]["long"]["why"] == "half of it is done"
    assert first["cases"]["long"]["rows"] == [{"value": 1.5, "case": "long"}]
    second, left = fake("long", "fine", resumable=True)
    assert not left
    assert second["cases"]["long"]["status"] == "done"


def test_a_method_goes_on_where_it_was_stopped_and_ends_as_if_it_had_not_been(
    tmp_path, monkeypatch
):
    end = time.monotonic() + 600
    whole, parts = (
        SETTINGS._replace(out=str(tmp_path / name), end=end) for name in ("whole", "parts")
    )
    (expected,) = published.measure(published.TINY, whole)
    assert (expected["trials"], expected["rounds"]) == (2, 100)
    assert (expected["part"], expected["their modes"]) == (100 / 400_000, 6.3)

    step = VmappedTrials.step

    def step_and_stop(self, trials, first):
        os.kill(os.getpid(), signal.SIGTERM)
        return step(self, trials, first)

    with monkeypatch.context() as patch:
        patch.setattr(VmappedTrials, "step", step_and_stop)
        stopped = published.measure(published.TINY, parts)
        assert next(stopped)["rounds"] == 50
        with pytest.raises(Unfinished, match="50% trained, saved"):
            next(stopped)
    (found,) = published.measure(published.TINY, parts)
    minutes = ("minutes", "minutes_for_all")
    assert found["minutes"] > 0
    assert {name: found[name] for name in found if name not in minutes} == {
        name: expected[name] for name in expected if name not in minutes
    }


def test_a_job_is_asked_to_stop_when_the_time_is_over():
    with StopRequest() as stop, published._stopping(time.monotonic() + 0.05):
        assert not stop.signal
        end = time.monotonic() + 10
        while not stop.signal and time.monotonic() < end:
            time.sleep(0.01)
    assert stop.signal == "SIGTERM"
    with StopRequest() as stop, published._stopping(time.monotonic() + 0.05):
        pass
    time.sleep(0.1)
    assert not stop.signal


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


def test_every_bar_has_its_figure_or_says_that_there_is_none():
    nothing = {name: [] for name in stages.NAMES}
    assert {row["measured"] for row in bars.table(nothing)} == {"not measured yet"}
    card = {"card": "x"}
    speed = [
        {"work": "dcgan 128/64", "dtype": "float32", "ms": 1.2},
        {"work": "dcgan 128/64", "dtype": "float32", "ms": 1.0},
        {"work": "dcgan 128/64", "dtype": "bfloat16", "ms": 0.1},
        {"work": "dcgan 128/64", "peer": "eager, TF32", "ms": 8.0},
        {"work": "dcgan 128/64", "peer": "graph, TF32", "ms": 2.0},
        {"work": "dcgan 128/64", "peer": "graph, TF32, bfloat16", "ms": 0.5},
        {"work": "ring 512/128", "peer": "graph, TF32", "ms": 0.5},
        {"device": "y", "float32": 1.0},
    ]
    side = [
        {"work": "ring", "trials": 16, "ms": 1.0, "trials_x_rounds_per_s": 16_000.0},
        {"work": "ring", "trials": 128, "ms": 2.0, "trials_x_rounds_per_s": 64_000.0},
        {"work": "ring", "trials": 4096, "failed": "out of memory"},
        {"work": "MNIST pair", "trials": 1, "ms": 1.0, "trials_x_rounds_per_s": 1000.0},
        {"work": "MNIST pair", "trials": 64, "ms": 6.4, "trials_x_rounds_per_s": 10_000.0},
    ]
    mnist_run = {"run": "mnist", "seconds": 59.0, "mnist_cnn_10k/frechet": 40.0}
    done = [
        {"protocol": protocol, "method": method, "part": 1.0, "minutes": 0.5}
        for protocol, methods in bars.IN_FULL.items()
        for method in range(methods)
    ]
    found = nothing | {
        "speed": [row | card for row in speed],
        "side_by_side": [row | card for row in side],
        "runs": [mnist_run | card],
        "published": [row | card for row in done],
    }
    rows = bars.table(found)
    assert [row["measured"] for row in rows] == pytest.approx([0.5, 32, 10, 59, 5])
    assert [row["holds"] for row in rows] == [True, False, False, True, True]
    found["published"][0]["part"] = 0.5
    found["runs"][0]["mnist_cnn_10k/frechet"] = 50.0
    assert [row["measured"] for row in bars.table(found)][3:] == 2 * ["not measured yet"]


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
    shown = table.markdown(files)
    assert "| uniform | yes | 0 | yes |" in shown
    assert shown.count("not measured yet") == len(bars.BARS)


def test_the_command_leaves_what_does_not_fit(tmp_path):
    flags = [f"--out={tmp_path}", "--stages=parity", "--budget=1", "--tiny"]
    ended = program.run("experiments.device", *flags)
    assert "left for the next command: parity: streams" in ended.stdout
    assert (tmp_path / "table.md").exists()

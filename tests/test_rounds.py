"""Several rounds in one dispatch are the same rounds, and end where something is due."""

import jax
import numpy as np
import pytest

from gan_jax.core.errors import InputError
from gan_jax.report.recorder import Recorder, read_rows
from gan_jax.run import rounds, train
from gan_jax.run.intervals import next_time
from gan_jax.run.workdir import Workdir


@pytest.mark.parametrize(("devices", "k"), [(1, 1), (1, 2), (2, 2)])
def test_a_loop_runs_the_rounds_that_single_dispatches_run(start, devices, k):
    parts = start({"schedule.discriminator": k}, devices=devices)
    one_by_one, last = parts.train(5)
    examples = parts.devices.replicate(parts.examples)
    run_rounds = rounds.make_rounds(parts.phases, parts.devices, parts.batches, examples)
    state, measured = run_rounds(parts.devices.replicate(parts.state), 0)
    state, measured = run_rounds(state, 1, 4)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5), state, one_by_one)
    for name, values in measured.items():
        assert values.shape == (4,)
        np.testing.assert_allclose(values[-1], last[name], rtol=1e-4, atol=1e-6)


def test_a_cpu_plays_one_round_a_dispatch_unless_asked_for_more(start):
    parts = start()
    assert rounds.rounds_per_dispatch(0, parts.phases, parts.devices) == 1
    assert rounds.rounds_per_dispatch(7, parts.phases, parts.devices) == 7


def test_an_accelerator_loops_over_more_but_not_of_rounds_that_are_many_dispatches(
    start, monkeypatch
):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    parts, long = start(), start({"schedule.discriminator": 9})
    assert rounds.rounds_per_dispatch(0, parts.phases, type(parts.devices)()) > 1
    assert rounds.rounds_per_dispatch(0, long.phases, type(parts.devices)()) == 1
    with pytest.raises(InputError, match=r"config.train.rounds_a_dispatch.*2"):
        rounds.rounds_per_dispatch(2, long.phases, long.devices)


def test_dispatches_end_at_the_next_multiple_of_any_interval_or_at_the_end():
    ends, step = [], 0
    while step < 23:
        step = next_time(step, [5, 8], 23)
        ends.append(step)
    assert ends == [5, 8, 10, 15, 16, 20, 23]


def test_a_run_of_loops_writes_the_rows_of_a_run_of_single_rounds(tiny, tmp_path):
    rows = {}
    for asked in (1, 4):
        overrides = {"train.rounds_a_dispatch": asked, "train.steps": 9, "log.every": 3}
        overrides |= {"eval.protocol": "mixture_2500"}
        folder = str(tmp_path / str(asked))
        train.Run(tiny(overrides), folder).train()
        rows[asked] = read_rows(Workdir(folder).metrics)
    assert [row["step"] for row in rows[4]] == [row["step"] for row in rows[1]]
    for found, expected in zip(rows[4], rows[1], strict=True):
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_rows_of_a_loop_are_numbered_and_only_its_last_is_written(tmp_path):
    lines = Recorder(tmp_path / "metrics.jsonl", tmp_path / "events", step=0)
    lines.add(3, {"loss": np.arange(3.0)}, logged=True)
    lines.add(5, {"loss": np.arange(3.0, 5.0)}, logged=False)
    lines.settle()
    lines.close()
    assert read_rows(tmp_path / "metrics.jsonl") == [{"step": 3, "loss": 2.0}]
    assert lines.latest == {"step": 5, "loss": 4.0}

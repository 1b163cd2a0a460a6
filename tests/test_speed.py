"""The timed work is what it says, and what a process keeps is where it should be."""

import json
import math
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from program import QUICKLY, REPOSITORY

from experiments.speed import parts, works
from gan_jax.config.setup import build, ema_decay
from gan_jax.core import process

W, H = 64, 32
DENSE, UP1, UP2, IMAGE = (100 * 49 * 2 * W, 16 * 4 * W * W, 16 * 2 * W * W, 9 * W)
BIASES, NORMS = 49 * 2 * W + 2 * W + W + 1, 2 * (2 * W + 2 * W + W)
SIZES = {
    "dcgan": (
        DENSE + UP1 + UP2 + IMAGE + BIASES + NORMS,
        16 * W + 16 * 2 * W * W + 49 * 2 * W + W + 2 * W + 1,
    ),
    "ring": (16 * W + W * W + 2 * W + 2 * W + 2, 2 * W + W * W + W + 2 * W + 1),
    "pacgan": (
        2 * W + 3 * W * W + 2 * W + 4 * W + 2 + 4 * 2 * W,
        5 * (2 * H + 2 * H * H + 3 * H) + H + 1,
    ),
}


def size(params):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("work", works.WORKS)
def test_the_networks_are_those_of_the_work(work):
    config = works.WORKS[work].config(128, W)
    state = build(config, works.data_spec(work)).first_state()
    found = tuple(size(player.params) for player in (state.generator, state.discriminator))
    assert found == SIZES[work]
    decay = ema_decay(config.ema.half_life, 128)
    assert decay == pytest.approx(works.EMA_DECAY if work != "pacgan" else 0, rel=1e-6)


def test_the_ring_is_drawn_afresh_every_round():
    seen = []
    step_on = works.with_fresh_points(lambda state, points, indices: seen.append(points.x))
    state = build(works.WORKS["ring"].config(4000, 4), works.data_spec("ring")).first_state()
    for step in (0, 1):
        step_on(state.replace(step=np.int32(step)), None, np.zeros((1, 4000), np.int32))
    assert not np.allclose(*seen)
    radii = np.linalg.norm(seen[0], axis=1)
    assert np.mean(radii) == pytest.approx(1, abs=1e-3)
    assert np.std(radii) == pytest.approx(0.01, rel=0.1)
    angles = np.arctan2(seen[0][:, 1], seen[0][:, 0]) * 4 / np.pi
    assert np.bincount(np.round(angles).astype(int) % 8).min() > 400


@pytest.mark.parametrize(("name", "block"), [("project", 10), ("trials", 800)])
def test_a_contestant_times_the_rounds_that_it_is_told_to_run(name, block):
    ended = subprocess.run(
        [sys.executable, "-m", "experiments.speed.contestant", name, "ring", "8", "4"],
        input=f"{2 * block}\n{block}\n",
        cwd=REPOSITORY,
        env=os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": " ".join(QUICKLY)},
        capture_output=True,
        text=True,
        check=True,
    )
    ready, *answers = ended.stdout.splitlines()
    assert ready == "ready"
    assert [len(json.loads(times)) for times in answers] == [2, 1]
    assert min(min(json.loads(times)) for times in answers) > 0


def test_every_part_of_the_round_takes_its_time():
    found = parts.measure("ring", 8, 4)
    assert len(found) == 7
    assert min(found.values()) > 0


def test_programs_are_kept_in_the_users_cache_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    for given, expected in ((None, str(tmp_path / "gan_jax" / "programs")), ("mine", "mine")):
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", given or "")
        if given is None:
            monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
        process.keep_programs()
        assert os.environ["JAX_COMPILATION_CACHE_DIR"] == expected


def test_freed_memory_is_not_given_back():
    """In a process of its own: the setting is for good."""
    script = (
        "import numpy as np, pathlib\n"
        "from gan_jax.core import process\n"
        "def resident(): return int(pathlib.Path('/proc/self/statm').read_text().split()[1])\n"
        "{}\n"
        "block = np.ones(2**25)\n"
        "before = resident()\n"
        "del block\n"
        "print(before - resident())\n"
    )
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("no /proc here to read the resident memory from")
    given_back = [
        int(subprocess.check_output([sys.executable, "-c", script.format(call)], cwd=REPOSITORY))
        for call in ("", "process.keep_memory()")
    ]
    assert given_back[0] > 50_000  # pages
    assert given_back[1] < 1_000

"""Image trials side by side: each is what it is alone, and is measured as it is alone."""

import json

import jax
import numpy as np
import program
import pytest
from ml_collections import ConfigDict
from trials import assert_each_is_alone, side_by_side

from configs import mnist
from gan_jax import data, latent
from gan_jax.config.hyperparameters import structure
from gan_jax.data import Dataset
from gan_jax.examples import IMAGE
from gan_jax.report.recorder import read_rows
from gan_jax.run.restore import restore
from gan_jax.sweep import run_parts
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import Job
from gan_jax.sweep.rows import read
from gan_jax.sweep.run_job import run_job
from gan_jax.sweep.study import TrialConfig
from gan_jax.sweep.vmapped import VmappedTrials

ROUNDS = 2


def both(name: str) -> list[str]:
    return [f"optim.{player}.{name}" for player in ("generator", "discriminator")]


def small(**overrides) -> ConfigDict:
    config = mnist.get_config()
    config.update_from_flattened_dict(
        {
            "data.image_size": 8,
            "model.latent": 3,
            "model.generator.width": 2,
            "model.discriminator.width": 2,
            "model.discriminator.kernel": 3,
            **dict.fromkeys(both("decay"), "constant"),
            # Adam would make as much of a bias's gradient before a normalization, which is nothing
            # but rounding, as of any other.
            **dict.fromkeys(both("name"), "momentum"),
            "train.batch_size": 4,
            "train.steps": ROUNDS,
            "eval.every": ROUNDS,
            "eval.protocol": "mnist_cnn_1k",
        }
        | overrides
    )
    return config


@pytest.fixture(scope="module")
def digits():
    """Images of noise with labels, which the shipped classifier is said to know."""
    rng = np.random.default_rng(0)
    train, test = (rng.integers(256, size=(num, 8, 8, 1), dtype=np.uint8) for num in (24, 550))
    labels = [{"label": rng.integers(10, size=len(x)).astype(np.int32)} for x in (train, test)]
    return Dataset("mnist", "made", IMAGE, train, test, *labels, classifier="mnist_cnn")


# What the trials have in common, and the two values of each number that differs.
ALIKE = {
    "by turns, with batch normalization and dropout": (
        {"penalty.name": "gradient", "augment.policy": "translation"},
        {
            "seed": (0, 7),
            "schedule.discriminator": (2, 1),
            "schedule.generator": (1, 2),
            **dict.fromkeys(both("learning_rate"), (0.02, 0.05)),
            **dict.fromkeys(both("momentum"), (0.5, 0.9)),
            "penalty.weight": (1.0, 10.0),
            "augment.probability": (0.3, 0.9),
            "smoothing": (0.1, 0.2),
            "noise.deviation": (0.1, 0.3),
            "ema.half_life": (24, 48),
        },
    ),
    "several discriminators, spectral norm and classes": (
        {
            "model.discriminator.norm": "spectral",
            "model.discriminator.count": 2,
            "model.classes": 10,
            "model.conditioning": "auxiliary",
            "penalty.name": "r1",
        },
        {
            "seed": (3, 4),
            "model.auxiliary_weight": (0.5, 2.0),
            "model.generator.initial_scale": (0.5, 1.5),
            **dict.fromkeys(both("clip"), (0.1, 0.3)),
        },
    ),
}


def configs_of(case: str) -> list[ConfigDict]:
    shared, numbers = ALIKE[case]
    configs = [
        small(**shared, **{name: values[trial] for name, values in numbers.items()})
        for trial in range(2)
    ]
    assert structure(configs[0]) == structure(configs[1])
    return configs


def test_an_image_trial_is_what_it_is_alone(digits):
    """Also where they take turns."""
    configs = configs_of("by turns, with batch normalization and dropout")
    assert_each_is_alone(configs, digits, side_by_side(VmappedTrials(configs, digits)))


@pytest.fixture(scope="module")
def ended(digits):
    """Trials of classes, their programs, and where they stand at their common end."""
    configs = configs_of("several discriminators, spectral norm and classes")
    side = VmappedTrials(configs, digits)
    trials, steps = side.start(), 0
    while steps < side.steps:
        trials, steps = side.step(trials, steps)
    return configs, side, trials


def test_so_is_one_of_several_discriminators_and_classes(ended, digits):
    configs, side, trials = ended
    host = side.to_host(trials).state
    finals = {at: jax.tree.map(lambda leaf, at=at: leaf[at], host) for at in range(len(configs))}
    assert_each_is_alone(configs, digits, finals)


def test_a_job_leaves_work_directories_that_measure_as_its_rows(
    ended, digits, tmp_path, monkeypatch
):
    """Each is probed, sampled and evaluated as a run's; rows and folder tell the same."""
    configs, side, trials = ended
    monkeypatch.setattr(run_parts, "VmappedTrials", lambda *_: side)
    monkeypatch.setattr(data, "load", lambda _: digits)
    job = Job("job", tuple(TrialConfig(*each) for each in enumerate(configs)), vmapped=True)
    place = JobFolder(tmp_path)
    run_job(job, place, lambda folder: {"probed": latent.load(folder).step + 0.5}, most=2)
    rows, _ = read(place.rows)
    for trial, row in zip(job.trials, rows, strict=True):
        assert row["trial"] == trial.digest
        assert row["probed"] == ROUNDS + 0.5
        folder = tmp_path / job.run(trial)
        host = jax.tree.map(lambda leaf, at=trial.number: leaf[at], side.to_host(trials).state)
        jax.tree.map(np.testing.assert_array_equal, restore(folder).state, host)
        (picture,) = (folder / "samples").iterdir()
        assert picture.name == f"{ROUNDS:06d}.png"
        (line,) = read_rows(folder / "metrics.jsonl")
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["results"] == line
        assert line.items() <= row.items()
    with program.loaded("gan_jax.evaluate", f"--workdir={folder}") as evaluate:
        again = json.loads(evaluate.measure(str(folder)))
    measured = ("mnist_cnn_1k/", "discriminator/accuracy", "generator/as_asked")
    found = {name: row[name] for name in row if name.startswith(measured)}
    assert len(found) > 10
    assert found == pytest.approx({name: again[name] for name in found}, rel=2e-3, abs=2e-3)

"""Trials side by side: each is what it is alone, and nothing is lost or run twice."""

import copy
import re

import numpy as np
import pandas as pd
import program
import pytest
from ml_collections import ConfigDict
from trials import alone, assert_each_is_alone, side_by_side

from configs import ring_plain
from gan_jax import data
from gan_jax.config.hyperparameters import numbers, structure
from gan_jax.config.setup import build
from gan_jax.core.errors import InputError
from gan_jax.metrics import PROTOCOLS
from gan_jax.run.diagnosis import make_diagnosis
from gan_jax.run.sampling import make_sampler
from gan_jax.sweep import jobs, run_parts
from gan_jax.sweep.jobs import existing_job, most_side_by_side, programs, rounds, split_into_jobs
from gan_jax.sweep.results import collect
from gan_jax.sweep.run_job import JobFolder, run_job
from gan_jax.sweep.study import TrialConfig, load, matching
from gan_jax.sweep.trial_schedule import TrialSchedule, steps_per_dispatch
from gan_jax.sweep.vmapped import VmappedTrials

ROUNDS = 6


def small(**overrides) -> ConfigDict:
    config = ring_plain.get_config()
    for player in ("generator", "discriminator"):
        config.model[player].depth, config.model[player].width = 1, 8
        config.optim[player].decay = "constant"
    config.model.latent = 3
    config.train.batch_size = 12
    config.train.steps = ROUNDS
    config.eval.every = 3
    config.update_from_flattened_dict(overrides)
    return config


@pytest.fixture(scope="module")
def points():
    return data.load(ring_plain.get_config().data)


def specs(*overrides) -> list[TrialConfig]:
    return [TrialConfig(number, small(**each)) for number, each in enumerate(overrides)]


@pytest.fixture(scope="module")
def job():
    """Three trials: one that diverges beside one that does not, and one of twice their length."""
    deep = dict.fromkeys(("model.generator.depth", "model.discriminator.depth"), 2)
    falling = {"seed": 1, "optim.generator.learning_rate": 1e18}  # overflows in two layers
    trials = specs(*(deep | own for own in ({"seed": 0}, falling, {"train.steps": 2 * ROUNDS})))
    (job,) = split_into_jobs(trials, most=3)
    return job


@pytest.fixture(scope="module")
def side(job, points):
    """The job's trials, whose programs all that train them share."""
    return VmappedTrials([trial.config for trial in job.trials], points)


def both(name: str) -> list[str]:
    return [f"optim.{player}.{name}" for player in ("generator", "discriminator")]


# What the trials have in common, and the two values of each number that differs.
ALIKE = {
    "adam": (
        {"penalty.name": "gradient"},
        {
            "seed": (0, 2**32 - 1),
            "schedule.discriminator": (3, 1),
            "schedule.generator": (1, 2),
            **dict.fromkeys(both("learning_rate"), (1e-3, 3e-3)),
            **dict.fromkeys(both("b1"), (0.5, 0.9)),
            **dict.fromkeys(both("b2"), (0.9, 0.99)),
            **dict.fromkeys(both("clip"), (0.1, 0.3)),
            **dict.fromkeys(both("clip_weights"), (0.5, 0.3)),
            **dict.fromkeys(both("stop"), (4, 5)),
            "model.generator.initial_scale": (0.5, 1.5),
            "penalty.weight": (1.0, 10.0),
            "smoothing": (0.1, 0.2),
            "noise.deviation": (0.1, 0.3),
            "ema.half_life": (24, 48),
        },
    ),
    "a ratio where the generator takes reals": (
        {"loss": "relativistic_pairing"},
        {"schedule.discriminator": (1, 3), "schedule.generator": (2, 1)},
    ),
    "a ratio of many updates that all share": (
        {"schedule.discriminator": 9, "loss": "relativistic_pairing"},
        {"seed": (3, 4)},
    ),
    "momentum, codes and classes": (
        {
            **dict.fromkeys(both("name"), "momentum"),
            "model.codes.categories": 3,
            "model.classes": 8,
            "model.conditioning": "auxiliary",
        },
        {
            **dict.fromkeys(both("momentum"), (0.5, 0.9)),
            "model.codes.weight": (0.5, 2.0),
            "model.auxiliary_weight": (0.5, 2.0),
        },
    ),
    "lookahead": (
        {"schedule.scheme": "lookahead", "schedule.lookahead_rounds": 2},
        {"schedule.lookahead_share": (0.2, 0.7)},
    ),
    "consensus": ({"schedule.scheme": "consensus"}, {"schedule.consensus_weight": (1.0, 5.0)}),
    "symplectic": ({"schedule.scheme": "symplectic"}, {"schedule.symplectic_weight": (0.1, 1.0)}),
}


@pytest.mark.parametrize("case", ALIKE)
def test_a_trial_is_what_it_is_alone(case, points):
    shared, numbers_of = ALIKE[case]
    configs = [
        small(**shared, **{name: values[trial] for name, values in numbers_of.items()})
        for trial in range(2)
    ]
    assert structure(configs[0]) == structure(configs[1])
    assert_each_is_alone(configs, points, side_by_side(VmappedTrials(configs, points)))


def test_each_number_is_tried():
    """But for the probability of augmentation, which points have none of."""
    tried = set().union(*(numbers_of for _, numbers_of in ALIKE.values()))
    on = small(**{name: values[0] for name, values in ALIKE["adam"][1].items()})
    assert numbers(on).keys() - tried == {"augment.probability"}


def test_what_is_measured_of_a_trial_is_what_is_measured_of_it_alone(job, side, points):
    """Also beside one that diverges."""
    trials, steps = side.start(), 0
    while steps < ROUNDS:
        trials, steps = side.step(trials, steps)
    (first, row), (second, fallen), (third, _) = side.evaluate(trials, steps)
    assert (first, second, third) == (0, 1, 2)
    assert row.pop("diverged_at") == -1
    assert 1 <= fallen["diverged_at"] <= 3
    assert not np.isfinite(fallen["generator/loss"])
    assert fallen["mixture_2500/modes"] == 0

    config = job.trials[0].config
    state, setup = alone(config, points), build(config, points)
    sample = make_sampler(setup.game)
    protocol = PROTOCOLS["mixture_2500"]
    batches = (batch.x for batch in sample(state.generator_variables(), protocol.num, config.seed))
    expected = {
        **make_diagnosis(setup, points)(state),
        **{
            f"mixture_2500/{name}": value
            for name, value in protocol.measure(batches, protocol.reference(points)).items()
        },
        "step": ROUNDS,
        "generator/updates": ROUNDS,
        "discriminator/updates": ROUNDS,
    }
    assert row == pytest.approx(expected, rel=2e-3, abs=1e-5)


# Schedules


class Counted:
    """Batches whose indices tell their number."""

    def indices(self, update, count):
        return np.arange(update, update + count)[:, None]


def schedule(steps, with_batches, batches=1, every=2, total=5):
    return TrialSchedule(Counted(), steps, with_batches, batches, every, total)


def test_rounds_take_their_batches_one_after_the_other():
    assert [schedule(1, 1, batches=2).indices(step).ravel().tolist() for step in range(3)] == [
        [0, 1],
        [2, 3],
        [4, 5],
    ]


def test_by_turns_only_updates_that_take_reals_take_a_batch():
    taken = [schedule(3, 2).indices(step).item() for step in range(6)]
    assert [taken[step] for step in (0, 1, 3, 4)] == [0, 1, 2, 3]
    assert [schedule(3, 3).indices(step).item() for step in range(6)] == [0, 1, 2, 3, 4, 5]


def test_a_trial_is_due_at_the_ends_of_its_own_rounds():
    one = schedule(3, 2)
    assert [steps for steps in range(30) if steps and one.is_due(steps)] == [6, 12, 15]
    assert list(one.evaluation_steps()) == [6, 12, 15]
    assert steps_per_dispatch([one]) == 3
    assert steps_per_dispatch([one, schedule(1, 1, every=50, total=100)]) == 1
    assert steps_per_dispatch([schedule(1, 1, every=200, total=400)]) == 50


# Jobs


def test_what_differs_in_numbers_is_one_job_and_what_differs_in_structure_is_not():
    trials = specs(
        {"seed": 0},
        {"seed": 1, "schedule.discriminator": 2},
        {"loss": "hinge"},
        {"train.steps": 12},
        {"smoothing": 0.1},
        {"optim.generator.decay": "cosine"},
        {"optim.generator.decay": "cosine", "train.steps": 12},
    )
    found = split_into_jobs(trials, most=2)
    assert [[trial.number for trial in job.trials] for job in found] == [
        [0, 1],
        [3],
        [2],
        [4],
        [5],
        [6],
    ]
    assert rounds(trials) == 7 * ROUNDS + 2 * 6
    assert programs(found) == 6
    assert [job.name for job in split_into_jobs(trials, most=2)] == [job.name for job in found]
    renamed = split_into_jobs([*trials[:2], *specs({"loss": "least_squares"})], most=2)
    assert renamed[0].name == found[0].name
    assert renamed[1].name != found[2].name


def test_long_trials_of_one_ratio_are_a_program_of_their_own(monkeypatch):
    ratios = [(1, 1), (2, 1), (1, 1), (4, 1), (1, 4)]
    names = ("schedule.discriminator", "schedule.generator")
    trials = specs(*(dict(zip(names, ratio, strict=True)) for ratio in ratios))
    for pays, expected in (
        (2 * ROUNDS, [[0, 2], [1, 3, 4]]),
        (2 * ROUNDS + 1, [[0, 1, 2, 3, 4]]),
        (ROUNDS, [[0, 2], [1], [3], [4]]),
    ):
        monkeypatch.setattr(jobs, "RATIO_PAYS", pays)
        found = split_into_jobs(trials)
        assert [[trial.number for trial in job.trials] for job in found] == expected


@pytest.mark.parametrize(
    ("most", "accelerated", "images", "some_points"),
    [
        (None, False, [(1, False)] * 3, [(3, True)]),  # of a CPU each image trial takes it all
        (None, True, [(3, True)], [(3, True)]),
        (2, False, [(2, True), (1, True)], [(2, True), (1, True)]),
        (1, True, [(1, False)] * 3, [(1, True)] * 3),
    ],
)
def test_what_is_side_by_side(most, accelerated, images, some_points, tmp_path):
    for name, expected in (("mnist", images), ("ring", some_points)):
        trials = specs(*({"data.name": name, "seed": seed} for seed in range(3)))
        found = split_into_jobs(trials, most, accelerated=accelerated)
        assert [(len(job.trials), job.vmapped) for job in found] == expected
        for job in found:
            place = JobFolder(tmp_path / job.name)
            place.assign(job.trials, vmapped=job.vmapped)
            assert existing_job(place, job.trials) == job


def test_how_many_are_side_by_side_is_a_number_or_auto():
    assert most_side_by_side("auto") is None
    assert most_side_by_side("64") == 64
    for wrong in ("0", "-1", "many", "1.5", ""):
        with pytest.raises(InputError, match=f"^--side_by_side={wrong}: must be auto or a whole"):
            most_side_by_side(wrong)


def test_a_job_goes_on_where_it_stood(job, side, tmp_path, monkeypatch):
    def anew(configs, dataset, later):
        """The trials as a process of their own would make them, but for compiling."""
        assert configs == [trial.config for trial in job.trials]
        return copy.copy(side)

    monkeypatch.setattr(run_parts, "VmappedTrials", anew)
    monkeypatch.setattr(run_parts, "SECONDS_A_CHECKPOINT", 0)
    whole, broken = JobFolder(tmp_path / "whole"), JobFolder(tmp_path / "broken")
    run_job(job, whole)
    evaluated = []
    evaluate = VmappedTrials.evaluate

    def fail_at_the_third(self, trials, steps):
        evaluated.append(steps)
        if len(evaluated) == 3:
            raise ZeroDivisionError
        return evaluate(self, trials, steps)

    monkeypatch.setattr(VmappedTrials, "evaluate", fail_at_the_third)
    with pytest.raises(ZeroDivisionError):
        run_job(job, broken)
    assert not broken.done.exists()
    run_job(job, broken)
    assert evaluated == [3, 6, 9, 9, 12]
    run_job(job, broken)
    assert len(evaluated) == 5
    assert broken.rows.read_text() == whole.rows.read_text()
    saved = [
        {one.name: one.read_bytes() for one in job.samples.iterdir()} for job in (broken, whole)
    ]
    assert saved[0] == saved[1]
    assert len(set(saved[0].values())) == 3
    assert broken.share() == whole.share() == 1
    table = collect(job.trials, [broken])
    assert table[["trial", "step"]].to_numpy().tolist() == [
        [0, 3],
        [0, 6],
        [1, 3],
        [1, 6],
        [2, 3],
        [2, 6],
        [2, 9],
        [2, 12],
    ]
    assert table["seed"].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert (table[table.trial == 1].diverged_at > 0).all()


# Studies

STUDY = """
'''A question.'''
from configs import ring_plain
from gan_jax.study.report import Claim, Report

def get_config():
    config = ring_plain.get_config()
    config.model.generator.width = config.model.discriminator.width = 8
    config.model.generator.depth = config.model.discriminator.depth = 1
    config.optim.generator.decay = config.optim.discriminator.decay = "constant"
    config.train.batch_size, config.train.steps, config.eval.every = 16, 20, 10
    return config

def sweep(add):
    for loss in ("hinge", "wasserstein"):
        for seed in range(3):
            add(seed=seed, loss=loss)

def report(results):
    modes = results["mixture_2500/modes"].max()
    return Report("T", "A question.", Claim("C0", "One."), "None.", f"{modes} modes", "undecided")
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(STUDY)
    return path


def test_a_study_from_the_command_line(study, tmp_path):
    flags = (f"--workdir={tmp_path}/out", "--filter=loss=hinge")
    # Two jobs, and the study wherever it stands among the flags.
    slurm = (*flags, "--side_by_side=2", "--dry_run", "--runner=slurm", f"--config={study}")
    said = program.run("gan_jax.sweep", *slurm).stdout
    assert said.startswith("3 trials, 60 rounds: 2 jobs, 0 of them runs of their own, 2 programs")
    assert "#SBATCH --array=0-1" in said
    assert said.count("--filter=loss=hinge") == 2
    assert not (tmp_path / "out").exists()
    process = program.start("gan_jax.sweep", str(study), *flags, quickly=True)
    program.wait_for(lambda: [*(tmp_path / "out").glob("study/*/toy.py")], process)
    study.write_text("a typo, saved while it runs")
    ended = program.finish(process)
    assert ended.returncode == 0, ended.stderr
    study.write_text(STUDY)
    table = pd.read_parquet(tmp_path / "out" / "results.parquet")
    assert table[["trial", "step"]].to_numpy().tolist() == [
        [trial, step] for trial in range(3) for step in (10, 20)
    ]
    assert pd.read_csv(tmp_path / "out" / "results.csv").shape == table.shape
    said = (tmp_path / "out" / "report.md").read_text()
    assert "3, 60 rounds" in said
    assert f"python -m gan_jax.sweep {study} --workdir={tmp_path}/out" in said.replace("\\", "")
    (rows,) = (tmp_path / "out" / "jobs").glob("*/rows.jsonl")
    before = rows.stat().st_mtime_ns
    said = program.run("gan_jax.sweep", str(study), *flags).stdout
    assert "3 of 3 trials are done: 0 to 2" in said
    assert rows.stat().st_mtime_ns == before
    other = program.run("gan_jax.sweep", str(study), flags[0], code=2).stderr
    assert "holds another study: filter loss=hinge there, none now" in other


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("loss=loss", "lost=loss", "config.lost=hinge: no such field"),
        ("seed=seed", "seed='a'", "config.seed=a: must be a whole number"),
        ("seed=seed", "seed=-1", "config.seed=-1: must be from 0"),
        ("loss=loss", "loss=loss[1:]", "config.loss=inge: unknown, did you mean hinge"),
        ("def sweep", "def sweeps", "has no function sweep"),
        ("for seed in range(3)", "for seed in ()", "has no trials"),
    ],
)
def test_a_study_that_cannot_be_used_is_refused(study, old, new, message):
    study.write_text(STUDY.replace(old, new))
    config = ring_plain.get_config()
    with pytest.raises(InputError, match=message):
        load(study, config)


def test_no_study(tmp_path):
    with pytest.raises(InputError, match=r"study=.*: must be a Python file"):
        load(tmp_path / "nothing.py", ring_plain.get_config())


def test_trials_are_chosen_by_their_fields(study):
    trials = load(study, ring_plain.get_config()).trials
    assert [one.number for one in matching(trials, "seed=1")] == [1, 4]
    assert [one.number for one in matching(trials, "seed=1,seed=2,loss=hinge")] == [1, 2]
    for wanted, message in (("seed=7", "no trial"), ("seed", "KEY=VALUE"), ("sed=1", "KEY=VALUE")):
        with pytest.raises(InputError, match=f"^--filter={wanted}: .*{message}"):
            matching(trials, wanted)


# Two runs on images, the second of which diverges.
PROBED = """
'''A question.'''
import json
from configs import mnist
from gan_jax.study.report import Claim, Report, Section

def get_config():
    config = mnist.get_config()
    config.data.source, config.eval.protocol, config.eval.diagnostics = "embedded", "none", False
    config.model.generator.width = config.model.discriminator.width = 4
    config.model.discriminator.kernel = 3
    config.train.batch_size, config.train.steps, config.eval.every = 16, 4, 2
    return config

def sweep(add):
    add(seed=5)
    add(**{"seed": 6, "optim.generator.learning_rate": 1e18})

def probe(folder):
    with open(folder / "probed", "a") as file:
        file.write("once")
    summary = json.loads((folder / "summary.json").read_text())
    return {"twice the seed": 2 * summary["config"]["seed"], "unknown": float("nan")}

def report(results):
    own = Section("Its own", f"{results['twice the seed'].sum():g} in all")
    return Report("T", "A question.", Claim("C0", "One."), "None.", "?", "undecided", "", [own])

def exhibit(folders):
    return [
        Section(f"Trial {trial}", "probed" if (folder / "probed").exists() else "not probed")
        for trial, folder in folders.items()
    ]
"""


def test_runs_that_were_trained_are_probed_and_all_are_exhibited(tmp_path):
    path, out = tmp_path / "probed.py", tmp_path / "out"
    path.write_text(PROBED)
    flags = (str(path), f"--workdir={out}", "--parallel=2")
    for _ in range(2):  # the second time there is nothing left to probe
        said = program.run("gan_jax.sweep", *flags, code=1, quickly=True).stderr
        fell = r"trial 1 \(seed=6, optim.generator.learning_rate=1e\+18\) in round \d"
        assert re.search(f"^error: 1 of 2 trials diverged: {fell}$", said, re.MULTILINE)
    table = pd.read_parquet(out / "results.parquet")
    ends = table.groupby("trial").step.transform("max") == table.step
    assert table[ends & (table.trial == 0)]["twice the seed"].tolist() == [10]
    assert table["twice the seed"].count() == 1  # no other row, and not the run that diverged
    assert table[table.trial == 1].diverged_at.max() > 0
    assert table[table.trial == 0].step.tolist() == [2, 4]
    assert "unknown" not in table  # what is not finite is not noted
    assert [path.read_text() for path in out.glob("jobs/*/run/probed")] == ["once"]
    said = (out / "report.md").read_text()
    parts = ["## Its own\n\n10 in all", "## Trial 0\n\nprobed", "## Trial 1\n\nnot probed"]
    assert [part in said for part in parts] == [True] * 3
    assert sorted(parts, key=said.index) == parts

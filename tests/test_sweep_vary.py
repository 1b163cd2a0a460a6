"""A sweep by flags: what they mean and refuse, and one from the command line to its report."""

import re

import numpy as np
import pandas as pd
import program
import pytest

from configs import ring_plain
from gan_jax.core.errors import InputError
from gan_jax.sweep import identity
from gan_jax.sweep.study import load
from gan_jax.sweep.vary import combinations, fields

RING = program.REPOSITORY / "configs" / "ring_plain.py"
RATE = "optim.generator.learning_rate"


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        (f"{RATE}=1e-4,1e-3", [1e-4, 1e-3]),
        (f"{RATE}=1", [1.0]),
        (f"{RATE}=1e-4:1e-2:log:5", [1e-4, 0.000316227766017, 1e-3, 0.00316227766017, 1e-2]),
        (f"{RATE}=1e-2:1e-4:log:3", [1e-2, 1e-3, 1e-4]),
        ("optim.generator.b1=0:0.9:4", [0, 0.3, 0.6, 0.9]),
        ("optim.generator.b1=0:0.2:2,0.9", [0, 0.2, 0.9]),
        ("model.generator.width=32:256:log:4", [32, 64, 128, 256]),
        ("train.steps=1e4,2_000", [10_000, 2_000]),
        ("loss=hinge,wasserstein", ["hinge", "wasserstein"]),
        ("eval.diagnostics=true,false", [True, False]),
        ("augment.policy='translation,cutout',cutout,", ["translation,cutout", "cutout", ""]),
        ("augment.policy=", [""]),
        ("data.raw_dir=C:a:b", ["C:a:b"]),
    ],
)
def test_the_values_of_a_field_are_of_its_type(flag, expected):
    (key,) = fields([flag])
    read = [each[key] for each in combinations([flag], None)]
    assert read == expected
    assert {type(value) for value in read} == {type(expected[-1])}


def test_trials_are_all_combinations_with_the_seeds_side_by_side():
    made = combinations(["loss=hinge,wasserstein", "schedule.discriminator=1,5"], "2")
    assert made == [
        {"loss": loss, "schedule.discriminator": k, "seed": seed}
        for loss in ("hinge", "wasserstein")
        for k in (1, 5)
        for seed in (0, 1)
    ]
    assert combinations([], "3,5,7") == [{"seed": 3}, {"seed": 5}, {"seed": 7}]
    assert combinations([], None) == []


@pytest.mark.parametrize(
    ("flags", "seeds", "message"),
    [
        (["loss"], None, "--vary=loss: must be KEY=VALUE,VALUE,…"),
        (["optim.generator.lr=1"], None, f"--vary=optim.generator.lr=1: no such .* config.{RATE}"),
        (["model.generator.width=1.5"], None, "generator.width=1.5: must be a whole number"),
        (["model.generator.width=0:1:5"], None, "generator.width=0.25: must be a whole number"),
        ([f"{RATE}=fast"], None, f"--vary={RATE}=fast: must be a number"),
        ([f"{RATE}="], None, f"--vary={RATE}=: must be a number"),
        (["eval.diagnostics=maybe"], None, "diagnostics=maybe: must be true or false"),
        (["loss=hinge,hinge"], None, "--vary=loss=hinge,hinge: hinge is there twice"),
        (["train.steps=1e3,1000"], None, "--vary=train.steps=1e3,1000: 1000 is there twice"),
        (["loss=hinge", "loss=minimax"], None, "--vary=loss=minimax: loss is varied twice"),
        (["augment.policy='a,b"], None, "can't be split: quote a value as a whole"),
        ([f"{RATE}=1:2"], None, f"--vary={RATE}=1:2: a range is LOW:HIGH:NUM or LOW:HIGH:log:NUM"),
        ([f"{RATE}=1:2:lin:3"], None, "a range is LOW:HIGH:NUM or LOW:HIGH:log:NUM"),
        ([f"{RATE}=1:2:0"], None, "1:2:0: a range has from 2 to 10,000 values, not 0"),
        ([f"{RATE}=1:1:3"], None, "1:1:3: the ends of a range are two different numbers"),
        ([f"{RATE}=0:1:log:3"], None, "the ends of a logarithmic range are above 0"),
        ([], "0", "--seeds=0: from 1 to 10,000"),
        ([], "1.5", "--seeds=1.5: must be a whole number"),
        ([], "3,3", "--seeds=3,3: 3 is there twice"),
        (["seed=1,2"], "2", "--seeds=2: --vary varies the seed too: give one of them"),
    ],
)
def test_flags_that_cannot_be_used_are_refused(flags, seeds, message):
    with pytest.raises(InputError, match=message.replace("…", ".")) as caught:
        combinations(flags, seeds)
    assert "\n" not in str(caught.value)


def test_what_has_one_value_for_all_cannot_be_varied():
    with pytest.raises(InputError, match=r"^--config.loss=hinge: is varied too"):
        combinations(["loss=hinge,minimax"], None, {"loss": "hinge"})


def test_a_config_file_becomes_a_study():
    made = combinations([f"{RATE}=1e-3,1e-2"], "2")
    study = load(RING, ring_plain.get_config(), made)
    assert [str(trial) for trial in study.trials[1:3]] == [
        f"trial 1 ({RATE}=0.001, seed=1)",
        f"trial 2 ({RATE}=0.01, seed=0)",
    ]
    assert study.report is None
    with pytest.raises(InputError, match=f"^config.{RATE}=-1.0: must be above 0.*, in trial 0"):
        load(RING, ring_plain.get_config(), combinations([f"{RATE}=-1"], None))


def test_a_file_has_trials_of_its_own_or_of_flags(tmp_path):
    with pytest.raises(InputError, match=r"has no function sweep; of a config file say what to "):
        load(RING, ring_plain.get_config())
    study = tmp_path / "own.py"
    study.write_text("def sweep(add):\n    add()\n")
    with pytest.raises(InputError, match="has trials of its own: --vary and --seeds are for"):
        load(study, ring_plain.get_config(), [{"seed": 1}])
    assert load(study, ring_plain.get_config()).report is None


def test_without_a_report_all_trials_have_one_protocol(tmp_path):
    with pytest.raises(
        InputError, match=r"^config.eval.protocol=mixture_2500,none: .*ring_plain.py has"
    ):
        load(RING, ring_plain.get_config(), combinations(["eval.protocol=mixture_2500,none"], None))


def test_a_folder_is_of_the_fields_that_are_varied_whatever_their_values(tmp_path):
    def whose(*flags):
        study = load(RING, ring_plain.get_config(), combinations(flags, "2"))
        return identity.identity(RING, "", [], study.trials, fields(flags))

    identity.record_identity(tmp_path, whose("loss=hinge"))
    changed = identity.refuse_other(tmp_path, whose("loss=hinge,minimax"))
    assert changed == "the study has changed: 2 of its 4 trials are new, 0 are gone, 2 are kept"
    with pytest.raises(InputError, match="overrides --vary=loss there, --vary=smoothing now"):
        identity.refuse_other(tmp_path, whose("smoothing=0.1"))


def test_a_sweep_from_the_command_line(tmp_path):
    flags = (
        *program.RING[1:],
        *(f"--vary={RATE}=1e-3,1e18", "--seeds=2", f"--workdir={tmp_path}/out"),
        *("--config.train.steps=20", "--config.eval.every=10", "--config.train.batch_size=16"),
    )
    ended = program.run("gan_jax.sweep", str(RING), *flags, code=1, quickly=True).stderr
    assert re.search(r"^error: 2 of 4 trials diverged: trial 2 .* in round \d", ended, re.MULTILINE)
    table = pd.read_parquet(tmp_path / "out" / "results.parquet")
    assert table[table.step == 20][[RATE, "seed"]].to_numpy().tolist() == [
        [rate, seed] for rate in (1e-3, 1e18) for seed in (0, 1)
    ]
    said = (tmp_path / "out" / "report.md").read_text()
    assert "2 of 4 trials diverged." in said
    assert "comes first, not for certain: modes" in said
    figures = sorted(path.name[3:] for path in (tmp_path / "out" / "figures").iterdir())
    measures = ("modes", "high_quality", "reverse_kl", "covariance_ratio")
    assert figures == sorted(
        ["samples-ring.png"]
        + [f"{name}-by-generator-learning_rate.png" for name in measures]
        + [f"{name}-of-every-trial.png" for name in measures]
    )
    saved = [np.load(path) for path in (tmp_path / "out" / "jobs").glob("*/samples/*.npy")]
    assert [samples.shape for samples in saved] == [(2000, 2)] * 4
    more = [flag.replace("1e-3,", "1e-3:1e-1:log:3,") for flag in flags]
    plan = program.run("gan_jax.sweep", str(RING), *more, "--dry_run").stdout
    assert "the study has changed: 4 of its 8 trials are new, 0 are gone, 4 are kept" in plan
    assert "4 of 8 trials are done: 0 to 1, 6 to 7" in plan

"""The one check of a run's config, and what it warns of."""

import importlib

import jax
import numpy as np
import pytest
import shipped

from gan_jax.config.checks import CHOICES, checked
from gan_jax.config.fields import INT32, RULES
from gan_jax.config.pitfalls import PITFALLS, momentum, warnings
from gan_jax.core.errors import InputError
from gan_jax.game.losses import LOSSES
from gan_jax.run.train import Run


@pytest.mark.parametrize("name", ["base", *shipped.RUNS])
def test_shipped_configs_pass_and_fall_into_no_pit(name):
    config = checked(importlib.import_module(f"configs.{name}").get_config())
    assert warnings(config) == []


WRONG = {  # from Python: one wrong field, and what the error begins with
    "los": ("hinge", r"config\.los=hinge: no such field, did you mean config\.loss\?"),
    "loss": ("hing", r"config\.loss=hing: unknown, did you mean hinge\? choose from "),
    "optim.generator.learning_rate": (-1.0, r"config\.optim\.generator\.learning_rate=-1\.0: must"),
    "optim.discriminator.name": (
        "adm",
        r"config\.optim\.discriminator\.name=adm: unknown, did you",
    ),
    "train.steps": (1.5, r"config\.train\.steps=1\.5: must be a whole number"),
    "augment.policy": ("cutuot", r"config\.augment\.policy=cutuot: unknown, did you mean cutout"),
    "model.classes": (10, r"config\.model\.classes=10: nobody is told of them"),
    "eval.protocol": ("fid", r"config\.eval\.protocol=fid: unknown"),
    "model.generator.norm": (
        "bn",
        r"config\.model\.generator\.norm=bn: unknown, did you mean batch",
    ),
}


def with_value(config, key, value):
    *groups, name = key.split(".")
    group = config
    for part in groups:
        group = group[part]
    with group.ignore_type():
        group[name] = value
    return config


@pytest.mark.parametrize("key", WRONG)
def test_a_run_from_python_is_checked_before_it_touches_its_folder(tiny, tmp_path, key):
    value, message = WRONG[key]
    with pytest.raises(InputError, match=f"^{message}"):
        Run(with_value(tiny(), key, value), str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_labels_are_smoothed_only_where_there_are_any(tiny):
    with pytest.raises(InputError, match=r"^config\.smoothing=0\.1: hinge has no labels"):
        checked(tiny({"loss": "hinge", "smoothing": 0.1}))


@pytest.mark.parametrize("key", CHOICES)
def test_every_choice_is_checked(tiny, key):
    with pytest.raises(InputError, match=rf"^config\.{key}=quux: unknown, choose from "):
        checked(with_value(tiny(), key, "quux"))


def test_every_field_that_names_a_choice_is_checked_somewhere():
    # data.source and data.data_dir depend on the set, optimizers may be optax's.
    elsewhere = {"data.source", "data.data_dir"}
    elsewhere |= {f"optim.{player}.name" for player in ("generator", "discriminator")}
    named = {key for key in RULES if RULES[key].says == "must name a choice"}
    assert named == CHOICES.keys() | elsewhere


def test_a_loss_of_ones_own_is_a_choice(tiny, monkeypatch):
    monkeypatch.setitem(LOSSES, "mine", LOSSES["hinge"])
    assert checked(tiny({"loss": "mine"})).loss == "mine"


CRITIC = {"loss": "wasserstein", "model.discriminator.norm": "none"}
FALLS = [  # overrides, and the start of the only warning
    ({**CRITIC, "model.discriminator.norm": "batch", "penalty.name": "gradient"}, "penalty.name="),
    (CRITIC, "loss=wasserstein, config.penalty.name=none: nothing bounds"),
    (
        {
            **CRITIC,
            "optim.discriminator.clip_weights": 0.01,
            "optim.discriminator.name": "adam",
            "optim.discriminator.b1": 0.5,
        },
        "loss=wasserstein, config.optim.discriminator.name=adam",
    ),
    ({"loss": "minimax"}, "loss=minimax: the generator's gradient vanishes"),
    (
        {"model.name": "dcgan", "optim.generator.name": "adam", "optim.generator.b1": 0.9},
        "optim.generator.b1=0.9",
    ),
    ({"loss": "relativistic_pairing"}, "loss=relativistic_pairing, config.penalty.name=none"),
]
SAFE = [
    {**CRITIC, "model.discriminator.norm": "layer", "penalty.name": "gradient"},
    {**CRITIC, "optim.discriminator.clip_weights": 0.01, "optim.discriminator.name": "rmsprop"},
    {**CRITIC, "model.discriminator.norm": "spectral"},
    {"loss": "minimax", "schedule.scheme": "unrolled"},
    {"loss": "relativistic_pairing", "penalty.name": "r1_r2"},
]


@pytest.mark.parametrize(("overrides", "start"), FALLS)
def test_what_papers_warn_of_is_said_in_one_line(tiny, overrides, start):
    (line,) = warnings(checked(tiny(overrides)))
    assert line.startswith(f"warning: config.{start}")
    assert "\n" not in line
    assert "arXiv:" in line


def test_every_pitfall_is_tried():
    assert len(FALLS) == len(PITFALLS)


@pytest.mark.parametrize("overrides", SAFE)
def test_the_way_out_is_not_warned_of(tiny, overrides):
    assert warnings(checked(tiny(overrides))) == []


@pytest.mark.parametrize(
    ("name", "expected"), [("adam", 0.5), ("momentum", 0.25), ("rmsprop", 0.25), ("adagrad", 0.0)]
)
def test_momentum_is_that_of_the_optimizer(tiny, name, expected):
    own = {"name": name, "b1": 0.5, "momentum": 0.25}
    config = tiny({f"optim.generator.{field}": value for field, value in own.items()})
    assert momentum(config.optim.generator) == expected


def test_the_largest_values_allowed_are_no_trouble_to_a_program(start):
    """Those of the fields that are no sizes: a round is traced, as it is before it is compiled."""
    limits = {"train.steps": 10**9, "penalty.every": 2**24, "ema.half_life": 10**15}
    limits |= dict.fromkeys(["augment.images", "noise.updates", "optim.generator.stop"], INT32)
    for key, value in limits.items():
        assert RULES[key].holds(value)
        assert not RULES[key].holds(value + 1)
    choices = {
        "penalty.name": "lecam",
        "noise.deviation": 0.1,
        "augment.policy": "contrast",
        "augment.target": 0.6,
        "optim.generator.decay": "cosine",
        "optim.discriminator.decay": "linear",
    }
    parts = start(limits | choices, shape=(4, 4, 1))
    (phase,) = parts.phases
    indices = np.zeros((phase.batches, 8), np.int32)
    state, _ = jax.eval_shape(phase.step, parts.state, parts.examples, indices)
    assert state.step.dtype == parts.state.step.dtype


def test_updates_that_cannot_be_counted_are_refused(start):
    with pytest.raises(
        InputError, match=r"^config\.train\.steps=1000000000: .* 100,000,000,000 up"
    ):
        start({"train.steps": 10**9, "schedule.generator": 100})

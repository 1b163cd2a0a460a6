"""A run with rules of its own is sampled and measured where nobody knows them."""

import contextlib
import json

import numpy as np
import optax
import program
import pytest

from gan_jax import latent
from gan_jax.core.errors import InputError
from gan_jax.game.augment import AUGMENTATIONS
from gan_jax.game.averages import AVERAGES
from gan_jax.game.losses import LOSSES
from gan_jax.game.optimizers import DECAYS, OPTIMIZERS
from gan_jax.game.penalties import PENALTIES
from gan_jax.game.schemes import SCHEMES
from gan_jax.run.restore import restore
from gan_jax.run.stand_ins import STAND_INS, known, own_parts, unknown
from gan_jax.run.train import Run
from gan_jax.run.workdir import Workdir

# A choice of each table, as a user would add it; their states are not those of the stand-ins.
OWN = {
    "loss": (LOSSES, LOSSES["least_squares"]),
    "penalty.name": (PENALTIES, PENALTIES["lecam"]),
    "schedule.scheme": (SCHEMES, SCHEMES["lookahead"]),
    "ema.kind": (AVERAGES, AVERAGES["uniform"]),
    "optim.generator.name": (OPTIMIZERS, optax.adam),
    "optim.discriminator.name": (OPTIMIZERS, optax.rmsprop),
    "optim.generator.decay": (DECAYS, DECAYS["linear"]),
    "optim.discriminator.decay": (DECAYS, DECAYS["linear"]),
    "augment.policy": (AUGMENTATIONS, AUGMENTATIONS["contrast"]),
}
SMALL = {"eval.protocol": "mixture_2500", "train.steps": 2, "model.generator.norm": "none"}


RULES = [key for key in OWN if key != "augment.policy"]  # that is for images


@pytest.fixture(scope="module")
def made_known():
    """A context in which the run's own rules are known."""

    @contextlib.contextmanager
    def context(keys=RULES):
        with pytest.MonkeyPatch.context() as patch:
            for table, choice in (OWN[key] for key in keys):
                patch.setitem(table, "mine", choice)
            yield

    return context


@pytest.fixture(scope="module")
def folder(tiny, made_known, tmp_path_factory):
    """The folder of a finished run whose rules nobody knows any more."""
    folder = tmp_path_factory.mktemp("own") / "run"
    with made_known():
        Run(tiny(SMALL | dict.fromkeys(RULES, "mine")), str(folder)).train()
    return folder


@pytest.fixture
def measure(folder):
    """What `gan_jax.evaluate` measures of the run."""
    with program.loaded("gan_jax.evaluate", f"--workdir={folder}") as evaluate:
        yield lambda **more: json.loads(evaluate.measure(str(folder), **more))


def test_it_is_measured_as_it_was_in_its_run(folder, measure):
    row = measure()
    scores = {key: value for key, value in row.items() if key.startswith("mixture_2500/")}
    assert scores
    assert scores.items() <= json.loads(Workdir(folder).summary.read_text())["results"].items()
    assert "discriminator/accuracy_held_out" not in row, "what a logit means is not known"
    (line,) = Workdir(folder).evaluations.read_text().splitlines()[-1:]
    assert json.loads(line) == row


@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_its_generator_is_read(folder, weights):
    space = latent.load(folder, weights=weights)
    assert np.all(np.isfinite(space.generate(space.draw(3).z)))


def test_what_the_state_holds_of_its_rules_stays_as_it_was_saved(folder):
    state = restore(folder).state
    assert {"real", "fake"} <= state.discriminator.model_state["penalty"].keys()
    assert isinstance(state.generator.opt_state, dict)
    assert state.memory


def test_diagnostics_need_the_rules(measure, made_known):
    with pytest.raises(InputError, match=r"^config\.[a-z.]+=mine: unknown, .*choose from"):
        measure(diagnostics=True)
    with made_known():
        row = measure(diagnostics=True)
    assert {"generator/saturation", "generator/gradient_cosine", "discriminator/loss"} <= row.keys()
    assert row["discriminator/accuracy_held_out"] >= 0


@pytest.mark.parametrize("key", STAND_INS)
def test_a_choice_that_is_unknown_has_a_stand_in(tiny, made_known, key):
    config = tiny({key: "mine"})
    assert unknown(config) == [key]
    assert unknown(known(config)) == []
    assert own_parts(config) == {STAND_INS[key].holds} - {()}
    with made_known([key]):
        assert unknown(config) == []
        assert known(config) is config

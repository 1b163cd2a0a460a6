"""What the parts of a player's loss add up to, and that devices share what concerns the batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.core.streams import example_keys, root, stream
from gan_jax.data.batches import Examples
from gan_jax.examples import POINT
from gan_jax.game.auxiliary_losses import classification_loss, information_loss
from gan_jax.game.losses import LOSSES
from gan_jax.game.objectives import AGGREGATES, Game
from gan_jax.game.penalties import PENALTIES, WeightedPenalty
from gan_jax.game.prior import Prior
from gan_jax.models.output import DiscriminatorOutput

KEY = root(5)


class Scaled:
    """A generator: the latents times a parameter."""

    def apply(self, variables, z, condition, **kwargs):
        return variables["params"] * z[:, :2], {}


class Heads:
    """A discriminator with every head: each is linear in the example."""

    def apply(self, variables, x, condition, **kwargs):
        p = variables["params"]
        class_logits, codes = x @ p["class_logits"], x @ p["codes"]
        collections = {name: value for name, value in variables.items() if name != "params"}
        return DiscriminatorOutput(x @ p["logit"], class_logits, codes), collections


def params():
    draw = np.random.default_rng(0).normal
    return {
        "logit": draw(size=2).astype(np.float32),
        "class_logits": draw(size=(2, 4)).astype(np.float32),
        "codes": draw(size=(2, 4)).astype(np.float32),
    }


def game(**changes):
    fields = {
        "loss": LOSSES["non_saturating"],
        "prior": Prior(2, classes=4, categories=3, continuous=1),
        "batch_size": 6,
        "kind": POINT,
        "auxiliary_weight": 0.5,
        "information_weight": 2.0,
    }
    return Game(Scaled(), Heads(), **fields | changes)


REALS = Examples(
    np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32),
    {"label": np.arange(6, dtype=np.int32) % 4},
)


def fakes():
    inputs = game().prior.draw(example_keys(stream(KEY, "latents"), 6))
    output, _ = Heads().apply({"params": params()}, 1.5 * inputs.z[:, :2], None)
    return output, inputs


def test_the_generators_loss_holds_its_fakes_classes_and_codes():
    output, inputs = fakes()
    loss, _ = game().generator_objective(1.5, {}, {"params": params()}, None, KEY)
    expected = (
        np.mean(np.log1p(np.exp(-output.logits)))
        + 0.5 * np.mean(classification_loss(output, inputs.condition["label"]))
        + 2.0 * np.mean(information_loss(output, inputs.condition))
    )
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_the_discriminators_loss_holds_the_reals_classes_too_and_the_penalty():
    fake, inputs = fakes()
    real, _ = Heads().apply({"params": params()}, REALS.x, None)
    rules = game(penalty=WeightedPenalty(PENALTIES["r1"], 3.0))
    loss, (_, measured) = rules.discriminator_objective(params(), {}, {"params": 1.5}, REALS, KEY)
    squared_norm = np.sum(params()["logit"] ** 2)
    expected = (
        np.mean(np.log1p(np.exp(-real.logits)) + np.log1p(np.exp(fake.logits)))
        + 0.5 * np.mean(classification_loss(fake, inputs.condition["label"]))
        + 0.5 * np.mean(classification_loss(real, REALS.condition["label"]))
        + 2.0 * np.mean(information_loss(fake, inputs.condition))
        + 3.0 * squared_norm / 2
    )
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    assert measured["penalty"] == pytest.approx(1.5 * squared_norm, rel=1e-5)


class Several:
    """Two discriminators, logits of factors times the first coordinate."""

    def apply(self, variables, x, condition, **kwargs):
        return DiscriminatorOutput(variables["params"][:, None] * x[:, 0]), {}


@pytest.mark.parametrize("name", AGGREGATES)
def test_several_discriminators_are_weighed_for_the_generator_and_learn_alone(name):
    factors = np.array([0.5, -2.0], np.float32)
    rules = game(prior=Prior(2), aggregate=AGGREGATES[name])._replace(discriminator=Several())
    x = 1.5 * rules.prior.draw(example_keys(stream(KEY, "latents"), 6)).z[:, 0]
    losses = np.mean(np.log1p(np.exp(-factors[:, None] * x)), axis=1)
    weights = {
        "mean": np.full(2, 0.5),
        "hardest": (losses == losses.max()).astype(float),
        "softmax": np.exp(losses) / np.sum(np.exp(losses)),
    }[name]
    loss, _ = rules.generator_objective(1.5, {}, {"params": factors}, None, KEY)
    assert loss == pytest.approx(weights @ losses, rel=1e-5)

    def of_discriminators(factors):
        return rules.discriminator_objective(factors, {}, {"params": 1.5}, REALS, KEY)[0]

    together = jax.grad(of_discriminators)(factors)
    alone = [jax.grad(of_discriminators)(factors[k : k + 1])[0] for k in range(2)]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


EVERYTHING = {
    "loss": "relativistic_average",
    "penalty.name": "dragan",
    "penalty.every": 2,
    "noise.deviation": 0.1,
    "noise.updates": 3,
    "model.codes.categories": 3,
    "model.codes.continuous": 1,
}


# A second round lets a small difference grow: batch normalization of four packs is touchy.
@pytest.mark.parametrize(
    ("choices", "rounds"),
    [
        (EVERYTHING, 3),
        (
            {
                "penalty.name": "lecam",
                "model.discriminator.pack": 2,
                "model.discriminator.count": 2,
            },
            1,
        ),
    ],
    ids=["everything", "packs"],
)
def test_one_and_four_devices_agree(start, choices, rounds):
    (alone, of_alone), (together, of_together) = (
        start(choices, devices=devices).train(rounds) for devices in (1, 4)
    )
    for one, other in ((alone, together), (of_alone, of_together)):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(
                np.asarray(a, np.float64), np.asarray(b, np.float64), rtol=2e-3, atol=1e-4
            ),
            jax.device_get(one.replace(key=jnp.zeros(2)) if hasattr(one, "key") else one),
            jax.device_get(other.replace(key=jnp.zeros(2)) if hasattr(other, "key") else other),
        )


def test_what_the_discriminator_remembers_is_its_own(start):
    """The generator's updates use it and leave it as it is."""
    parts = start(EVERYTHING | {"augment.policy": ""})
    before = parts.state.discriminator.model_state
    assert {"preprocessing", "penalty"} <= before.keys()
    of_generator, gradient = jax.jit(
        lambda state, reals: (
            parts.updates.generator_gradient(state, reals),
            parts.updates.discriminator_gradient(state, reals),
        )
    )(parts.state, _reals(parts))
    state, _ = parts.updates.update_generator(parts.state, of_generator)
    assert state.discriminator is parts.state.discriminator
    after = gradient.model_state
    assert after["preprocessing"]["updates"] == after["penalty"]["updates"] == 1


def _reals(parts):
    return Examples(parts.examples.x[:8])

"""The discriminator's accuracy, and how much of its gradient reaches the generator."""

import jax
import jax.numpy as jnp

from gan_jax.data.batches import Examples
from gan_jax.game.objectives import Game
from gan_jax.game.schemes.updates import round_key, update_key
from gan_jax.game.state import GANState


def accuracies(
    game: Game, state: GANState, reals: Examples, held_out: Examples
) -> dict[str, jax.Array]:
    """Shares [] in [0, 1] that the discriminator classifies rightly in evaluation: with running
    statistics, without dropout, noise and augmentation.

    A share of training examples far above that of held-out ones is an overfitted discriminator.

    Args:
        game: The rules. The logit `game.loss.threshold` is undecided, and counts as wrong.
        state: The state.
        reals: Training examples [N, ...].
        held_out: Held-out examples [M, ...].

    Returns:
        `train`, `held_out`, and `generated`: of `game.batch_size` fresh fakes of the generator
        itself, not of its average, in training mode. Several discriminators' answers are averaged;
        of packs, packs are counted.
    """
    batch = jax.tree.map(lambda leaf: leaf[: game.batch_size], reals)
    fakes, *_ = game.fakes(state.generator.variables, round_key(state, "diagnostics"), batch)

    def certainty(examples: Examples) -> jax.Array:
        return (
            game.discriminate_in_evaluation(state.discriminator.variables, examples).logits
            - game.loss.threshold
        )

    return {
        "train": jnp.mean(certainty(reals) > 0),
        "held_out": jnp.mean(certainty(held_out) > 0),
        "generated": jnp.mean(certainty(fakes) < 0),
    }


def saturation(game: Game, state: GANState, reals: Examples | None) -> jax.Array:
    """The mean derivative [] of the generator's per-example loss by the fake's logit.

    It is the slope of the generator's loss when all fake logits rise together, and as a rule
    negative: -sigmoid(logit) of the minimax loss, near 0 where the discriminator is sure of the
    fakes, and -sigmoid(-logit) of the non-saturating one, near -1 there. Of several discriminators
    it is that of their aggregated loss, the logits of all of them rising; of a loss that takes
    the batch's mean logit, that rises along.

    Source: Arjovsky and Bottou, 2017, arXiv:1701.04862, section 2.2.

    Args:
        game: The rules.
        state: The state; the noise is that of the generator's next turn.
        reals: A batch, or None unless the game's `generator_takes_reals`.
    """
    real, fake, inputs, _ = game.generator_forward(
        state.generator.variables,
        state.discriminator.variables,
        reals,
        update_key(state, "generator"),
    )

    def loss(rise: jax.Array) -> jax.Array:
        return game.generator_loss(real, fake._replace(logits=fake.logits + rise), inputs)

    return jax.grad(loss)(jnp.float32(0))

"""Why a GAN fails, measured from a state: its players' gradients, its discriminator's accuracy.

Pure functions of a state: they run under `jax.jit`, under `jax.vmap` over trials, and under a
mapped axis over which the batch is laid out.
"""

from collections.abc import Callable

import jax
from jax import lax

from gan_jax.data.batches import Examples
from gan_jax.diagnostics.discriminator import accuracies, saturation
from gan_jax.diagnostics.gradients import cosine, update_statistics
from gan_jax.game.schemes.updates import Updates
from gan_jax.game.state import GANState
from gan_jax.game.update import Measurements

__all__ = ["diagnose"]


def diagnose(
    updates: Updates,
    state: GANState,
    reals: Examples,
    held_out: Examples,
    next_round: Callable[[GANState], GANState],
) -> Measurements:
    """Numbers that tell saturation, an overfitted discriminator and rotation from each other.

    Losses and gradients are those of the players' next turns: with the noise of those turns, with
    penalties and terms, and for the discriminator the sum over several ones. None of the numbers
    need be finite where the state is not.

    Args:
        updates: Both players' gradients and updates.
        state: The state.
        reals: Training examples as `take` gives them [N, ...]. Losses and gradients are those of
            the first `updates.game.batch_size`, so N is at least that; all N are discriminated.
        held_out: Examples that nobody trained on, of any number M. N and M divide by the
            discriminator's pack. Each set is one batch, which counts where the
            discriminator compares the examples of a batch.
        next_round: The state a round later.

    Returns:
        float32 [], the means over `updates.game.axis_name` where there is one:
        `<player>/loss`.
        `<player>/gradient_norm`, and `<player>/gradient_norm/<module>` for the parameters of each
            top-level module of its network: l2 norms.
        `<player>/update_norm`: the l2 norm of what `next_round` changes of its parameters.
        `discriminator/accuracy_train`, `accuracy_held_out`, `accuracy_generated`: see `accuracies`.
        `generator/saturation`: see `saturation`.
        `generator/gradient_cosine`: in [-1, 1], between the generator's gradients at the state and
            a round later, of the same reals; 0 where one of them is 0.
    """
    game, after = updates.game, next_round(state)
    batch = jax.tree.map(lambda leaf: leaf[: game.batch_size], reals)
    shown = batch if game.generator_takes_reals else None
    gradients = {
        "generator": updates.generator_gradient(state, shown),
        "discriminator": updates.discriminator_gradient(state, batch),
    }
    later = updates.generator_gradient(after, shown)
    measured = {
        "generator/saturation": saturation(game, state, shown),
        "generator/gradient_cosine": cosine(gradients["generator"].params, later.params),
    }
    for name, gradient in gradients.items():
        statistics = update_statistics(gradient, getattr(state, name), getattr(after, name))
        measured |= {f"{name}/{number}": value for number, value in statistics.items()}
    for name, share in accuracies(game, state, reals, held_out).items():
        measured[f"discriminator/accuracy_{name}"] = share
    return measured if game.axis_name is None else lax.pmean(measured, game.axis_name)

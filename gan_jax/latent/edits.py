"""Latents moved along a direction: what moves with them, and whether the digit stays itself."""

from typing import NamedTuple

import jax
import numpy as np

from gan_jax.game.prior import Prior
from gan_jax.latent.measured_latents import MeasuredLatents, attributes_and_logits, over
from gan_jax.latent.space import Space
from gan_jax.study.statistics import Interval, interval, share

DEVIATIONS = {"normal": 1.0, "uniform": 3**-0.5, "sphere": 1.0}
"""Of one coordinate of the noise, by its distribution: the unit in which latents are moved."""


def move(
    prior: Prior, z: np.ndarray, direction: np.ndarray, amounts: np.ndarray, *, keep: bool = True
) -> np.ndarray:
    """z + a d for each amount a, by default brought back to where the prior has its latents.

    Args:
        prior: Of the latents.
        z: Latents [N, L].
        direction: A unit vector [L].
        amounts: [M], in standard deviations of a coordinate of the noise.
        keep: Whether the noise keeps its length, where the prior is normal or a sphere (in many
            dimensions both have hardly any latents of another length), or is clipped to [-1, 1],
            where it is uniform. Codes behind the noise are only moved.

    Returns:
        Latents [N, M, L], float32.
    """
    steps = DEVIATIONS[prior.distribution] * np.asarray(amounts)[:, None] * direction
    moved = z[:, None] + steps
    if keep:
        noise, before = moved[..., : prior.noise], z[:, None, : prior.noise]
        moved[..., : prior.noise] = _HELD[prior.distribution](noise, before)
    return moved.astype(np.float32)


def edit(
    space: Space,
    z: np.ndarray,
    direction: np.ndarray,
    amounts: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    keep: bool = True,
) -> np.ndarray:
    """What the generator makes of moved latents.

    Args:
        space: The generator's; its prior says how latents are kept.
        z: Latents [N, L].
        direction: A unit vector [L].
        amounts: [M], see `move`.
        labels: Classes int32 [N], if it takes any.
        keep: See `move`.

    Returns:
        Examples float32 [N, M, ...].
    """
    moved = move(space.prior, z, direction, amounts, keep=keep)
    (examples,) = over(_examples, (space.generate,), *_flat(moved, labels))
    return examples.reshape(*moved.shape[:2], *examples.shape[1:])


class Followed(NamedTuple):
    """Edits, read.

    Attributes:
        amounts: [M], see `move`; two different ones at least.
        values: The `ATTRIBUTES` [N, M, A] of the edited images.
        kept: Whether the classifier takes them for the digit that they were, bool [N, M].
    """

    amounts: np.ndarray
    values: np.ndarray
    kept: np.ndarray

    @property
    def slopes(self) -> np.ndarray:
        """What each attribute of each sample gains a unit of amount, by least squares: [N, A]."""
        centred = self.amounts - self.amounts.mean()
        return np.einsum("m,nma->na", centred, self.values) / np.sum(centred**2)


def follow(
    prior: Prior,
    sampled: MeasuredLatents,
    direction: np.ndarray,
    amounts: np.ndarray,
    *,
    keep: bool = True,
) -> Followed:
    """Move the latents of a sample and measure their images.

    Args:
        prior: Of the latents.
        sampled: The latents [N, L] to move, others than the direction was fitted to.
        direction: A unit vector [L].
        amounts: [M], two different ones at least, see `move`.
        keep: See `move`.
    """
    moved = move(prior, sampled.z, direction, amounts, keep=keep)
    values, logits = attributes_and_logits(
        sampled.generate, sampled.read, *_flat(moved, sampled.labels)
    )
    digits = np.argmax(logits, axis=1).reshape(moved.shape[:2])
    kept = digits == sampled.digits[:, None]
    return Followed(np.asarray(amounts), values.reshape(*kept.shape, -1), kept)


class Effect(NamedTuple):
    """What a direction does, with intervals of 95 % over the samples moved.

    Attributes:
        gains: Of each attribute, a unit of amount, in its own unit.
        kept: Share of the samples that are the same digit at all amounts.
        lead: How many times as far the attribute meant moves as the others do at the most, each in
            units of its `spread`: above 1 it is the one that moves.
    """

    gains: list[Interval]
    kept: Interval
    lead: float


def effect(followed: Followed, meant: int, spread: np.ndarray) -> Effect:
    """Sum edits up.

    Args:
        followed: The edits.
        meant: Number of the attribute that was to move.
        spread: Standard deviations of the attributes [A], to compare them by.
    """
    gains = [interval(gain) for gain in followed.slopes.T]
    kept = followed.kept.all(axis=1)
    moves = np.abs([gain.estimate for gain in gains]) / spread
    return Effect(
        gains=gains,
        kept=share(int(kept.sum()), len(kept)),
        lead=float(moves[meant] / np.delete(moves, meant).max()),
    )


def _flat(moved: np.ndarray, labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Latents [N, M, L] as [N M, L], and their labels [N] for each."""
    num, amounts, dimensions = moved.shape
    labels = None if labels is None else np.repeat(labels, amounts)
    return moved.reshape(num * amounts, dimensions), labels


def _of_length(moved: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Moved latents with the length that they had."""
    lengths = [np.linalg.norm(z, axis=-1, keepdims=True) for z in (before, moved)]
    return moved * lengths[0] / lengths[1]


def _in_box(moved: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Moved latents in [-1, 1]."""
    del before
    return np.clip(moved, -1, 1)


_HELD = {"normal": _of_length, "uniform": _in_box, "sphere": _of_length}


@jax.jit
def _examples(generate, z, labels):
    return (generate(z, labels),)

"""Penalties added to the discriminator's loss, on its gradients or on its logits."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.core.streams import example_keys, stream
from gan_jax.data.batches import Examples

Memory = dict[str, jax.Array]
LECAM_DECAY = 0.99  # of the averages of the logits, Tseng et al., 2021, section 3.3
DRAGAN_SPREAD = 0.5  # in standard deviations of the reals, Kodali et al., 2017, algorithm 1


class PenaltyInputs(NamedTuple):
    """What a penalty is a function of: a batch and the discriminator's answers.

    Attributes:
        discriminate: Examples [N, ...] to logits [..., N], with more than one axis for several
            discriminators; its statistics stay where they are.
        real: Preprocessed real examples.
        fake: Preprocessed fakes.
        real_logits: Its logits of them, [..., N].
        fake_logits: Likewise.
        key: For random points.
        axis_name: Mapped axis of the global batch, or None.
    """

    discriminate: Callable[[Examples], jax.Array]
    real: Examples
    fake: Examples
    real_logits: jax.Array
    fake_logits: jax.Array
    key: jax.Array
    axis_name: str | None

    def keys(self, name: str) -> jax.Array:
        """One key an example [N]."""
        return example_keys(stream(self.key, name), len(self.real.x), axis_name=self.axis_name)

    def mean(self, values: jax.Array, axis: int | None = None) -> jax.Array:
        """The mean over all values, or over one axis, of the global batch, as a constant."""
        mean = lax.stop_gradient(jnp.mean(values, axis=axis))
        return mean if self.axis_name is None else lax.pmean(mean, self.axis_name)


class Penalty(NamedTuple):
    """A penalty.

    Attributes:
        values: (inputs, memory) to (penalties [..., N], new memory).
        memory: What it remembers before the first update.
    """

    values: Callable[[PenaltyInputs, Memory], tuple[jax.Array, Memory]]
    memory: Mapping[str, float] = MappingProxyType({})


def squared_gradient_norms(
    discriminate: Callable[[Examples], jax.Array], points: Examples
) -> jax.Array:
    """The squared Euclidean norm of every logit's gradient in its own example.

    Args:
        discriminate: Examples [N, ...] to logits [..., N].
        points: The examples.

    Returns:
        [..., N]. Where batch statistics tie the examples together, the gradient of the sum of
        all logits is taken.
    """
    logits, pull = jax.vjp(lambda x: discriminate(points._replace(x=x)), points.x)
    if logits.ndim == 1:
        return _sum_of_squares(pull(jnp.ones_like(logits))[0])
    one_each = jnp.eye(len(logits), dtype=logits.dtype)[:, :, None] * jnp.ones_like(logits)
    return jax.vmap(lambda cotangent: _sum_of_squares(pull(cotangent)[0]))(one_each)


def _sum_of_squares(x: jax.Array) -> jax.Array:
    return jnp.sum(jnp.square(x), axis=range(1, x.ndim))


def _norms(squared: jax.Array) -> jax.Array:
    # The root's derivative at 0 is infinite, and a gradient of exactly 0 is where training starts
    # for a network that begins flat.
    flat = squared == 0
    return jnp.where(flat, 0, jnp.sqrt(jnp.where(flat, 1, squared)))


def interpolates(inputs: PenaltyInputs) -> Examples:
    """Points on the lines between pairs of a real and a fake, uniformly drawn, one a pair."""
    share = jax.vmap(jax.random.uniform)(inputs.keys("interpolates"))
    share = share.reshape(-1, *(1,) * (inputs.real.x.ndim - 1)).astype(inputs.real.x.dtype)
    return inputs.real._replace(x=share * inputs.real.x + (1 - share) * inputs.fake.x)


def perturbed_reals(inputs: PenaltyInputs) -> Examples:
    """Points around the reals: x + c std(x) u, u uniform in [0, 1) (Kodali et al., 2017)."""
    reals = inputs.real.x
    spread = jnp.sqrt(inputs.mean(jnp.square(reals)) - jnp.square(inputs.mean(reals)))
    shift = jax.vmap(lambda key: jax.random.uniform(key, reals.shape[1:]))(
        inputs.keys("surroundings")
    )
    return inputs.real._replace(x=reals + DRAGAN_SPREAD * spread * shift.astype(reals.dtype))


def two_sided(squared: jax.Array) -> jax.Array:
    """(|gradient| - 1)^2, from squared norms [..., N]; at least 0."""
    return jnp.square(_norms(squared) - 1)


def one_sided(squared: jax.Array) -> jax.Array:
    """max(0, |gradient| - 1)^2, from squared norms [..., N]; at least 0."""
    return jnp.square(jax.nn.relu(_norms(squared) - 1))


def half(squared: jax.Array) -> jax.Array:
    """|gradient|^2 / 2, from squared norms [..., N]; at least 0."""
    return squared / 2


def _at(
    points: Callable[[PenaltyInputs], Examples], cost: Callable[[jax.Array], jax.Array]
) -> Penalty:
    """A cost of the squared gradient norms at some points."""
    return Penalty(
        lambda inputs, memory: (
            cost(squared_gradient_norms(inputs.discriminate, points(inputs))),
            memory,
        )
    )


def at_reals_and_fakes(inputs: PenaltyInputs, memory: Memory) -> tuple[jax.Array, Memory]:
    """R1 + R2: |gradient|^2 / 2 at every real and at every fake, added pair by pair.

    Source: Mescheder et al., 2018, arXiv:1801.04406, section 4.1; together in Huang et al., 2024,
    arXiv:2501.05441, section 2.2.
    """
    of_reals, of_fakes = (
        squared_gradient_norms(inputs.discriminate, x) for x in (inputs.real, inputs.fake)
    )
    return half(of_reals) + half(of_fakes), memory


def lecam(inputs: PenaltyInputs, memory: Memory) -> tuple[jax.Array, Memory]:
    """max(0, D(x) - a_F)^2 + max(0, a_R - D(G(z)))^2, with moving averages a of D's logits.

    The averages take in this update's batch first, and are corrected for their short past: at the
    first update they are the batch's means. A real logit below the average fake, or a fake one
    above the average real, costs nothing. Several discriminators have averages of their own.

    Source: Tseng et al., 2021, arXiv:2104.03310, equation 2, with the one-sided terms and the
        averages of their code, github.com/google/lecam-gan, stylegan2/lecam_loss.py.
    """
    batches = memory["batches"] + 1
    # (1 - d) / (1 - d^t), the newest value's weight in an average corrected for its beginning at 0.
    newest = (1 - LECAM_DECAY) / -jnp.expm1(batches * math.log(LECAM_DECAY))
    real, fake = (
        memory[name] + newest * (inputs.mean(logits, axis=-1) - memory[name])
        for name, logits in (("real", inputs.real_logits), ("fake", inputs.fake_logits))
    )
    values = jnp.square(jax.nn.relu(inputs.real_logits - fake[..., None]))
    values += jnp.square(jax.nn.relu(real[..., None] - inputs.fake_logits))
    return values, {"real": real, "fake": fake, "batches": batches}


PENALTIES = {
    # Gulrajani et al., 2017, arXiv:1704.00028, equation 3 and, one-sided, section 4
    "gradient": _at(interpolates, two_sided),
    "one_sided_gradient": _at(interpolates, one_sided),
    # Thanh-Tung et al., 2019, arXiv:1902.03984, section 5.2; half of it here, as R1
    "zero_centred": _at(interpolates, half),
    # Mescheder et al., 2018, arXiv:1801.04406, equations 9 and 10
    "r1": _at(lambda inputs: inputs.real, half),
    "r2": _at(lambda inputs: inputs.fake, half),
    "r1_r2": Penalty(at_reals_and_fakes),
    # Kodali et al., 2017, arXiv:1705.07215, algorithm 1
    "dragan": _at(perturbed_reals, two_sided),
    "lecam": Penalty(lecam, {"real": 0.0, "fake": 0.0, "batches": 0.0}),
}


class WeightedPenalty(NamedTuple):
    """A penalty with its weight.

    Attributes:
        penalty: The penalty.
        weight: What it is multiplied with.
        every: It is computed in every n-th update, and n times as high ("lazy
            regularization", Karras et al., 2020, arXiv:1912.04958, appendix B).
    """

    penalty: Penalty
    weight: float
    every: int = 1

    def initial(self, discriminators: int = 1) -> Memory:
        """What it remembers before the first update, [] or of several discriminators [K]."""
        shape = (discriminators,) if discriminators > 1 else ()
        memory = {
            name: jnp.full(shape, value, jnp.float32) for name, value in self.penalty.memory.items()
        }
        return memory | ({"updates": jnp.float32(0)} if self.every > 1 else {})

    def __call__(self, inputs: PenaltyInputs, memory: Memory) -> tuple[jax.Array, Memory]:
        """The weighted penalties [..., N] and the memory after them."""
        if self.every == 1:
            values, memory = self.penalty.values(inputs, memory)
            return self.weight * values, memory
        updates = memory["updates"]
        kept = {name: value for name, value in memory.items() if name != "updates"}
        values, kept = lax.cond(
            updates % self.every == 0,
            lambda: self.penalty.values(inputs, kept),
            lambda: (jnp.zeros_like(inputs.real_logits), kept),
        )
        return self.weight * self.every * values, kept | {"updates": updates + 1}

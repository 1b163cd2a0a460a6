"""A trained generator as a pure function on its latent space."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from ml_collections import ConfigDict

from gan_jax.core.errors import InputError, choose
from gan_jax.core.streams import example_keys, root, stream
from gan_jax.data import DATASETS, DataSource
from gan_jax.examples import ExampleKind
from gan_jax.examples.condition import LABEL
from gan_jax.game.prior import GeneratorInputs, Prior
from gan_jax.game.state import Variables
from gan_jax.run.restore import restore

Generate = Partial
"""(z [N, L], labels int32 [N] or None) to examples float32 [N, ...]: images in [-1, 1], or points.

It is a tree whose leaves are the generator's variables: give it to compiled functions as an
argument. Closed over, the weights would be constants of the program.
"""


class Space(NamedTuple):
    """A saved step of a run, as its generator's latent space.

    Attributes:
        generate: The generator in use, see `Generate`.
        discriminate: (x [N, ...], labels or None) to the discriminator's `DiscriminatorOutput`,
            likewise a tree; None unless it was asked for.
        kind: What an example is.
        prior: The distribution of the latents.
        config: The run's config.
        record: The run's config.json: config, data, versions.
        step: The step.
        weights: Which of the generator's weights, "ema" or "raw".
        shape: Of one example: (H, W, C) or (D,).
    """

    generate: Generate
    discriminate: Partial | None
    kind: ExampleKind
    prior: Prior
    config: ConfigDict
    record: dict[str, Any]
    step: int
    weights: str
    shape: tuple[int, ...]

    @property
    def source(self) -> DataSource:
        """What is known of the run's data without reading them."""
        return choose("config.data.name", self.config.data.name, DATASETS)

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return f"{self.config.data.name}, {self.config.model.name}, step {self.step:,}"

    def draw(self, num: int, seed: int = 0, first: int = 0) -> GeneratorInputs:
        """Latents number `first` to `first + num - 1` of a seed: z [num, L] and what belongs to it.

        They are those of `gan_jax.sample` with that seed.
        """
        return _draw(self.prior, num, np.uint32(seed), first)

    def check(self, key: str, z: np.ndarray, labels: np.ndarray | None = None) -> None:
        """Whether latents [N, L] and labels [N], if it takes any, are this generator's.

        Args:
            key: What the user set, for the message.
            z: The latents.
            labels: Their classes.

        Raises:
            InputError: If they are not, or not finite.
        """
        shape, expected = tuple(np.shape(z)), self.prior.dimensions
        if len(shape) != 2 or shape[1] != expected:
            raise InputError(key, shape, f"latents must be [N, {expected}]")
        if not np.all(np.isfinite(z)):
            raise InputError(key, shape, "not all latents are finite")
        classes = self.prior.classes
        if not classes:
            return
        if labels is None or np.shape(labels) != shape[:1]:
            raise InputError(key, shape, f"each needs one of {classes} classes")
        if not np.all((np.asarray(labels) >= 0) & (np.asarray(labels) < classes)):
            raise InputError(key, np.max(labels), f"classes must be from 0 to {classes - 1}")


@partial(jax.jit, static_argnums=(0, 1))
def _draw(prior: Prior, num: int, seed: jax.Array, first: jax.Array) -> GeneratorInputs:
    return prior.draw(example_keys(stream(root(seed), "samples"), num, first=first))


def load(
    workdir: str | Path,
    step: int | None = None,
    weights: str = "ema",
    *,
    discriminator: bool = False,
) -> Space:
    """The latent space of a run's generator; neither data nor devices of the run are needed.

    Args:
        workdir: The run's folder.
        step: A saved step; None: the newest that is sound.
        weights: "ema", the moving average where the run keeps one, or "raw".
        discriminator: Whether to read it too.

    Raises:
        InputError: See `gan_jax.run.restore.restore`.
        RunError: Likewise.
    """
    beside = ("discriminator",) if discriminator else ()
    trained = restore(workdir, step, weights, beside=beside)
    game, data = trained.setup.game, trained.setup.data
    if game.prior.given:
        name, why = trained.config.model.conditioning, "its latent space depends on the data"
        raise InputError("config.model.conditioning", name, why)
    return Space(
        generate=_in_evaluation(game.generator, trained.generator),
        discriminate=_in_evaluation(game.discriminator, trained.state.discriminator.variables)
        if discriminator
        else None,
        kind=data.kind,
        prior=game.prior,
        config=trained.config,
        record=trained.record,
        step=trained.step,
        weights=weights,
        shape=data.shape,
    )


@dataclass(frozen=True)
class InEvaluation:
    """A network with its running statistics as a function of its variables: equal ones are one
    function to JAX, which compiles what is made of them once."""

    module: nn.Module

    def __call__(self, variables: Variables, inputs: jax.Array, labels: jax.Array | None = None):
        """What the network makes of inputs [N, ...]."""
        condition = None if labels is None else {LABEL: labels}
        return self.module.apply(variables, inputs, condition, train=False)


def _in_evaluation(module: nn.Module, variables: Variables) -> Partial:
    return Partial(InEvaluation(module), jax.tree.map(jnp.asarray, variables))

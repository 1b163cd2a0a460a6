"""A network from an example to its latent, trained on what the generator makes.

Pairs (G(z), z) are drawn without end, so nothing is there to be overfitted; but real examples are
not among them, and what the generator can't make the encoder has not seen.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.tree_util import Partial
from ml_collections import ConfigDict

from gan_jax.config.fields import BATCH, RATE, ROUNDS, WEIGHT, WIDTH, check
from gan_jax.config.fields import RULES as RUN_RULES
from gan_jax.core.errors import InputError
from gan_jax.core.files import read_object, to_json, whole, write_atomically
from gan_jax.core.streams import example_keys, root, stream
from gan_jax.game.state import Variables
from gan_jax.latent.space import Generate, InEvaluation, Space
from gan_jax.metrics.batching import in_batches
from gan_jax.models.conv import Conv
from gan_jax.run.checkpoint import Checkpoints, digest
from gan_jax.run.workdir import Workdir

RULES = {
    "seed": RUN_RULES["seed"],
    "width": WIDTH,
    "steps": ROUNDS,
    "batch_size": BATCH,
    "learning_rate": RATE,
    "reconstruction": WEIGHT,
}
"""What the fields of an encoder's config may hold."""

_RECORD = {
    "config": {"width": whole(1, 2**20), "steps": whole(1)},
    "generator": str,
    "step": whole(0),
    "weights": str,
}

Encode = Partial
"""x [N, ...] to z [N, L]; a tree, as `gan_jax.latent.space.Generate` is."""

_CONVOLUTIONS = 2  # each halves an image
_LAYERS = 2  # hidden
_TOLD = 10  # times that a training says how it goes


class Encoder(nn.Module):
    """Examples to latents: strided convolutions for images, then dense layers, leaky ReLU between.

    Attributes:
        width: Features of the first layer; each convolution has twice those of the one before, and
            the dense layers eight times as many.
        latent: L.
    """

    width: int
    latent: int

    @nn.compact
    def __call__(
        self, x: jax.Array, labels: jax.Array | None = None, *, train: bool = False
    ) -> jax.Array:
        """Map images [N, H, W, C] in [-1, 1] or points [N, D] to latents [N, L].

        It looks at no labels, and in training it is what it is in use.
        """
        if x.ndim == 4:
            for number in range(_CONVOLUTIONS):
                x = nn.leaky_relu(Conv(self.width << number, (5, 5), (2, 2))(x))
        x = x.reshape(len(x), -1)
        for _ in range(_LAYERS):
            x = nn.leaky_relu(nn.Dense(8 * self.width)(x))
        return nn.Dense(self.latent)(x)


def train(
    space: Space, config: ConfigDict, tell: Callable[[int, dict[str, float]], None]
) -> Variables:
    """An encoder of a generator.

    What is minimised is the latents' mean squared error and, with a weight, that of the examples
    made from them by the generator, which stays as it is.

    Args:
        space: With the generator.
        config: `RULES` says what it may hold.
        tell: Told ten times how it goes: (step, errors by name).

    Returns:
        Its variables, for `Encoder(config.width, space.prior.dimensions)`.

    Raises:
        InputError: If a field of the config is missing, unknown, or holds what it may not.
    """
    config = check(config, RULES)
    module = Encoder(config.width, space.prior.dimensions)
    optimizer = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.steps))
    key = root(config.seed)

    def loss(variables, generate, z, labels):
        x = generate(z, labels)
        found = module.apply(variables, x)
        errors = {
            "latents": jnp.mean(jnp.square(found - z)),
            "examples": jnp.mean(jnp.square(generate(found, labels) - x)),
        }
        return errors["latents"] + config.reconstruction * errors["examples"], errors

    @jax.jit
    def update(generate: Generate, variables: Variables, memory: optax.OptState, step: int):
        keys = example_keys(stream(key, "encoder", step), config.batch_size)
        draw = space.prior.draw(keys)
        gradient, errors = jax.grad(loss, has_aux=True)(variables, generate, draw.z, draw.labels)
        updates, memory = optimizer.update(gradient, memory)
        return optax.apply_updates(variables, updates), memory, errors

    variables = module.init(stream(key, "init"), jnp.zeros((1, *space.shape)))
    memory = optimizer.init(variables)
    for step in range(config.steps):
        variables, memory, errors = update(space.generate, variables, memory, step)
        if (step + 1) % max(1, config.steps // _TOLD) == 0:
            tell(step + 1, {name: float(error) for name, error in errors.items()})
    return variables


def save(workdir: str | Path, space: Space, config: ConfigDict, variables: Variables) -> Path:
    """Write an encoder into its run's folder, in the place of one that is there.

    Args:
        workdir: The run's folder.
        space: Whose encoder it is.
        config: The encoder's.
        variables: Of `train`.

    Returns:
        Its own folder.

    Raises:
        RunError: If it can't be written.
    """
    place = _place(workdir)
    shutil.rmtree(place.path, ignore_errors=True)
    checkpoints = Checkpoints(place.checkpoints)
    checkpoints.save(config.steps, jax.tree.map(np.asarray, variables))
    checkpoints.wait()
    checkpoints.close()
    record = {"config": config.to_dict(), "generator": digest(space.generate), "step": space.step}
    write_atomically(place.config, to_json(record | {"weights": space.weights}, indent=2))
    return place.path


def load(workdir: str | Path, space: Space) -> Encode:
    """The encoder in a run's folder.

    Args:
        workdir: The run's folder.
        space: The latent space that it must be of.

    Raises:
        InputError: If there is none, or it was trained on another generator: of another step, other
            weights or another run.
        RunError: If it is damaged.
    """
    place = _place(workdir)
    record = read_object(place.config, _RECORD)
    if record is None:
        raise InputError("--workdir", workdir, "has no encoder, train one by gan_jax.encode")
    if record["generator"] != digest(space.generate):
        theirs = f"step {record['step']}, weights {record['weights']}"
        ours = f"step {space.step}, weights {space.weights}"
        why = f"trained on another generator ({theirs}) than this one ({ours}): train it again"
        raise InputError("--workdir", place.path, why)
    config, checkpoints = ConfigDict(record["config"]), Checkpoints(place.checkpoints)
    try:
        variables = checkpoints.restore(config.steps)
    finally:
        checkpoints.close()
    return as_function(space, config, variables)


def as_function(space: Space, config: ConfigDict, variables: Variables) -> Encode:
    """An encoder's variables, as `train` gives them, as a function."""
    module = Encoder(config.width, space.prior.dimensions)
    return Partial(InEvaluation(module), jax.tree.map(jnp.asarray, variables))


def starts(encode: Encode, x: np.ndarray) -> np.ndarray:
    """Latents of examples `[N, ...]` to start a search from: `[N, 1, L]`."""
    (z,) = in_batches(partial(_encoded, encode), x)
    return z[:, None]


_encoded = jax.jit(lambda encode, x: (encode(x),))


def _place(workdir: str | Path) -> Workdir:
    return Workdir(Workdir(workdir).path / "encoder")

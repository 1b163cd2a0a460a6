"""Train an encoder of a run's generator: from an example to its latent.

    python -m gan_jax.encode --config=configs/mnist_encoder.py --workdir=DIR [--config.K=V ...]

It is kept in DIR/encoder, and is of that saved step and those weights of the generator only.
"""

from absl import flags
from ml_collections import config_flags

from gan_jax.core import cli
from gan_jax.core.errors import InputError

_CONFIG = config_flags.DEFINE_config_file("config", None, "The encoder's.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")


def main() -> None:
    """Load, train, write."""
    if _CONFIG.value is None:
        raise InputError("--config", "", "missing, for example --config=configs/mnist_encoder.py")
    from gan_jax import latent
    from gan_jax.latent import encoder

    space = latent.load(_WORKDIR.value, _STEP.value, _WEIGHTS.value)
    print(f"an encoder of {space.origin}, weights {space.weights}")
    variables = encoder.train(space, _CONFIG.value, _tell)
    print(f"in {encoder.save(_WORKDIR.value, space, _CONFIG.value, variables)}")


def _tell(step: int, errors: dict[str, float]) -> None:
    told = ", ".join(f"{name} {error:.4f}" for name, error in errors.items())
    print(f"step {step}: mean squared error of {told}", flush=True)


if __name__ == "__main__":
    cli.run(main)

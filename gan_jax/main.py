"""Train a GAN.

    python -m gan_jax.main --config=configs/mnist.py [--workdir=DIR] [--config.KEY=VALUE ...]

The same command goes on with a run that was interrupted. On several hosts, start it on each with
the same --coordinator and --num_processes and its own --process_id.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from gan_jax.config.fields import check
from gan_jax.core import cli
from gan_jax.core.errors import InputError

_CONFIG = config_flags.DEFINE_config_file("config", None, "The run's config.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder; default: runs/<config's name>.")
_COORDINATOR = flags.DEFINE_string("coordinator", None, "HOST:PORT of process 0.")
_NUM_PROCESSES = flags.DEFINE_integer("num_processes", 1, "Processes of the run, one a host.", 1)
_PROCESS_ID = flags.DEFINE_integer("process_id", 0, "Number of this process, from 0.", 0)
_JOIN_TIMEOUT = flags.DEFINE_integer("join_timeout", 60, "Seconds to wait for the others.", 1)


def main() -> None:
    """Check the config, join the other hosts, train."""
    if _CONFIG.value is None:
        raise InputError("--config", "", "missing, for example --config=configs/mnist.py")
    check(_CONFIG.value)
    # JAX and all that stands on it load only now: --help and a mistyped flag are answered at once.
    from gan_jax.core import devices as parallel
    from gan_jax.run import train

    parallel.join(_COORDINATOR.value, _NUM_PROCESSES.value, _PROCESS_ID.value, _JOIN_TIMEOUT.value)
    name = Path(config_flags.get_config_filename(flags.FLAGS["config"])).stem
    train.Run(_CONFIG.value, _WORKDIR.value or f"runs/{name}").train()


if __name__ == "__main__":
    cli.run(main)

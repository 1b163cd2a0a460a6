"""Write samples of a trained generator.

    python -m gan_jax.sample --workdir=DIR --num=10000 --seed=0 --out=FILE.npz

The file holds `samples`, uint8 [N, H, W, C] for images, float32 [N, 2] for points, their `labels`,
int32 [N], of a run that knows classes, and `record`, a JSON text that says where they come from:
step, weights, seed, the run's config, data and versions.
"""

import numpy as np
from absl import flags

from gan_jax.core import cli

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_OUT = flags.DEFINE_string("out", None, "The .npz file to write.", required=True)
_NUM = flags.DEFINE_integer("num", 10_000, "How many samples.", 1)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")


def main() -> None:
    """Load, sample, write."""
    out = cli.output("--out", _OUT.value, (".npz",))
    from gan_jax.core.files import to_json
    from gan_jax.run.restore import restore
    from gan_jax.run.sampling import as_arrays, make_sampler

    trained = restore(_WORKDIR.value, _STEP.value, _WEIGHTS.value, beside=())
    sample = make_sampler(trained.setup.game, trained.conditions())
    arrays = as_arrays(sample(trained.generator, _NUM.value, _SEED.value))
    origin = {"step": trained.step, "weights": _WEIGHTS.value, "seed": _SEED.value}
    np.savez_compressed(out, **arrays, record=to_json(origin | trained.record))
    print(f"{_NUM.value} samples of step {trained.step} in {out}")


if __name__ == "__main__":
    cli.run(main)

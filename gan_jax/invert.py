"""Find the latents of images: the z whose G(z) is nearest to each.

    python -m gan_jax.invert --workdir=DIR --images=FILE --out=FILE.npz
    python -m gan_jax.invert --workdir=DIR --images=test:100 --start=encoder --out=FILE.npz

FILE is a .npz (`images`, or `samples` as gan_jax.sample writes them), a .npy, or a picture of the
size that the generator makes; "test:N" are the first N held-out examples of the run's data. The
file written holds `z` float32 [N, L], `error` (mean squared, images in [-1, 1]) and `converged`
[N], `reconstructions` as gan_jax.sample would write them, their `labels` of a run that knows
classes, and `record`, a JSON text. It may be the `--points` of gan_jax.interpolate and latent.map.
"""

from pathlib import Path

import numpy as np
from absl import flags

from gan_jax.core import cli
from gan_jax.core.errors import InputError

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_IMAGES = flags.DEFINE_string("images", None, "A file, test, or test:N.", required=True)
_OUT = flags.DEFINE_string("out", None, "The .npz file to write.", required=True)
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")
_METHOD = flags.DEFINE_string("method", "gauss_newton_cg", "adam, gauss_newton, gauss_newton_cg.")
_START = flags.DEFINE_string("start", None, "prior, nearest or encoder; default: the method's.")
_RESTARTS = flags.DEFINE_integer("restarts", None, "Searches an image; default: the method's.")
_STEPS = flags.DEFINE_integer("steps", None, "At most; default: the method's.")
_WEIGHT = flags.DEFINE_float("weight", 0.0, "Of |z|^2 / L beside the mean squared error.")
_TOLERANCE = flags.DEFINE_float("tolerance", 0.1, "Share that a found image leaves unexplained.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the starts.", 0, 2**32 - 1)


def main() -> None:
    """Load, search, write."""
    out = Path(_OUT.value)
    if out.suffix != ".npz":
        raise InputError("--out", out, "the name must end in .npz")
    if not out.absolute().parent.is_dir():
        raise InputError("--out", out, "there is no such folder")
    from gan_jax import latent
    from gan_jax.latent import encoder, files, points
    from gan_jax.latent.inversion import invert

    space = latent.load(_WORKDIR.value, _STEP.value, _WEIGHTS.value)
    x, labels = files.read(space, _IMAGES.value)
    start = _START.value
    if start == "encoder":
        start = encoder.starts(encoder.load(_WORKDIR.value, space), x)
    found = invert(
        space.generate,
        space.prior,
        x,
        labels,
        method=_METHOD.value,
        start=start,
        restarts=_RESTARTS.value,
        steps=_STEPS.value,
        weight=_WEIGHT.value,
        tolerance=_TOLERANCE.value,
        seed=_SEED.value,
    )
    origin = {"images": _IMAGES.value, "method": _METHOD.value}
    points.write_points(out, space, found, labels, origin)
    lost = np.sum(~found.converged)
    print(f"{len(x)} images, mean squared error {found.error.mean():.3g}: {out}")
    print(f"{lost} of them did not converge" if lost else "all of them converged")


if __name__ == "__main__":
    cli.run(main)

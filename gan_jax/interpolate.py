"""Show paths through the latent space of a trained generator.

    python -m gan_jax.interpolate --workdir=DIR --out=FILE.png [--mode=spherical] [--points=4]
        [--paths=1] [--frames=10] [--classes=0,1,2] [--seed=0] [--step=N] [--weights=ema|raw]

A .png is a strip of images, or a sheet with a row a path; a .gif or .mp4 is a film of them. Points
are lines on the plane, over real ones. A generator that knows classes shows each path in each.
"""

import numpy as np
from absl import flags

from gan_jax.core import cli
from gan_jax.core.errors import choose

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_OUT = flags.DEFINE_string("out", None, "The .png, .gif or .mp4 file to write.", required=True)
_MODE = flags.DEFINE_string(
    "mode", "spherical", "linear, spherical, loop (a great circle), walk or closed_walk."
)
_POINTS = flags.DEFINE_string(
    "points",
    None,
    "How many latents of the seed a path goes through, or a .npy or .npz file of latents [K, L], "
    "or images to be inverted: a .npz file, or test:N of the run's data; default: 4, of a loop 2.",
)
_PATHS = flags.DEFINE_integer("paths", 1, "How many paths.", 1)
_FRAMES = flags.DEFINE_integer("frames", None, "Frames a path; default: 10, of a film 100.", 2)
_CLASSES = flags.DEFINE_string("classes", None, "Classes, as 3 or 0,1,2; default: all there are.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")


def main() -> None:
    """Load, lay the paths, generate, write."""
    from gan_jax import latent
    from gan_jax.latent import film
    from gan_jax.latent.anchors import anchors, classes, in_classes
    from gan_jax.latent.paths import CLOSED, PATHS
    from gan_jax.latent.render import render

    out = cli.output("--out", _OUT.value, tuple(film.KINDS))
    kind, mode = film.film_format(out), _MODE.value
    path = choose("--mode", mode, PATHS)
    space = latent.load(_WORKDIR.value, _STEP.value, _WEIGHTS.value)
    chosen = classes(_CLASSES.value, space.prior.classes)
    points = _POINTS.value or ("2" if mode == "loop" else "4")
    frames = _FRAMES.value or kind.frames
    through = anchors(space, points, _PATHS.value, _SEED.value)
    z, labels = in_classes(np.stack([path(one, frames, space.prior) for one in through]), chosen)
    examples = render(space, z, labels)
    kind.write(film.PathFrames(space.kind, examples, mode in CLOSED, _real(space)), out)
    print(f"{len(z)} paths ({mode}) of {frames} frames, {space.origin}, in {out}")


def _real(space) -> np.ndarray:
    """Real examples, which set the scale of a picture where the kind needs one."""
    if not space.kind.scaled:
        return np.zeros((0, *space.shape), space.kind.dtype)
    from gan_jax import data

    return data.load(space.config.data).test[: space.kind.num_shown]


if __name__ == "__main__":
    cli.run(main)

"""Show paths through the latent space of a trained generator.

    python -m gan_jax.interpolate --workdir=DIR --out=FILE.png [--mode=spherical] [--points=4]
        [--paths=1] [--frames=10] [--classes=all] [--seed=0] [--step=N] [--weights=ema|raw]

A .png is a strip of images, or a sheet with a row a path; a .gif or .mp4 is a film of them. Points are
lines on the plane, over real ones. A generator that knows classes shows each path in each class.
"""

from pathlib import Path

import numpy as np
from absl import flags

from gan_jax import cli
from gan_jax.errors import InputError, choose

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_OUT = flags.DEFINE_string("out", None, "The .png, .gif or .mp4 file to write.", required=True)
_MODE = flags.DEFINE_string(
    "mode", "spherical", "linear, spherical, loop (a great circle), walk or closed_walk."
)
_POINTS = flags.DEFINE_string(
    "points",
    None,
    "How many latents of the seed a path goes through, or a .npy file of latents [K, L]; "
    "default: 4, of a loop 2.",
)
_PATHS = flags.DEFINE_integer("paths", 1, "How many paths.", 1)
_FRAMES = flags.DEFINE_integer("frames", None, "Frames a path; default: 10, of a film 100.", 2)
_CLASSES = flags.DEFINE_string("classes", None, "Classes, as 3 or 0,1,2; default: all there are.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")


def main() -> None:
    """Load, lay the paths, generate, write."""
    out = cli.output("--out", _OUT.value, (".png", ".gif", ".mp4"))
    from gan_jax import latent
    from gan_jax.latent import film
    from gan_jax.latent.paths import CLOSED, PATHS

    kind = film.kind(out)
    path = choose("--mode", _MODE.value, PATHS)
    space = latent.load(_WORKDIR.value, _STEP.value, _WEIGHTS.value)
    classes = _classes(_CLASSES.value, space.prior.classes)
    frames = _FRAMES.value or kind.frames
    z = np.stack([path(points, frames, space.prior) for points in _anchors(space)])
    labels = None
    if classes is not None:
        rows = len(z)
        z = np.repeat(z, len(classes), axis=0)
        labels = np.repeat(np.tile(classes, rows)[:, None], frames, axis=1)
    examples = film.render(space.generate, z, labels)
    kind.write(film.Scene(examples, _MODE.value in CLOSED, _real(space)), out)
    print(f"{len(z)} x {frames} frames, {_MODE.value}, of {space.origin} in {out}")


def _anchors(space) -> np.ndarray:
    """Of every path, latents [P, K, L]."""
    points = _POINTS.value or ("2" if _MODE.value == "loop" else "4")
    if points.isdecimal():
        count, paths = int(points), _PATHS.value
        if count < 2:
            raise InputError("--points", points, "a path goes through two or more")
        return np.asarray(space.draw(paths * count, _SEED.value).z).reshape(paths, count, -1)
    given = choose("--points", Path(points).suffix, GIVEN)(space, points)
    if len(given) < 2:
        raise InputError("--points", points, f"holds {len(given)} latents, a path takes two")
    if _PATHS.value != 1:
        raise InputError("--paths", _PATHS.value, "given points make one path")
    return given[None]


def _latents(space, name: str) -> np.ndarray:
    """Given as they are."""
    try:
        z = np.asarray(np.load(name), np.float32)
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise InputError("--points", name, f"can't be read: {error}") from None
    space.check("--points", z, np.zeros(z.shape[:1], np.int32))
    return z


GIVEN = {".npy": _latents}
"""What points may be given as, by how the file's name ends: (space, name) to latents [K, L]."""


def _classes(chosen: str | None, count: int) -> np.ndarray | None:
    """Which classes to show, int32 [N]; None where there are none."""
    if not count:
        if chosen is not None:
            raise InputError("--classes", chosen, "the generator knows no classes")
        return None
    if chosen in (None, "all"):
        return np.arange(count, dtype=np.int32)
    numbers = chosen.split(",")
    if not all(number.isdecimal() and int(number) < count for number in numbers):
        raise InputError("--classes", chosen, f"all, or numbers from 0 to {count - 1} by commas")
    return np.array(numbers, np.int32)


def _real(space) -> np.ndarray | None:
    """Real points to show paths of points over."""
    if space.is_image:
        return None
    from gan_jax import data
    from gan_jax.report.pictures import SHOWN

    return data.load(space.config.data).test[: SHOWN[space.is_image]]


if __name__ == "__main__":
    cli.run(main)

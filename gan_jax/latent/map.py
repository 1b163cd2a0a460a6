"""Draw a map of a plane through three latents: which digit, or mode, and how surely.

    python -m gan_jax.latent.map --workdir=DIR [--seed=0 | --points=FILE] --out=FILE.png

The three latents are the first of a seed, those of `gan_jax.sample`, or those that `--points`
names. `--images=FILE.png` also writes the images themselves, laid out as the map is. Needs the
extra `study`: pip install "gan-jax[study]".
"""

from functools import partial
from pathlib import Path

import numpy as np
from absl import flags

from gan_jax.core import cli
from gan_jax.core.errors import InputError

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_OUT = flags.DEFINE_string("out", None, "The map, a .png file to write.", required=True)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the three latents.", 0, 2**32 - 1)
_POINTS = flags.DEFINE_string(
    "points", None, "Three latents instead, as `gan_jax.interpolate` takes them: a file, or test:3."
)
_SIDE = flags.DEFINE_integer("side", 80, "Latents a side of the map.", 2, 1000)
_IMAGES = flags.DEFINE_string("images", None, "A .png file for the images of the map.")
_ACROSS = flags.DEFINE_integer("images_side", 20, "Images a side of that.", 2, 100)
_LABEL = flags.DEFINE_integer("label", None, "The class asked for, of a run that knows classes.")
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")

_DPI = 150
WORDS = {  # what hue and lightness say, by kind of example
    "image": {"kinds": "digit", "sure": "confidence"},
    "point": {"kinds": "nearest mode", "sure": "within 3 sigma of it"},
}


def main() -> None:
    """Load, make, read, draw."""
    for flag in (_OUT, _IMAGES):
        _check_out(flag)
    from gan_jax import latent
    from gan_jax.examples import IMAGE
    from gan_jax.examples.pictures import sheet
    from gan_jax.latent import map_figure, maps, meaning
    from gan_jax.latent.render import render

    space = latent.load(_WORKDIR.value, _STEP.value, _WEIGHTS.value)
    if _IMAGES.value and space.kind is not IMAGE:
        why = f"{space.config.data.name} are {space.kind.plural}"
        raise InputError("--images", _IMAGES.value, why)
    read = meaning.reader(space)
    three, key = _three(space)
    _check(space, key, three)
    plane = maps.plane(three, key)
    grid = maps.grid(plane, _SIDE.value)
    found = maps.over(read, partial(render, space), grid.z, _labels(grid.z))
    title = f"A plane of latents: {space.origin}"
    figure = map_figure.draw(found, grid, plane, title=title, **WORDS[space.kind.name])
    figure.savefig(_OUT.value, dpi=_DPI)
    if _IMAGES.value:
        z = maps.grid(plane, _ACROSS.value).z.reshape(-1, three.shape[1])
        sheet(render(space, z, _labels(z))).save(_IMAGES.value)
    share = found.meaningful.mean()
    print(f"{share:.1%} of {found.meaningful.size:,} latents are meaningful, map in {_OUT.value}")


def _check_out(flag: flags.FlagHolder) -> None:
    if flag.value is None:
        return
    out = Path(flag.value)
    if out.suffix != ".png":
        raise InputError(f"--{flag.name}", out, "the name must end in .png")
    if not out.absolute().parent.is_dir():
        raise InputError(f"--{flag.name}", out, "there is no such folder")


def _three(space) -> tuple[np.ndarray, str]:
    """Three latents, and what the user set to get them."""
    if _POINTS.value is None:
        return np.asarray(space.draw(3, _SEED.value).z), "--seed"
    from gan_jax.latent.points import read_points

    return read_points(space, _POINTS.value).astype(float), "--points"


def _check(space, key: str, three: np.ndarray) -> None:
    if _LABEL.value is not None and not space.prior.classes:
        raise InputError("--label", _LABEL.value, "the run knows no classes")
    if space.prior.classes and _LABEL.value is None:
        raise InputError("--label", "", f"the run knows {space.prior.classes} classes: ask for one")
    space.check(key, three, _labels(three))


def _labels(z: np.ndarray) -> np.ndarray | None:
    """The class asked for, once a latent `[..., L]`."""
    return None if _LABEL.value is None else np.full(z.shape[:-1], _LABEL.value, np.int32)


if __name__ == "__main__":
    cli.run(main)

"""Move one attribute of generated digits, and say what moves with it.

    python -m gan_jax.edit --workdir=DIR --attribute=slant --out=FILE.png

The picture has a sample a row and an amount a column. The numbers are of other samples than those
that the direction was fitted to.
"""

from pathlib import Path

import numpy as np
from absl import flags

from gan_jax.core import cli
from gan_jax.core.errors import InputError, choose

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_OUT = flags.DEFINE_string("out", None, "The .png file to write.", required=True)
_ATTRIBUTE = flags.DEFINE_string("attribute", None, "stroke, slant, width, height.", required=True)
_METHOD = flags.DEFINE_string("method", "class_orthogonal", "How to find the direction.")
_AMOUNTS = flags.DEFINE_list(
    "amounts", ["-3", "-2", "-1", "0", "1", "2", "3"], "Standard deviations of the latent to move."
)
_NUM = flags.DEFINE_integer("num", 8, "How many samples to show.", 1, 40)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
_KEEP = flags.DEFINE_bool("keep", True, "Whether latents stay as long as the prior's are.")
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")

_FITTED, _MOVED = 4096, 500  # latents


def main() -> None:
    """Load, fit, move, write."""
    amounts, out = _amounts(), Path(_OUT.value)
    if out.suffix != ".png":
        raise InputError("--out", out, "the name must end in .png")
    if not out.absolute().parent.is_dir():
        raise InputError("--out", out, "there is no such folder")
    from gan_jax import latent
    from gan_jax.latent.attributes import ATTRIBUTES
    from gan_jax.latent.directions import METHODS, explained
    from gan_jax.latent.edits import edit, effect, follow
    from gan_jax.latent.measured_latents import measure_latents
    from gan_jax.study.sheets import image_sheet

    name, names = _ATTRIBUTE.value, list(ATTRIBUTES)
    choose("--attribute", name, ATTRIBUTES)
    method, meant = choose("--method", _METHOD.value, METHODS), names.index(name)
    space = latent.load(_WORKDIR.value, _STEP.value, _WEIGHTS.value)
    moved = measure_latents(space, max(_MOVED, _NUM.value), _SEED.value)
    fitted = measure_latents(space, _FITTED, _SEED.value, first=len(moved.z))
    direction = method(fitted)[meant]

    shown = moved.head(_NUM.value)
    images = edit(space, shown.z, direction, amounts, shown.labels, keep=_KEEP.value)
    rows = {
        f"{number}: {digit}": space.kind.to_data(row)
        for number, (digit, row) in enumerate(zip(shown.digits, images, strict=True))
    }
    reach = ", ".join(f"{amount:g}" for amount in amounts)
    title = f"{name} by {_METHOD.value}: {reach} sd of the latent"
    image_sheet(rows, title=title).savefig(out, dpi=150)

    found = effect(
        follow(space.prior, moved, direction, amounts, keep=_KEEP.value),
        meant,
        fitted.values.std(axis=0),
    )
    along = explained(direction[None], moved.z, moved.values)[0, meant]
    print(f"{title}; {space.origin}, {len(moved.z)} samples")
    for (other, attribute), gain in zip(ATTRIBUTES.items(), found.gains, strict=True):
        print(f"{other:8} {gain} {attribute.unit} a sd")
    print(f"R^2      {along:.3g} of {name} on the place along the direction")
    print(f"lead     {found.lead:.3g} times as far as any other, in their spreads")
    print(f"the same digit at all amounts: {found.kept}\nsee {out}")


def _amounts() -> np.ndarray:
    """The amounts asked for, [M]."""
    text = ",".join(_AMOUNTS.value)
    try:
        amounts = np.array(_AMOUNTS.value, float)
    except ValueError:
        raise InputError("--amounts", text, "not numbers with commas between them") from None
    if not np.all(np.isfinite(amounts)) or len(np.unique(amounts)) < 2:
        raise InputError("--amounts", text, "needs two different finite numbers at least")
    return amounts


if __name__ == "__main__":
    cli.run(main)

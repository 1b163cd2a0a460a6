"""Examples to find latents of: a file's, or those of a run's data that it never trained on."""

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax import data
from gan_jax.core.errors import InputError
from gan_jax.examples.condition import LABEL
from gan_jax.latent.inversion import Inversion, invert
from gan_jax.latent.space import Space

HELD_OUT = "test"
NAMES = ("images", "samples", "points", "x", "reconstructions")
"""What examples may be called in a .npz file; their classes are `labels`."""


def find(space: Space, source: str, **settings) -> tuple[np.ndarray, Inversion]:
    """Examples and their latents.

    Args:
        space: Where to look for them.
        source: See `read`.
        settings: See `gan_jax.latent.inversion.invert`.

    Raises:
        InputError: If they can't be read, or see `invert`.
    """
    x, labels = read(space, source)
    return x, invert(space.generate, space.prior, x, labels, **settings)


def read(space: Space, source: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Examples, and their classes if the generator takes any.

    Args:
        space: Whose generator could have made them.
        source: "test" or "test:N", the first N held-out examples of the run's data; or a file:
            .npz with one of `NAMES`, .npy, or a picture. Images are uint8, or float in [-1, 1].

    Returns:
        Float32 `[N, ...]`, images in [-1, 1], and int32 `[N]` or None.

    Raises:
        InputError: If there is no such file, or what it holds is not of the generator's shape, not
            finite, beyond [-1, 1], or without the classes that it takes.
    """
    name, _, count = source.partition(":")
    x, labels = _held_out(space, count) if name == HELD_OUT else _file(space, Path(source))
    if x.shape[1:] != space.shape or not len(x):
        raise InputError("--images", source, f"{x.shape}, the generator makes [N, {_of(space)}]")
    if x.dtype != np.uint8 and not np.issubdtype(x.dtype, np.floating):
        raise InputError("--images", source, f"{x.dtype}, must be uint8 or float")
    if x.dtype == space.kind.dtype:
        x = space.kind.to_model(x)
    x = np.asarray(x, np.float32)
    if not np.all(np.isfinite(x)) or (space.kind.bounded and np.abs(x).max() > 1):
        raise InputError("--images", source, "floats must be finite, those of images in [-1, 1]")
    if not space.prior.classes:
        return x, None
    space.check("--images", np.zeros((len(x), space.prior.dimensions)), labels)
    return x, np.asarray(labels, np.int32)


def _of(space: Space) -> str:
    return ", ".join(map(str, space.shape))


def _held_out(space: Space, count: str) -> tuple[np.ndarray, np.ndarray | None]:
    dataset = data.load(space.config.data)
    if dataset.fingerprint != space.record["data"]["fingerprint"]:
        why = f"{dataset.origin} are not the data of the run: {space.record['data']['origin']}"
        raise InputError("--images", HELD_OUT, why)
    most = len(dataset.test)
    if count and not (count.isdigit() and 1 <= int(count) <= most):
        raise InputError("--images", f"{HELD_OUT}:{count}", f"a number from 1 to {most} at most")
    num = int(count or most)
    labels = dataset.test_conditions.get(LABEL)
    return dataset.test[:num], None if labels is None else labels[:num]


def _file(space: Space, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False), None
        if path.suffix != ".npz":
            return _picture(path, space.shape[-1]), None
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError("--images", path, f"can't be read: {error}") from error
    for name in NAMES:
        if name in arrays:
            return arrays[name], arrays.get("labels")
    raise InputError("--images", path, f"none of {', '.join(NAMES)} among {', '.join(arrays)}")


def _picture(path: Path, channels: int) -> np.ndarray:
    picture = Image.open(path).convert("L" if channels == 1 else "RGB")
    return np.asarray(picture).reshape(1, picture.height, picture.width, -1)

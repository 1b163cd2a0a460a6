"""Latents that a user names: those of a file, or of examples, found by inversion."""

import zipfile
from pathlib import Path

import numpy as np
from absl import logging

from gan_jax.core.errors import InputError
from gan_jax.latent.files import HELD_OUT, find
from gan_jax.latent.space import Space

LATENTS = "z"
"""What latents are called in a .npz file, as `gan_jax.invert` writes them."""


def read_points(space: Space, source: str) -> np.ndarray:
    """The latents that `--points` names.

    Args:
        space: The generator's.
        source: A .npy file of latents; a .npz file of latents, such as one of `gan_jax.invert`, or
            else of examples, such as one of `gan_jax.sample`; or "test:N", the first N held-out
            examples of the run's data. Examples are inverted.

    Returns:
        Float32 `[K, L]`.

    Raises:
        InputError: If there is no such file, or it holds neither latents of the generator nor
            examples as it makes them.
    """
    try:
        found = _found(space, source)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError("--points", source, f"can't be read: {error}") from None
    space.check("--points", found, np.zeros(found.shape[:1], np.int32))
    return found


def _found(space: Space, source: str) -> np.ndarray:
    if source.partition(":")[0] == HELD_OUT:
        return _inverted(space, source)
    if Path(source).suffix not in (".npy", ".npz"):
        raise InputError("--points", source, f"neither a .npy nor a .npz file, nor {HELD_OUT}:N")
    try:
        z, converged = _latents(source)
    except ValueError:
        raise InputError("--points", source, "holds no array of numbers") from None
    if z is None:
        return _inverted(space, source)
    _warn(source, converged)
    return z


def _latents(source: str) -> tuple[np.ndarray | None, np.ndarray]:
    """A file's latents, None where it has none, and which inversions of them converged."""
    loaded = np.load(source, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded.astype(np.float32), np.bool_(True)
    with loaded:
        z = loaded[LATENTS].astype(np.float32) if LATENTS in loaded else None
        return z, loaded.get("converged", np.bool_(True))


def _inverted(space: Space, source: str) -> np.ndarray:
    """Latents of examples, as near as they can be found."""
    try:
        _, found = find(space, source)
    except InputError as error:
        raise InputError("--points", error.value, error.why) from None
    _warn(source, found.converged)
    return np.asarray(found.z, np.float32)


def _warn(source: str, converged: np.ndarray) -> None:
    if not np.all(converged):
        lost = f"{np.sum(~converged)} of {np.size(converged)}"
        logging.warning("--points=%s: %s inversions did not converge", source, lost)

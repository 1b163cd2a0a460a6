"""Latents that a user names: those of a file, or of examples, found by inversion."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from gan_jax.core.errors import InputError
from gan_jax.core.files import to_json
from gan_jax.latent.files import HELD_OUT, find
from gan_jax.latent.inversion import Inversion
from gan_jax.latent.render import render
from gan_jax.latent.space import Space
from gan_jax.run.checkpoint import digest

LATENTS = "z"
"""What latents are called in a .npz file, as `gan_jax.invert` writes them."""


def write_points(
    path: Path,
    space: Space,
    found: Inversion,
    labels: np.ndarray | None,
    origin: Mapping[str, Any],
) -> None:
    """Write the latents of examples, for `read_points` and others.

    Args:
        path: The .npz file. It will hold `z` float32 [N, L], `error` and `converged` [N],
            `reconstructions` as data sets have examples, their `labels` int32 [N] where there are
            any, and `record`, a JSON text.
        space: Where they were found.
        found: What was found of N examples.
        labels: Their classes, or None.
        origin: What to note in the record beside the run and the generator.
    """
    arrays = {LATENTS: found.z, "error": found.error, "converged": found.converged}
    arrays["reconstructions"] = render(space, found.z, labels)
    if labels is not None:
        arrays["labels"] = labels
    generator = {"step": space.step, "weights": space.weights, "generator": digest(space.generate)}
    np.savez_compressed(path, **arrays, record=to_json(generator | dict(origin) | space.record))


def read_points(space: Space, source: str) -> np.ndarray:
    """The latents that `--points` names.

    Those that an inversion did not find, or found in another generator, are taken all the same: a
    warning says so.

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
        z, arrays = _latents(source)
    except ValueError:
        raise InputError("--points", source, "holds no array of numbers") from None
    if z is None:
        return _inverted(space, source)
    _warn_of_lost(source, arrays.get("converged", np.bool_(True)))
    _warn_of_another(space, source, str(arrays.get("record", "{}")))
    return z


def _latents(source: str) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
    """A file's latents, None where it has none, and what is with them."""
    loaded = np.load(source, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded.astype(np.float32), {}
    with loaded:
        arrays = dict(loaded)
    return arrays[LATENTS].astype(np.float32) if LATENTS in arrays else None, arrays


def _inverted(space: Space, source: str) -> np.ndarray:
    """Latents of examples, as near as they can be found."""
    try:
        _, found = find(space, source)
    except InputError as error:
        raise InputError("--points", error.value, error.why) from None
    _warn_of_lost(source, found.converged)
    return np.asarray(found.z, np.float32)


def _warn_of_lost(source: str, converged: np.ndarray) -> None:
    if not np.all(converged):
        lost = f"{np.sum(~converged)} of {np.size(converged)}"
        logging.warning("--points=%s: %s inversions did not converge", source, lost)


def _warn_of_another(space: Space, source: str, record: str) -> None:
    try:
        theirs = dict(json.loads(record))
    except (TypeError, ValueError):
        raise InputError("--points", source, "its record is none of gan_jax.invert") from None
    if theirs.get("generator", digest(space.generate)) != digest(space.generate):
        logging.warning(
            "--points=%s: found in another generator (step %s, weights %s) than this one "
            "(step %s, weights %s)",
            *(source, theirs.get("step"), theirs.get("weights"), space.step, space.weights),
        )

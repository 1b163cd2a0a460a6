"""What paths go through, and in which classes, as the user says it."""

import numpy as np

from gan_jax.core.errors import InputError
from gan_jax.latent.points import read_points
from gan_jax.latent.space import Space


def anchors(space: Space, points: str, paths: int = 1, seed: int = 0) -> np.ndarray:
    """The latents that paths go through.

    Args:
        space: The generator's.
        points: How many of the seed's latents a path goes through, or what `read_points` takes.
        paths: How many; path i goes through the same latents however many there are.
        seed: Of the latents.

    Returns:
        `[paths, K, L]`.

    Raises:
        InputError: If there are fewer than two points a path, or the file has no such latents, or
            several paths are to go through it.
    """
    given = None if points.isdecimal() else read_points(space, points)
    count = int(points) if given is None else len(given)
    if count < 2:
        raise InputError("--points", points, "a path goes through two or more")
    if given is None:
        return np.asarray(space.draw(paths * count, seed).z).reshape(paths, count, -1)
    if paths != 1:
        raise InputError("--paths", paths, "given points make one path")
    return given[None]


def classes(chosen: str | None, count: int) -> np.ndarray | None:
    """The classes to show, int32 `[C]`; None where there are none.

    Args:
        chosen: "3", "0,1,2" or "all"; None: all there are.
        count: Classes of the generator; 0: it knows none.

    Raises:
        InputError: If it knows none, or not those.
    """
    if not count:
        if chosen is not None:
            raise InputError("--classes", chosen, "the generator knows no classes")
        return None
    if chosen in (None, "all"):
        return np.arange(count, dtype=np.int32)
    numbers = chosen.split(",")
    if not all(number.isdecimal() and int(number) < count for number in numbers):
        raise InputError("--classes", chosen, f"choose from 0 to {count - 1}, as 0,1,2, or all")
    return np.array([int(number) for number in numbers], np.int32)


def in_classes(z: np.ndarray, classes: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Each path in each class, all its frames in one.

    Args:
        z: Paths `[P, F, L]`.
        classes: int32 `[C]`, or None.

    Returns:
        The paths `[P * C, F, L]`, those of a path together, and their labels int32 `[P * C, F]`;
        without classes the paths as they are, and None.
    """
    if classes is None:
        return z, None
    labels = np.tile(classes, len(z))[:, None]
    return np.repeat(z, len(classes), axis=0), np.repeat(labels, z.shape[1], axis=1)

"""No measurements: a run on data that nothing here knows how to measure still shows its samples."""

from collections.abc import Iterable

import jax
import numpy as np

HEADLINE = ()
BETTER: dict[str, str] = {}


def bounds(density) -> dict[str, tuple[float, float]]:
    """Least and largest possible values of these measures."""
    del density
    return {}


def incompatibility(dataset) -> str:
    """Nothing is measured, so any data will do."""
    del dataset
    return ""


def reference(dataset) -> None:
    """Samples are compared with nothing."""
    del dataset


def held_out(dataset) -> np.ndarray:
    """The held-out examples."""
    return dataset.test


def measure(batches: Iterable[np.ndarray], reference: None) -> dict[str, float]:
    """No numbers; the batches are made all the same, since pictures show some of them."""
    del reference
    for _ in batches:
        pass
    return {}


def features(examples: jax.Array) -> tuple[()]:
    """Nothing is measured of an example."""
    del examples
    return ()


def statistics() -> tuple[()]:
    """Nothing of a batch."""
    return ()


def numbers(statistics: tuple[()], reference: None) -> dict[str, float]:
    """No numbers."""
    del statistics, reference
    return {}

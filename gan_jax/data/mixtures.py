"""Mixtures of Gaussians: densities known exactly, so that a generator's errors can be measured.

A mixture's data set is a fixed thing, drawn once from a seed of its own, and not a function of the
run's seed: two runs that differ in seed still imitate the same points.
"""

import dataclasses

import numpy as np

from gan_jax.core.errors import InputError
from gan_jax.data.dataset import Dataset
from gan_jax.examples import POINT

TRAIN_POINTS, TEST_POINTS = 100_000, 10_000
SOURCES = ("auto", "exact")


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """Equally likely Gaussians with covariance sigma^2 I.

    Attributes:
        centres: float64 [modes, dimensions].
        sigma: Standard deviation of a mode along every axis.
    """

    centres: np.ndarray
    sigma: float

    def sample(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws points.

        Args:
            rng: Source of randomness, advanced.
            count: Number of points.

        Returns:
            float32 points [count, dimensions], and the mode of each, int32 [count].
        """
        modes = rng.integers(len(self.centres), size=count)
        noise = rng.standard_normal((count, self.centres.shape[1]))
        points = self.centres[modes] + self.sigma * noise
        return points.astype(np.float32), modes.astype(np.int32)


def ring(modes: int, radius: float, sigma: float) -> Mixture:
    """A mixture with its centres evenly spaced on a circle, the first at angle zero.

    After the ring of L. Metz et al., Unrolled Generative Adversarial Networks, ICLR 2017.

    Args:
        modes: Number of centres.
        radius: Of the circle.
        sigma: Standard deviation of a mode along either axis.
    """
    # Not linspace(0, 2 pi, modes): it ends where it began, and two centres would coincide.
    angles = 2 * np.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sigma)


def grid(side: int, spacing: float, sigma: float) -> Mixture:
    """A mixture with its centres on a square lattice around the origin, row by row from below.

    After the grid of A. Srivastava et al., VEEGAN, NIPS 2017 (arXiv:1705.07761), section 4.1, in
    the numbers of Z. Lin et al., PacGAN, NeurIPS 2018 (arXiv:1712.04086), section 4.1.

    Args:
        side: Centres a side.
        spacing: Distance between neighbours.
        sigma: Standard deviation of a mode along either axis.
    """
    steps = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2), sigma)


RING = ring(modes=8, radius=1.0, sigma=0.01)
GRID = grid(side=5, spacing=2.0, sigma=0.05)
MIXTURES = {"ring": RING, "grid": GRID}


def load(name: str, source: str) -> Dataset:
    """Draws a mixture's data set; every call gives the same points.

    Args:
        name: One of `MIXTURES`.
        source: One of `SOURCES`.

    Raises:
        InputError: If a source is asked for that holds files.
    """
    if source not in SOURCES:
        why = f"{name} is drawn from its density, not read: set it to {' or '.join(SOURCES)}"
        raise InputError("config.data.source", source, why)
    mixture = MIXTURES[name]
    # A stream per split: their sizes can change without changing each other's points.
    train, train_modes = mixture.sample(np.random.default_rng([0, 0]), TRAIN_POINTS)
    test, test_modes = mixture.sample(np.random.default_rng([0, 1]), TEST_POINTS)
    origin = f"its exact density ({len(mixture.centres)} modes, sigma {mixture.sigma:g})"
    return Dataset(
        name=name,
        source="exact",
        kind=POINT,
        train=train,
        test=test,
        train_conditions={"label": train_modes},
        test_conditions={"label": test_modes},
        origin=origin,
        density=mixture,
    )

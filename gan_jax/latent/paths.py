"""Paths from one latent to another, and through several."""

import jax
import jax.numpy as jnp


def linear(start: jax.Array, end: jax.Array, shares: jax.Array) -> jax.Array:
    """The straight way.

    Args:
        start: Latents `[..., L]`.
        end: Latents `[..., L]`.
        shares: How far along, `[F]`, 0 to 1.

    Returns:
        `[..., F, L]`.
    """
    shares = shares[:, None]
    return (1 - shares) * start[..., None, :] + shares * end[..., None, :]


def spherical(start: jax.Array, end: jax.Array, shares: jax.Array) -> jax.Array:
    """The way along a great circle, while the length goes evenly from one's to the other's.

    High-dimensional normal latents lie near a sphere, which the straight way leaves (White,
    "Sampling Generative Networks", 2016, arXiv:1609.04468, section 2.1). Opposite latents have no
    great circle of their own, and latents of length 0 no direction: the straight way is taken.

    Args:
        start: Latents `[..., L]`.
        end: Latents `[..., L]`.
        shares: How far along, `[F]`, 0 to 1.

    Returns:
        `[..., F, L]`.
    """
    lengths = [jnp.linalg.norm(z, axis=-1, keepdims=True) for z in (start, end)]
    ways = [z / jnp.maximum(length, 1e-12) for z, length in zip((start, end), lengths, strict=True)]
    # The chord says small angles more exactly than the cosine does.
    half_chord = jnp.linalg.norm(ways[1] - ways[0], axis=-1, keepdims=True) / 2
    angle = 2 * jnp.arcsin(jnp.clip(half_chord, 0, 1))
    angle = angle[..., None, :]
    shares = shares[:, None]
    along = (
        jnp.sin((1 - shares) * angle) * ways[0][..., None, :]
        + jnp.sin(shares * angle) * ways[1][..., None, :]
    ) / jnp.sin(angle)
    length = (1 - shares) * lengths[0][..., None, :] + shares * lengths[1][..., None, :]
    curved = (angle > 1e-4) & (angle < jnp.pi - 1e-3)
    return jnp.where(curved, length * along, linear(start, end, shares[:, 0]))

"""Two rounds of any config, and what must be true after them."""

import jax
import numpy as np

from gan_jax.config import build
from gan_jax.core.devices import Devices
from gan_jax.run.rounds import make_rounds


def assert_trains(config, examples) -> None:
    """Both players move in two rounds on the examples, and all that is measured is finite."""
    shape, devices = examples.x.shape[1:], Devices(jax.devices()[:1])
    batches = build.batches(config, len(examples.x))
    players = build.players(config, shape, batches.per_epoch)
    phases = build.phases(config, players, batches.per_epoch, devices)
    state = build.state(config, players, shape)
    first = jax.device_get(state)
    play = make_rounds(phases, devices, batches, examples)
    for step in range(2):
        state, measured = play(state, step)
    assert state.step == 2
    assert all(np.isfinite(value) for value in measured.values())
    for player in ("generator", "discriminator"):
        moved = jax.tree.map(
            lambda old, new: np.any(old != new),
            getattr(first, player).params,
            getattr(state, player).params,
        )
        assert any(jax.tree.leaves(moved))

"""A round of any config traced, or two of them run, and what must be true after them."""

import jax
import numpy as np

from gan_jax.config.setup import build
from gan_jax.core.devices import Devices
from gan_jax.data import DataSpec
from gan_jax.run.rounds import make_rounds


def assert_can_be_traced(setup, examples) -> None:
    """A round gives back a state of the same kind, and scalars; nothing is computed."""
    before = state = jax.eval_shape(setup.initial)
    for phase in setup.phases(Devices(jax.devices()[:1])):
        rows = setup.batches.indices(0, phase.batches)
        state, measured = jax.eval_shape(phase.step, state, examples, rows)
        assert {leaf.shape for leaf in measured.values()} == {()}
    assert jax.tree.map(_kind, state) == jax.tree.map(_kind, before)


def _kind(leaf):
    return leaf.shape, leaf.dtype


def assert_trains(config, examples, kind) -> None:
    """Both players move in two rounds on the examples, and all that is measured is finite."""
    num, *shape = examples.x.shape
    devices = Devices(jax.devices()[:1])
    spec = DataSpec("made", kind, tuple(shape), num, classes=config.model.classes)
    setup = build(config, spec)
    state = setup.first_state()
    first = jax.device_get(state)
    run_round = make_rounds(setup.phases(devices), devices, setup.batches, examples)
    for step in range(2):
        state, measured = run_round(state, step)
    assert state.step == 2
    assert all(np.isfinite(value) for value in measured.values())
    for player in ("generator", "discriminator"):
        moved = jax.tree.map(
            lambda old, new: np.any(old != new),
            getattr(first, player).params,
            getattr(state, player).params,
        )
        assert any(jax.tree.leaves(moved))

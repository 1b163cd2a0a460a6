"""How many trials are side by side: what programs need, and what there is."""

import jax
import pytest
from toy_study import config

from gan_jax import data
from gan_jax.core import devices
from gan_jax.sweep import fit
from gan_jax.sweep.vmapped import VmappedTrials

SHARED, A_TRIAL = 1000, 70


class Sized:
    """Stands in for `VmappedTrials`."""

    def __init__(self, configs, dataset, later, *, most_devices):
        assert most_devices == 1
        self._trials = len(configs)

    def bytes_needed(self):
        return SHARED + self._trials * A_TRIAL


@pytest.fixture(scope="module")
def ring():
    return data.load(config().data)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(SHARED + 7 * A_TRIAL, 7), (SHARED + 8 * A_TRIAL - 1, 7), (SHARED + A_TRIAL, 1), (10, 1)],
)
def test_as_many_trials_as_the_memory_holds(ring, monkeypatch, capsys, limit, expected):
    monkeypatch.setattr(fit, "VmappedTrials", Sized)
    monkeypatch.setattr(fit, "HEADROOM", 1)
    monkeypatch.setattr(fit, "memory_limit", lambda: limit)
    assert fit.most_that_fit([config()], ring) == expected * jax.local_device_count()
    assert "fit side by side" in capsys.readouterr().out


def test_a_device_that_tells_no_memory_gets_what_suits_a_cpu(ring):
    assert devices.memory_limit() is None
    assert fit.most_that_fit([config()], ring) == 32


def test_what_programs_need_grows_with_the_trials_by_more_than_their_states(ring):
    small = config(
        **{f"model.{player}.width": 8 for player in ("generator", "discriminator")},
        **{f"model.{player}.depth": 1 for player in ("generator", "discriminator")},
    )
    sides = [VmappedTrials([small] * size, ring, most_devices=1) for size in (1, 3)]
    one, three = (side.bytes_needed() for side in sides)
    state = sum(leaf.nbytes for leaf in jax.tree.leaves(sides[0].start()))
    held = sum(each.nbytes for each in (ring.train, ring.test[:512]))
    assert one > state + held
    assert three - one > 2 * state

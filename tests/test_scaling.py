"""What devices send to each other in a round, read from the compiled program."""

import json
import math
import re
import sys
from collections import Counter

import jax
import numpy as np
import pytest

from configs import base
from gan_jax.config.setup import build
from gan_jax.core.devices import Devices
from gan_jax.data import DataSpec
from gan_jax.data.batches import Examples
from gan_jax.examples import IMAGE

SHAPE, BATCH = (8, 8, 1), 8
G, D = 6, 10  # widths of the generator and of the discriminator
PAIR = {  # with no more than is needed beside what devices send: it is compiled often
    "model.name": "cnn",
    "model.latent": 3,
    "model.generator.width": G,
    "model.generator.norm": "none",
    "model.discriminator.width": D,
    "model.discriminator.norm": "none",
    "model.discriminator.dropout": 0.0,
    "optim.generator.name": "sgd",
    "optim.discriminator.name": "sgd",
    "ema.half_life": 0,
    "train.batch_size": BATCH,
}
NORMS = {"model.generator.norm": "batch", "model.discriminator.norm": "batch"}
MANY = [2, 4, 8]
PROGRAMS = {  # overrides and devices
    **{f"{count} devices": ({}, count) for count in (1, *MANY)},
    "two to one": ({"schedule.discriminator": 2}, 8),
    "norms": (NORMS, 8),
}
# Loss, two accuracies and two mean logits of the discriminator, the loss of the generator.
SCALARS = 5 + 1

# An instruction that communicates with other devices: what it gives, an array or several, and
# its name.
COLLECTIVE = re.compile(
    r"= (\(.*?\)|\S+) ((?:ragged-)?all-[\w-]+|reduce-scatter[\w-]*|collective-[\w-]+)\("
)


def collectives(text):
    """[name, its arrays ("f32[5,5]")] of every collective in a compiled program."""
    return [
        [name, re.findall(r"\w+\[[\d,]*\]", arrays)] for arrays, name in COLLECTIVE.findall(text)
    ]


def compiled(overrides, count):
    """A round's collectives, and by player the floats in its parameters."""
    config = base.get_config()
    config.update_from_flattened_dict(PAIR | overrides)
    devices = Devices(jax.devices()[:count])
    setup = build(config, DataSpec("made", IMAGE, SHAPE, 24))
    (phase,) = setup.phases(devices)
    with jax.disable_jit():  # shapes are enough, and no initial program is compiled
        state = jax.eval_shape(setup.initial)
    examples = Examples(jax.ShapeDtypeStruct((24, *SHAPE), np.uint8))
    indices = devices.split(np.zeros((phase.batches, BATCH), np.int32))
    lowered = devices.compile(phase.step).lower(state, examples, indices)
    program = lowered.compile()
    parameters = {
        name: sum(leaf.size for leaf in jax.tree.leaves(getattr(state, name).params))
        for name in ("generator", "discriminator")
    }
    return {"collectives": collectives(program.as_text()), "parameters": parameters}


@pytest.fixture(scope="module")
def programs():
    """Every one of `PROGRAMS`, compiled by a process with eight devices."""
    import program

    # What the compiler makes of single arrays, the most of its work, is of no matter here.
    ended = program.run("tests.test_scaling", devices=8, quickly=True)
    return json.loads(ended.stdout)


def floats(arrays):
    """How many numbers they hold together."""
    sizes = [re.fullmatch(r"f32\[(.*)\]", array).group(1) for array in arrays]
    return sum(math.prod(map(int, filter(None, size.split(",")))) for size in sizes)


def reduced(program):
    """Floats in each all-reduce, the smallest first, if there is no other collective."""
    assert {name for name, _ in program["collectives"]} <= {"all-reduce"}
    return sorted(floats(arrays) for _, arrays in program["collectives"])


def check_updates(program, *players):
    """One all-reduce for each player's update, of its gradient and next to nothing else."""
    parameters = sorted(program["parameters"][player] for player in players)
    found = reduced(program)
    assert len(found) == len(players)
    beyond = [size - expected for size, expected in zip(found, parameters, strict=True)]
    assert min(beyond) >= 0
    assert sum(beyond) == SCALARS


def test_one_device_communicates_with_nobody(programs):
    assert programs["1 devices"]["collectives"] == []


@pytest.mark.parametrize("count", MANY)
def test_an_update_is_one_all_reduce_of_its_gradient_and_some_scalars(programs, count):
    check_updates(programs[f"{count} devices"], "discriminator", "generator")


def test_more_devices_send_the_same(programs):
    two, four, eight = (reduced(programs[f"{count} devices"]) for count in MANY)
    assert two == four == eight


def test_two_updates_of_the_discriminator_are_two_all_reduces(programs):
    check_updates(programs["two to one"], "discriminator", "discriminator", "generator")


def test_a_norm_over_the_global_batch_adds_two_small_rows_each_way(programs):
    """Mean and mean of squares [2, C]: once forward, and once backward where a gradient passes.

    The generator has three norms, of 2 G, 2 G and G channels: forward in both updates, backward
    in its own. The discriminator has one, of 2 D channels: in its update on reals and on fakes,
    forward and backward, in the generator's update on fakes, forward and backward.
    """
    program = programs["norms"]
    arrays = [array for _, arrays in program["collectives"] for array in arrays]
    rows = Counter(array for array in arrays if re.fullmatch(r"f32\[2,\d+\]", array))
    assert rows == {f"f32[2,{2 * G}]": 2 * 3, f"f32[2,{G}]": 3, f"f32[2,{2 * D}]": 2 * 2 + 2}
    # The rest is in the updates' own: gradients, running means and variances, scalars.
    channels = 2 * G + 2 * G + G + 2 * D
    own = sum(reduced(program)) - floats(rows.elements())
    assert own == sum(program["parameters"].values()) + 2 * channels + SCALARS
    # Rows wait for one another, layer by layer, so each is an all-reduce of its own, unless the
    # compiler finds it company: of another player's rows, or of gradients that wait for nothing.
    assert len(program["collectives"]) <= rows.total() + 2


if __name__ == "__main__":
    json.dump({name: compiled(*program) for name, program in PROGRAMS.items()}, sys.stdout)

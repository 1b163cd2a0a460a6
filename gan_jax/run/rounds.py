"""Rounds as compiled programs: one a dispatch, or several in a loop on the device."""

from collections.abc import Callable

from jax import lax

from gan_jax.core.devices import Devices
from gan_jax.core.errors import InputError
from gan_jax.data.batches import Batches, Examples
from gan_jax.game.schemes import Phase, Step
from gan_jax.game.state import GANState
from gan_jax.game.update import Measurements

RunRounds = Callable[[GANState, int, int], tuple[GANState, Measurements]]


def rounds_per_dispatch(asked: int, phases: tuple[Phase, ...], devices: Devices) -> int:
    """How many rounds one dispatch does.

    Args:
        asked: The config's wish; 0 leaves it to the devices.
        phases: The round.
        devices: Where it runs.

    Raises:
        InputError: If several are asked for of a round that is not a single program.
    """
    single = is_single_program(phases)
    if asked > 1 and not single:
        raise InputError(
            "config.train.rounds_a_dispatch",
            asked,
            "a round of this schedule is several dispatches itself",
        )
    return (asked or devices.rounds_per_dispatch) if single else 1


def is_single_program(phases: tuple[Phase, ...]) -> bool:
    """Whether a round is one program, dispatched once."""
    return len(phases) == 1 and phases[0].repeats == 1 and phases[0].end is None


def scanned(step: Step) -> Step:
    """A step in a loop: indices [R, batches, B] to measurements [R]."""

    def loop(state, examples, indices):
        return lax.scan(lambda state, row: step(state, examples, row), state, indices)

    return loop


def as_one_step(phases: tuple[Phase, ...]) -> Step:
    """A round as one step on its batches [batches, B]: phases that repeat are loops.

    Of those it measures each time [repeats]; all phases are part of every round.
    """

    def step(state, examples, indices):
        measured, first = {}, 0
        for phase in phases:
            count = phase.repeats * phase.batches
            rows, first = indices[first : first + count], first + count
            if phase.repeats == 1:
                state, latest = phase.step(state, examples, rows)
            else:
                rows = rows.reshape(phase.repeats, phase.batches, -1)
                state, latest = scanned(phase.step)(state, examples, rows)
            measured |= latest
        return state, measured

    return step


def make_rounds(
    phases: tuple[Phase, ...], devices: Devices, batches: Batches, examples: Examples
) -> RunRounds:
    """A function of (state, its step, rounds) to (the state after them, measurements).

    The measurements are scalars for one round, and one a round [rounds] for several.
    """
    programs = [(devices.compile(phase.step), phase) for phase in phases]
    loop = devices.compile(scanned(phases[0].step))

    def batches_before(step: int) -> int:
        return sum(phase.repeats * phase.batches * phase.rounds_before(step) for phase in phases)

    def run_one(state: GANState, step: int) -> tuple[GANState, Measurements]:
        measured, update = {}, batches_before(step)
        for program, phase in programs:
            for _ in range(phase.repeats * phase.takes_part(step)):
                indices = devices.split(batches.indices(update, phase.batches))
                state, latest = program(state, examples, indices)
                measured |= latest
                update += phase.batches
        return state, measured

    def run(state: GANState, step: int, rounds: int = 1) -> tuple[GANState, Measurements]:
        if rounds == 1:
            return run_one(state, step)
        first, end = batches_before(step), batches_before(step + rounds)
        indices = batches.indices(first, end - first).reshape(rounds, -1, batches.batch_size)
        return loop(state, examples, devices.split(indices))

    return run

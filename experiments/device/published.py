"""How much of a published table does the device have in a minute?

PacGAN's ring (`configs/ring_pacgan.py`, 400,000 rounds), GAN and PacGAN2 as `experiments.published`
has them, ten trials each side by side, from the start for as many rounds as a minute has after
compiling: a row an evaluation, with the means over trials, and the minutes that the whole protocol
would take at that pace. Nothing is kept to go on from; `python -m gan_jax.sweep
experiments/published.py` does that.
"""

import statistics
import time
from collections.abc import Iterator

import jax
from ml_collections import ConfigDict

from configs import ring_pacgan
from experiments.device.case import Case, Row, Settings
from gan_jax import data
from gan_jax.sweep.vmapped import VmappedTrials

METHODS = ("GAN", "PacGAN2")
TRIALS, SECONDS, COMPILING = 10, 60, 40
WIDTHS = ("model.generator.width", "model.discriminator.width")
TINY_TRIALS, TINY_SECONDS, TINY_COMPILING = 2, 1, 40
EVERY, TINY_EVERY = 5_000, 10  # rounds from evaluation to evaluation


def cases(settings: Settings) -> list[Case]:
    """One a method."""
    if settings.tiny:
        return [Case("GAN", TINY_SECONDS + TINY_COMPILING)]
    return [Case(method, SECONDS + COMPILING) for method in METHODS]


def measure(name: str, settings: Settings) -> Iterator[Row]:
    """A row an evaluation."""
    from experiments import published  # it brings what reports are made with

    fields = published.PROTOCOLS["ring, PacGAN"][1][name]
    trials = TINY_TRIALS if settings.tiny else TRIALS
    limit = TINY_SECONDS if settings.tiny else SECONDS
    configs = [_config(fields, seed, tiny=settings.tiny) for seed in range(trials)]
    whole = configs[0].train.steps
    side = VmappedTrials(configs, data.load(configs[0].data))
    state, steps = side.start(), 0
    state, steps = jax.block_until_ready(side.step(state, steps))
    started, compiled = time.monotonic(), steps
    while steps < side.steps:
        state, steps = side.step(state, steps)
        if not side.due(steps):
            continue
        jax.block_until_ready(state)
        pace = (time.monotonic() - started) / (steps - compiled)
        rows = [row for _, row in side.evaluate(state, steps)]
        means = {
            measure: statistics.mean(row[f"mixture_2500/{measure}"] for row in rows)
            for measure in published.MEASURES
        }
        yield {
            "method": name,
            "trials": trials,
            "rounds": steps,
            "share": steps / whole,
            "minutes_for_all": pace * whole / 60,
            **means,
        }
        if time.monotonic() - started > limit:
            return


def _config(fields: dict[str, int], seed: int, *, tiny: bool) -> ConfigDict:
    config = ring_pacgan.get_config()
    config.update_from_flattened_dict(fields | {"seed": seed})
    config.eval.every = EVERY
    if tiny:
        small = {"train.batch_size": 8, "train.steps": 1000, "eval.every": TINY_EVERY}
        config.update_from_flattened_dict(small | dict.fromkeys(WIDTHS, 4))
    return config

"""Studies without a GAN: trials that count, and what a runner makes of their jobs at once."""

import math

import numpy as np
from ml_collections import ConfigDict

from configs import ring
from gan_jax.sweep import run_job as playing
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import kept
from gan_jax.sweep.rows import steps
from gan_jax.sweep.study import TrialConfig


def config(**overrides) -> ConfigDict:
    """Of 6 rounds, evaluated every 2."""
    made = ring.get_config()
    for player in ("generator", "discriminator"):
        made.optim[player].decay = "constant"
    made.train.steps, made.eval.every = 6, 2
    made.update_from_flattened_dict(overrides)
    return made


def specs(*overrides: dict) -> list[TrialConfig]:
    """Trials in this order."""
    return [TrialConfig(number, config(**each)) for number, each in enumerate(overrides)]


class Counting:
    """Stands in for `VmappedTrials`: a play is a round, and measures nothing but its number."""

    devices = 1

    def __init__(self, configs, dataset):
        self._steps = [steps(config) for config in configs]
        self.plays = max(each[-1] for each in self._steps)

    def start(self):
        return np.zeros(len(self._steps), np.int32)

    def play(self, trials, first):
        return trials + 1, first + 1

    def due(self, plays):
        return [trial for trial, each in enumerate(self._steps) if plays in each]

    def dues(self, plays):
        return [(trial, at) for trial, each in enumerate(self._steps) for at in each if at <= plays]

    def evaluate(self, trials, plays):
        for trial in self.due(plays):
            fell = 1 if math.isnan(trials[trial]) else -1
            yield trial, {"step": plays, "diverged_at": fell, "count": float(trials[trial])}

    def to_host(self, trials):
        return np.array(trials)

    def from_host(self, trials):
        return trials


def runner(study):
    """A `Runner` that plays the tasks at once, in this process."""
    trials = {trial.digest: trial for trial in study.trials}

    def run(tasks, options, on_done):
        for task in tasks:
            if not task.result.exists():
                place = JobFolder(task.log.parent)
                playing.play(kept(task.name, [trials[one] for one in place.digests()]), place)
            on_done(task)
        return {}

    return run

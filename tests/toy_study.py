"""Studies without a GAN: trials that count, and what a runner makes of their jobs at once."""

import math

import numpy as np
from ml_collections import ConfigDict

from configs import ring_plain
from gan_jax.sweep import run_job as job_runs
from gan_jax.sweep.folder import JobFolder
from gan_jax.sweep.jobs import existing_job
from gan_jax.sweep.rows import steps
from gan_jax.sweep.study import TrialConfig


def config(**overrides) -> ConfigDict:
    """Of 6 rounds, evaluated every 2."""
    made = ring_plain.get_config()
    for player in ("generator", "discriminator"):
        made.optim[player].decay = "constant"
    made.train.steps, made.eval.every = 6, 2
    made.update_from_flattened_dict(overrides)
    return made


def specs(*overrides: dict) -> list[TrialConfig]:
    """Trials in this order."""
    return [TrialConfig(number, config(**each)) for number, each in enumerate(overrides)]


class Counting:
    """Stands in for `VmappedTrials`: a step is a round, and measures nothing but its number."""

    devices = 1

    def __init__(self, configs, dataset, later=()):
        self._evaluated = [steps(config) for config in configs]
        self.steps = max(each[-1] for each in self._evaluated)

    def with_configs(self, configs):
        return Counting(configs, None)

    def start(self):
        return np.zeros(len(self._evaluated), np.int32)

    def step(self, trials, first):
        return trials + 1, first + 1

    def due(self, steps):
        return [trial for trial, each in enumerate(self._evaluated) if steps in each]

    def dues(self, steps):
        return [
            (trial, at) for trial, each in enumerate(self._evaluated) for at in each if at <= steps
        ]

    def evaluate(self, trials, steps):
        for trial in self.due(steps):
            fell = 1 if math.isnan(trials[trial]) else -1
            yield trial, {"step": steps, "diverged_at": fell, "count": float(trials[trial])}

    def samples(self, trials, num):
        return np.broadcast_to(np.arange(len(trials), dtype=np.float32), (3, 2, len(trials))).T

    def to_host(self, trials):
        return np.array(trials)

    def from_host(self, trials):
        return trials


def runner(study):
    """A `Runner` that steps the tasks at once, in this process."""
    trials = {trial.digest: trial for trial in study.trials}

    def run(tasks, options, on_done):
        for task in tasks:
            if not task.result.exists():
                place = JobFolder(task.log.parent)
                job_runs.run_job(
                    existing_job(place, [trials[one] for one in place.digests()]), place
                )
            on_done(task)
        return {}

    return run

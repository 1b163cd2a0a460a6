"""Where the tasks of a study run: here, on a Ray cluster, in a Slurm queue.

A runner runs command lines and knows nothing of what they compute. A new one is a function of
`Runner`'s kind and a line in `RUNNERS`.
"""

from gan_jax.sweep.runners import local, ray, slurm
from gan_jax.sweep.runners.task import Options, Runner, Task

__all__ = ["RUNNERS", "Options", "Runner", "Task", "expects_accelerators"]

RUNNERS: dict[str, Runner] = {"local": local.run, "ray": ray.run, "slurm": slurm.run}


def expects_accelerators(runner: Runner, options: Options) -> bool:
    """Whether tasks will find accelerators where they run, as far as can be known without touching
    any: they were asked for, or this machine has some."""
    return options.accelerators > 0 or (runner is local.run and local.has_accelerators())

"""How many trials of a job are one program at a time: as many as its device has memory for."""

from collections.abc import Sequence

from ml_collections import ConfigDict

from gan_jax.core.devices import local_count, memory_limit
from gan_jax.data import Dataset
from gan_jax.sweep.jobs import at_once_on_cpu
from gan_jax.sweep.vmapped import VmappedTrials

# Share of a device's memory that programs are planned for: what is left is for fragments, and for
# what more trials need beyond their proportion.
HEADROOM = 0.85
# A program of a single trial has other convolutions than one of several, see `models.conv.mapped`.
SIZES = (2, 3)


def most_that_fit(configs: Sequence[ConfigDict], dataset: Dataset) -> int:
    """How many trials this host's devices hold, by XLA's own analysis of their programs.

    Programs of two sizes tell what a trial needs and what all share; the largest program counts,
    training or evaluation. Nothing is run. Where no device tells its memory, as on a CPU, it is
    what measured best there.

    Args:
        configs: Of all trials, of one structure.
        dataset: Their data.
    """
    limit = memory_limit()
    if limit is None:
        return at_once_on_cpu(dataset.kind)
    fewer, more = (
        VmappedTrials([configs[0]] * size, dataset, configs, most_devices=1).bytes_needed()
        for size in SIZES
    )
    a_trial = max(1, (more - fewer) // (SIZES[1] - SIZES[0]))
    shared = fewer - SIZES[0] * a_trial
    fit = max(1, int(HEADROOM * limit - shared) // a_trial) * local_count()
    print(
        f"{fit} trials fit side by side: each takes {a_trial / 2**20:,.1f} MiB, and all share "
        f"{shared / 2**20:,.1f} MiB, of {limit / 2**20:,.0f} MiB a device",
        flush=True,
    )
    return fit

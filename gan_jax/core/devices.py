"""The only file that knows devices: data parallelism by pmap, over every device of every host."""

import atexit
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import multihost_utils

from gan_jax.core import hosts
from gan_jax.core.errors import InputError, RunError

_SECONDS_IN_SILENCE = 3  # after which a process says whom it waits for
_GRACE = 60  # seconds: JAX's own time limit, which aborts the process, must not come first


def join(coordinator: str | None, num_processes: int, process_id: int, timeout: float = 60) -> None:
    """Join the other hosts of the run, before anything else touches a device.

    Args:
        coordinator: HOST:PORT of process 0, which listens there; None where there is one process.
        num_processes: Processes of the run.
        process_id: Number of this one, from 0.
        timeout: Seconds to wait for the others.

    Raises:
        InputError: If the first three don't fit together, or the address can't be used.
        RunError: If the others have not come in time. This process can't join any more then.
    """
    if process_id >= num_processes:
        raise InputError("--process_id", process_id, f"of {num_processes} processes, from 0")
    if num_processes == 1:
        return
    address = hosts.coordinator(coordinator)
    bound = hosts.bind_address(address) if process_id == 0 else None
    whom = f"{num_processes - 1} of {num_processes} processes to come to {address}"
    if process_id:
        whom = f"process 0 at {address}, and for all {num_processes} processes to come there"
    atexit.register(_mute_at_exit)
    # In a thread: JAX can neither be interrupted while it waits nor end without an abort.
    joining = Future()
    threading.Thread(
        target=_join,
        args=(joining, str(address), num_processes, process_id),
        kwargs={"coordinator_bind_address": bound, "initialization_timeout": int(timeout) + _GRACE},
        daemon=True,
    ).start()
    try:
        if not wait([joining], min(_SECONDS_IN_SILENCE, timeout)).done:
            print(f"waiting up to {timeout:g} s for {whom}", file=sys.stderr, flush=True)
        joining.result(max(0, timeout - _SECONDS_IN_SILENCE))
    except TimeoutError:
        raise RunError(
            f"--join_timeout={timeout:g}: waited so many seconds in vain for {whom}"
        ) from None
    atexit.unregister(_mute_at_exit)


def _join(joining: Future, *args: Any, **kwargs: Any) -> None:
    try:
        joining.set_result(jax.distributed.initialize(*args, **kwargs))
    except BaseException as error:
        joining.set_exception(error)


def _mute_at_exit() -> None:
    """Close the terminal to what JAX's service has to say when it ends before all have come."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def use_cores() -> None:
    """Make every core of a CPU a device, before anything touches one; programs of points keep one
    core busy. How many the user asked for by JAX's own variables, if they did, stands.
    """
    asked = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if not asked and jax.config.jax_num_cpu_devices == -1:
        jax.config.update("jax_num_cpu_devices", os.cpu_count())


def is_cpu() -> bool:
    """Whether programs run on the host's own cores."""
    return jax.default_backend() == "cpu"


def memory_limit() -> int | None:
    """Bytes that programs may use on each of this host's devices; None where nobody says."""
    told = [device.memory_stats() for device in jax.local_devices()]
    limits = [stats["bytes_limit"] for stats in told if stats and "bytes_limit" in stats]
    return min(limits, default=None)


class Devices:
    """The devices of the run, over which every batch is laid out.

    Args:
        devices: Which; None: all of every host.

    Attributes:
        count: Devices on all hosts.
        axis_name: Mapped axis of the global batch, or None on a single device.
        rounds_per_dispatch: Rounds that a dispatch had best run.
    """

    def __init__(self, devices: Sequence[jax.Device] | None = None):
        self._devices = devices
        self.count = jax.device_count() if devices is None else len(devices)
        self.axis_name = "devices" if self.count > 1 else None
        # An accelerator must not wait for the host between short rounds. On a CPU the host is the
        # device, and XLA runs a convolution in a loop several times slower than outside one.
        self.rounds_per_dispatch = 1 if is_cpu() else 10

    def share(self, batch_size: int) -> int:
        """Examples of a batch on each device.

        Raises:
            InputError: If the batch does not divide by the devices.
        """
        if batch_size % self.count:
            raise InputError(
                "config.train.batch_size",
                batch_size,
                f"does not divide by the {self.count} devices",
            )
        return batch_size // self.count

    def compile(self, step: Callable) -> Callable:
        """The pure function step(state, examples, indices) -> (state, measurements), compiled.

        The state is donated. Whatever leaves must be the same on every device: a step averages its
        gradients and measurements over `axis_name`.
        """
        if self.axis_name is None:
            return jax.jit(step, donate_argnums=0)
        return jax.pmap(
            step,
            axis_name=self.axis_name,
            devices=self._devices,
            in_axes=(None, None, 0),
            out_axes=None,
            donate_argnums=0,
        )

    def replicate(self, tree: Any) -> Any:
        """The host's arrays on every device, in buffers that the tree does not share."""
        if self.axis_name is None:
            return jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), tree)
        identity = jax.pmap(
            lambda tree, _: tree,
            axis_name=self.axis_name,
            devices=self._devices,
            in_axes=(None, 0),
            out_axes=None,
        )
        return identity(tree, np.zeros(self._local_count))

    def split(self, indices: np.ndarray) -> np.ndarray:
        """Lay out global batches: indices [..., B] to this host's [devices, ..., B / count]."""
        if self.axis_name is None:
            return indices
        shares = np.stack(np.split(indices, self.count, axis=-1))
        first = jax.process_index() * self._local_count
        return shares[first : first + self._local_count]

    @property
    def _local_count(self) -> int:
        return self.count // jax.process_count()


def one_device() -> Devices:
    """A device of this host's own, for what it computes without the others."""
    return Devices(jax.local_devices()[:1])


def describe() -> dict[str, Any]:
    """What a run records of the devices: `count` and `hosts` in all, and their `kind`."""
    return {
        "count": jax.device_count(),
        "hosts": jax.process_count(),
        "kind": jax.devices()[0].device_kind,
    }


class TrialDevices:
    """This host's devices, over which trials are laid out: each trial is on one of them.

    Args:
        trials: How many trials there are.
        most: How many devices are used at most; None: all.

    Attributes:
        count: Devices that have trials.
    """

    def __init__(self, trials: int, most: int | None = None):
        self._trials = trials
        self.count = min(trials, most or jax.local_device_count())
        self._devices = jax.local_devices()[: self.count]

    def compile(
        self, function: Callable, *, donates: bool = False, in_turn: bool = False
    ) -> Callable:
        """function(one trial's tree, its inputs, what all share), for all trials, compiled.

        Args:
            function: Pure.
            donates: Whether the first argument is given away.
            in_turn: Whether a device's trials are computed one after the other, not at once.
        """
        over_trials = _one_by_one(function) if in_turn else jax.vmap(function, (0, 0, None))
        donated = (0,) if donates else ()
        if self.count == 1:
            return jax.jit(over_trials, donate_argnums=donated)
        return jax.pmap(
            over_trials, devices=self._devices, in_axes=(0, 0, None), donate_argnums=donated
        )

    def share(self, tree: Any) -> Any:
        """What all trials share, on every device."""
        return Devices(self._devices).replicate(tree)

    def shard(self, tree: Any) -> Any:
        """Arrays [trials, ...] as the compiled functions take them."""
        if self.count == 1:
            return tree
        # Shares must be equal: the last trial is computed as often as there are places left.
        share = -(-self._trials // self.count)
        rows = np.minimum(np.arange(share * self.count), self._trials - 1)
        return jax.tree.map(lambda leaf: leaf[rows].reshape(-1, share, *leaf.shape[1:]), tree)

    def gather(self, tree: Any) -> Any:
        """What a compiled function gives, as numpy arrays [trials, ...]."""
        found = jax.device_get(tree)
        if self.count == 1:
            return found
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[: self._trials], found)


def local_count() -> int:
    """How many devices this host has."""
    return jax.local_device_count()


def bytes_of_program(compiled: jax.stages.Wrapped, *args: Any) -> int:
    """Bytes that a program needs on its device, arguments and results included, by XLA's analysis.

    Args:
        compiled: As `TrialDevices.compile` gives it for one device.
        args: Its arguments, or their shapes.
    """
    found = compiled.lower(*args).compile().memory_analysis()
    return (
        found.argument_size_in_bytes
        + found.output_size_in_bytes
        - found.alias_size_in_bytes
        + found.temp_size_in_bytes
        + found.generated_code_size_in_bytes
    )


def _one_by_one(function: Callable) -> Callable:
    def over_trials(trials: Any, inputs: Any, shared: Any) -> Any:
        return lax.map(lambda one: function(*one, shared), (trials, inputs))

    return over_trials


def any_host(flag: bool) -> bool:
    """Whether the flag is set on any host; every host must ask at the same point of the run."""
    if jax.process_count() == 1:
        return flag
    return bool(np.any(multihost_utils.process_allgather(np.array(flag))))


def to_host(tree: Any) -> Any:
    """A replicated tree as numpy arrays of the host's own."""
    return jax.tree.map(lambda leaf: np.array(leaf.addressable_data(0)), tree)


def replica_spread(tree: Any) -> float:
    """Largest difference between this host's replicas of a tree; 0 unless something went wrong."""
    spread = 0.0
    for leaf in jax.tree.leaves(tree):
        first, *others = [np.asarray(shard.data) for shard in leaf.addressable_shards]
        for other in others:
            if other.tobytes() != first.tobytes():
                with np.errstate(invalid="ignore"):
                    gaps = np.abs(other.astype(np.float64) - first)
                spread = max(spread, float(np.max(np.where(np.isnan(gaps), np.inf, gaps))))
    return spread

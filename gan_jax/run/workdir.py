"""A run's folder: what it holds, and whether a config may go on in it."""

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from absl import logging
from ml_collections import ConfigDict

import gan_jax
from gan_jax.config.fields import check, flatten
from gan_jax.core import devices
from gan_jax.core.errors import InputError, choose
from gan_jax.core.files import fitting, read_object, to_json, whole, wholes, write_atomically
from gan_jax.data.dataset import DataSpec, Feature
from gan_jax.examples import EXAMPLE_KINDS
from gan_jax.run.lock import Lock

# What may change when a run goes on: how often it reports, and where the same data is read from.
_FREE = {
    "log.every",
    "eval.every",
    "eval.diagnostics",
    "eval.protocol",
    "checkpoint.every",
    "checkpoint.keep",
    "data.source",
    "data.data_dir",
    "data.raw_dir",
}
# What is read of config.json. Examples have at most 4 axes, and no data set is beyond a trillion.
_RECORD = {
    "config": dict,
    "data": {
        "name": str,
        "source": str,
        "origin": str,
        "train": whole(1, 10**12),
        "test": whole(0, 10**12),
        "shape": wholes(1, 2**20),
        "fingerprint": str,
    },
    "versions": dict,
    "devices": dict,
}
# What else is read of it to rebuild the networks without the data.
_DATA = {"kind": str, "conditions": dict, "classes": whole(0, 2**20)}
_FEATURE = {"shape": list, "dtype": str}
# Why a run can't be made longer where a learning rate depends on its length.
_SPANS = (
    " ({decays}: the learning rate's schedule spans the whole run, the rounds already trained "
    "would have had other rates; only a run of constant rates can be made longer, this one needs "
    "a new --workdir)"
)
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


class Workdir:
    """The files of one run.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path).expanduser().absolute()
        self.config = self.path / "config.json"
        self.metrics = self.path / "metrics.jsonl"
        self.summary = self.path / "summary.json"
        self.evaluations = self.path / "evaluations.jsonl"
        self.samples = self.path / "samples"
        self.reals = self.path / "reals.png"
        self.animation = self.path / "training.gif"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self._lock: Lock | None = None

    def open(self, record: dict[str, Any], *, writes: bool = True) -> None:
        """Start the run that `record` describes in this folder, or go on with it.

        Args:
            record: As `describe` gives it.
            writes: Whether this process is the one that writes.

        Raises:
            InputError: If the folder can't be written to, another process trains in it, or it holds
                a run of another config or of other data; the message lists the keys with both
                values.
        """
        self._refuse_another(record)
        if not writes:
            return
        try:
            self.samples.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(self.path / "run.lock")
            before = self._refuse_another(record)  # one that came and went before it was locked
            if before and before["versions"] != record["versions"]:
                logging.warning("%s: started with other versions, the bits may differ", self.path)
            write_atomically(self.config, to_json(record, indent=2))
        except OSError as error:
            raise InputError(
                "--workdir", self.path, f"can't be written: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Let other processes train in the folder."""
        if self._lock:
            self._lock.release()

    def _refuse_another(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """The record of the same run in this folder, or None if it is new."""
        if self.config.exists():
            before = self.read()
            _refuse_contradictions(self.path, before, record)
            return before
        if self.checkpoints.exists():
            raise InputError("--workdir", self.path, "holds checkpoints but no config.json")
        return None

    def read(self) -> dict[str, Any]:
        """The record of the run in this folder.

        Raises:
            InputError: If there is none, or its config is none of this version's.
            Damaged: If it is no record of a run.
        """
        record = read_object(self.config, _RECORD)
        if record is None:
            raise InputError("--workdir", self.path, f"holds no run, {self.config.name} is missing")
        try:
            check(ConfigDict(record["config"]))
        except (AttributeError, RecursionError, TypeError, ValueError) as error:
            why = f"{self.config.name} is of another version of this project: {error}"
            raise InputError("--workdir", self.path, why) from None
        return record


def describe(config: ConfigDict, dataset) -> dict[str, Any]:
    """What a run is: its config, its data, and what it runs on.

    Args:
        config: The run's config.
        dataset: Its `gan_jax.data.Dataset`.
    """
    return {
        "config": config.to_dict(),
        "data": {
            "name": dataset.name,
            "source": dataset.source,
            "origin": dataset.origin,
            "train": len(dataset.train),
            "test": len(dataset.test),
            "kind": dataset.kind.name,
            "shape": list(dataset.shape),
            "conditions": {
                name: feature._asdict() for name, feature in dataset.spec.conditions.items()
            },
            "classes": dataset.spec.classes,
            "fingerprint": dataset.fingerprint,
        },
        "versions": versions(),
        "devices": devices.describe(),
    }


def data_of(workdir: Workdir, record: dict[str, Any]) -> DataSpec:
    """What a run's record says of its data.

    Raises:
        InputError: If it is one of an earlier version, or the kind of its examples is unknown.
        Damaged: If it is none of this version either.
    """
    of = record["data"]
    if "kind" not in of:
        why = "config.json lacks data.kind: the run's command, started again, writes it"
        raise InputError("--workdir", workdir.path, why)
    fitting(of, _DATA, str(workdir.config), "data.")
    features = {}
    for name, feature in of["conditions"].items():
        fitting(feature, _FEATURE, str(workdir.config), f"data.conditions.{name}.")
        features[name] = Feature(tuple(feature["shape"]), feature["dtype"])
    kind = choose("data.kind", of["kind"], EXAMPLE_KINDS)
    return DataSpec(of["name"], kind, tuple(of["shape"]), of["train"], features, of["classes"])


def versions() -> dict[str, str]:
    """Versions of what the numbers of a result depend on."""
    return {
        "gan_jax": gan_jax.__version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def _refuse_contradictions(path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = flatten(old["config"]), flatten(new["config"])
    decays = {
        f"config.optim.{player}.decay={decay}"
        for player in ("generator", "discriminator")
        if (decay := after[f"optim.{player}.decay"]) != "constant"
    }
    free = _FREE if decays else _FREE | {"train.steps"}
    changed = [
        f"config.{key}: {before.get(key)} there, {after.get(key)} now"
        + (_SPANS.format(decays=" and ".join(sorted(decays))) if key == "train.steps" else "")
        for key in sorted(before.keys() | after.keys())
        if key not in free and before.get(key) != after.get(key)
    ]
    if old["data"]["fingerprint"] != new["data"]["fingerprint"]:
        sizes = [f"{run['data']['source']} ({run['data']['train']} train)" for run in (old, new)]
        changed.append(f"config.data.source: {sizes[0]} there, {sizes[1]} now")
    if changed:
        raise InputError("--workdir", path, f"holds another run: {'; '.join(changed)}")

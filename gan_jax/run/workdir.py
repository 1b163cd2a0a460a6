"""A run's folder: what it holds, and whether a config may go on in it."""

import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

import jax
from absl import logging
from ml_collections import ConfigDict

import gan_jax
from gan_jax.config.fields import flatten
from gan_jax.core.errors import InputError, choose
from gan_jax.data.dataset import DataSpec, Feature
from gan_jax.examples import EXAMPLE_KINDS

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

    def open(self, record: dict[str, Any], *, writes: bool = True) -> None:
        """Start the run that `record` describes in this folder, or go on with it.

        Args:
            record: As `describe` gives it.
            writes: Whether this process is the one that writes.

        Raises:
            InputError: If the folder can't be written to, or holds a run of another config or of
                other data; the message lists the keys with both values.
        """
        if self.config.exists():
            _refuse_contradictions(self.path, self.read(), record)
        elif self.checkpoints.exists():
            raise InputError("--workdir", self.path, "holds checkpoints but no config.json")
        if not writes:
            return
        try:
            self.samples.mkdir(parents=True, exist_ok=True)
            write_whole(self.config, to_json(record, indent=2))
        except OSError as error:
            raise InputError(
                "--workdir", self.path, f"can't be written: {error.strerror}"
            ) from error

    def read(self) -> dict[str, Any]:
        """The record of the run in this folder.

        Raises:
            InputError: If there is none.
        """
        try:
            return json.loads(self.config.read_text())
        except (OSError, ValueError) as error:
            raise InputError("--workdir", self.path, f"holds no run ({error})") from error


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
                name: list(feature) for name, feature in dataset.spec.conditions.items()
            },
            "classes": dataset.spec.classes,
            "fingerprint": dataset.fingerprint,
        },
        "versions": versions(),
        "devices": {
            "count": jax.device_count(),
            "hosts": jax.process_count(),
            "kind": jax.devices()[0].device_kind,
        },
    }


def data_of(record: dict[str, Any]) -> DataSpec:
    """What a run's record says of its data.

    Raises:
        InputError: If it doesn't, as one of an earlier version.
    """
    of = record["data"]
    try:
        kind = choose("data.kind", of["kind"], EXAMPLE_KINDS)
        features = {
            name: Feature(tuple(shape), dtype) for name, (shape, dtype) in of["conditions"].items()
        }
        return DataSpec(of["name"], kind, tuple(of["shape"]), of["train"], features, of["classes"])
    except KeyError as error:
        why = "missing: the run's own command, started again, writes it"
        raise InputError(f"data.{error.args[0]}", None, why) from None


def versions() -> dict[str, str]:
    """Versions of what the numbers of a result depend on."""
    return {
        "gan_jax": gan_jax.__version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def _refuse_contradictions(path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = flatten(old["config"]), flatten(new["config"])
    free = set(_FREE)
    if all(
        after[f"optim.{player}.decay"] == "constant" for player in ("generator", "discriminator")
    ):
        free.add("train.steps")  # no learning rate depends on the run's length
    changed = [
        f"config.{key}: {before.get(key)} there, {after.get(key)} now"
        for key in sorted(before.keys() | after.keys())
        if key not in free and before.get(key) != after.get(key)
    ]
    if old["data"]["fingerprint"] != new["data"]["fingerprint"]:
        sizes = [f"{run['data']['source']} ({run['data']['train']} train)" for run in (old, new)]
        changed.append(f"config.data.source: {sizes[0]} there, {sizes[1]} now")
    if changed:
        raise InputError("--workdir", path, f"holds another run: {'; '.join(changed)}")
    if old["versions"] != new["versions"]:
        logging.warning("%s was started with other versions, the bits may differ", path)


def to_json(value: Any, indent: int | None = None) -> str:
    """Strict JSON: a number that is not finite is an error, not a word that readers choke on."""
    return json.dumps(value, indent=indent, allow_nan=False)


def write_whole(path: Path, text: str) -> None:
    """Write a text so that readers and crashes find the old file or the new one, never a part."""
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)

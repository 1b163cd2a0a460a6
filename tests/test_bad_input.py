"""Bad input, as a table: one clear line naming key and value, exit code 2, nothing lost."""

import gc
import gzip
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import program
import pytest

from gan_jax.data.idx_sets import FILES

MNIST = f"--config={program.REPOSITORY}/configs/mnist.py"
RING = f"--config={program.REPOSITORY}/configs/ring_plain.py"
EMBEDDED = (MNIST, "--config.data.source=embedded")

# name: (module, flags, what the line must hold)
CASES = {
    "unknown key": ("main", (MNIST, "--config.train.stepz=3"), ("config.train.stepz=3", "steps")),
    "unknown group": ("main", (MNIST, "--config.trian.steps=3"), ("config.trian.steps=3",)),
    "wrong type": (
        "main",
        (MNIST, "--config.train.steps=many"),
        ("config.train.steps=many: must be a whole number",),
    ),
    "a float for an int": ("main", (MNIST, "--config.seed=1.5"), ("config.seed=1.5",)),
    "a name by which others call a field": (
        "main",
        (RING, "--config.optim.generator.lr=1"),
        ("lr=1: no such field, did you mean config.optim.generator.learning_rate?",),
    ),
    "misspelt flag": ("main", ("--confg=x.py",), ("'confg'. Did you mean: config",)),
    "unknown flag": ("main", (MNIST, "--wrokdir=x"), ("wrokdir",)),
    "stray argument": ("main", (MNIST, "workdir"), ("workdir",)),
    "no config": ("main", (), ("--config=",)),
    "no such config": ("main", ("--config=configs/no.py",), ("--config=configs/no.py",)),
    "zero steps": ("main", (MNIST, "--config.train.steps=0"), ("config.train.steps=0",)),
    "negative rate": (
        "main",
        (MNIST, "--config.optim.generator.learning_rate=-1"),
        ("config.optim.generator.learning_rate=-1",),
    ),
    "rate that is no number": (
        "main",
        (MNIST, "--config.optim.discriminator.learning_rate=nan"),
        ("config.optim.discriminator.learning_rate=nan",),
    ),
    "all dropped": (
        "main",
        (MNIST, "--config.model.discriminator.dropout=1.0"),
        ("config.model.discriminator.dropout=1.0",),
    ),
    "unknown unit": ("main", (MNIST, "--config.schedule.unit=hour"), ("schedule.unit=hour",)),
    "unknown dtype": ("main", (RING, "--config.model.dtype=half"), ("dtype=half", "bfloat16")),
    "unknown loss": ("main", (RING, "--config.loss=mse"), ("config.loss=mse", "minimax")),
    "unknown model": ("main", (RING, "--config.model.name=vae"), ("model.name=vae", "dcgan")),
    "unknown norm": (
        "main",
        (RING, "--config.model.generator.norm=weight"),
        ("config.model.generator.norm=weight", "batch"),
    ),
    "unknown optimizer": (
        "main",
        (RING, "--config.optim.generator.name=adm"),
        ("config.optim.generator.name=adm", "adam"),
    ),
    "unknown decay": (
        "main",
        (RING, "--config.optim.discriminator.decay=steps"),
        ("config.optim.discriminator.decay=steps", "cosine"),
    ),
    "unknown scheme": (
        "main",
        (RING, "--config.schedule.scheme=random"),
        ("config.schedule.scheme=random", "simultaneous"),
    ),
    "simultaneous with two updates": (
        "main",
        (RING, "--config.schedule.scheme=simultaneous", "--config.schedule.discriminator=2"),
        ("config.schedule.discriminator=2",),
    ),
    "unknown protocol": (
        "main",
        (RING, "--config.eval.protocol=fid"),
        ("config.eval.protocol=fid", "mixture_2500"),
    ),
    "protocol for other data": (
        "main",
        (RING, "--config.eval.protocol=mnist_cnn_1k"),
        ("config.eval.protocol=mnist_cnn_1k", "ring"),
    ),
    "unknown data": ("main", (MNIST, "--config.data.name=svhn"), ("config.data.name=svhn", "ring")),
    "unknown source": (
        "main",
        (MNIST, "--config.data.source=web"),
        ("config.data.source=web", "embedded"),
    ),
    "set that is not embedded": (
        "main",
        (*EMBEDDED, "--config.data.name=kmnist"),
        ("config.data.source=embedded", "kmnist"),
    ),
    "no prepared set": (
        "main",
        (MNIST, "--config.data.source=tfds", "--config.data.data_dir={folder}/empty"),
        ("config.data.data_dir={folder}/empty",),
    ),
    "no raw folder": (
        "main",
        (MNIST, "--config.data.source=raw", "--config.data.raw_dir={folder}/nowhere"),
        ("config.data.raw_dir={folder}/nowhere",),
    ),
    "truncated gz": (
        "main",
        (MNIST, "--config.data.source=raw", "--config.data.raw_dir={folder}/truncated"),
        ("config.data.raw_dir={folder}/truncated", "truncated"),
    ),
    "wrong checksum": (
        "main",
        (MNIST, "--config.data.source=raw", "--config.data.raw_dir={folder}/checksum"),
        ("config.data.raw_dir={folder}/checksum", "checksum"),
    ),
    "size a model can't make": (
        "main",
        (*EMBEDDED, "--config.data.image_size=30"),
        ("config.data.image_size=30", "divisible by 4"),
    ),
    "no size": ("main", (*EMBEDDED, "--config.data.image_size=0"), ("data.image_size=0",)),
    "a convolutional pair for points": (
        "main",
        (RING, "--config.model.name=dcgan"),
        ("config.model.name=dcgan", "(2,)"),
    ),
    "batch larger than the set": (
        "main",
        (*EMBEDDED, "--config.train.batch_size=4501"),
        ("config.train.batch_size=4501", "4500"),
    ),
    "batch that does not divide": (
        "main",
        (RING, "--config.train.batch_size=512"),
        ("config.train.batch_size=512", "3 devices"),
    ),
    "process number out of range": ("main", (RING, "--process_id=1"), ("--process_id=1",)),
    "a file for a folder": (
        "main",
        (RING, "--workdir={folder}/file"),
        ("--workdir={folder}/file",),
    ),
    "no run to sample": (
        "sample",
        ("--workdir={folder}/empty", "--out={folder}/x.npz"),
        ("--workdir={folder}/empty",),
    ),
    "no folder to write samples to": (
        "sample",
        ("--workdir={folder}/empty", "--out={folder}/no/x.npz"),
        ("--out={folder}/no/x.npz",),
    ),
    "no samples": (
        "sample",
        ("--workdir={folder}/empty", "--out={folder}/x.npz", "--num=0"),
        ("num=0",),
    ),
    "no run to go through": (
        "interpolate",
        ("--workdir={folder}/empty", "--out={folder}/x.png"),
        ("--workdir={folder}/empty",),
    ),
    "no way to go": (
        "interpolate",
        ("--workdir={folder}/empty", "--out={folder}/x.png", "--mode=cubic"),
        ("--mode=cubic", "spherical"),
    ),
    "a film of no kind": (
        "interpolate",
        ("--workdir={folder}/empty", "--out={folder}/x.avi"),
        ("--out={folder}/x.avi", ".gif"),
    ),
    "no run to evaluate": ("evaluate", ("--workdir={folder}/no",), ("--workdir={folder}/no",)),
    "no folder named": ("evaluate", (), ("--workdir",)),
}


def fill(folder):
    """The files that the cases name: images with wrong bytes in a right format, and cut ones."""
    for name in ("empty", "truncated", "checksum"):
        (folder / name).mkdir()
    (folder / "file").write_text("not a folder")
    for name in FILES:
        whole = gzip.compress(b"\0\0\x08\x01\0\0\0\x01\x05" * 1000)
        (folder / "truncated" / name).write_bytes(whole[: len(whole) // 2])
        header = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (1, 28, 28))
        body = header + bytes(784) if "images" in name else b"\0\0\x08\x01\0\0\0\x01\x05"
        (folder / "checksum" / name).write_bytes(gzip.compress(body))


def run_forked(module: str, flags: Sequence[str], devices: int) -> tuple[int, str, str]:
    """The exit code, the output and the errors of a program, in a child of this process."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if not child:
            signal.alarm(60)
            os.dup2(out.fileno(), sys.stdout.fileno())
            os.dup2(err.fileno(), sys.stderr.fileno())
            os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
            sys.argv[1:] = flags
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            sys.exit()
        _, status = os.waitpid(child, 0)
        for file in (out, err):
            file.seek(0)
        return os.waitstatus_to_exitcode(status), out.read(), err.read()


def run_all(folder: str) -> dict[str, tuple[int, str, str]]:
    """What `run_forked` returns of each case."""
    # Once, what would take each program seconds; no device is touched yet.
    from gan_jax import latent  # noqa: F401
    from gan_jax.run import evaluation, restore, train  # noqa: F401

    gc.freeze()  # no child needs to look through it when it ends
    found = {}
    for case, (module, flags, _) in CASES.items():
        flags = [flag.format(folder=folder) for flag in flags]
        if module == "main" and not any(flag.startswith("--workdir") for flag in flags):
            flags.append(f"--workdir={folder}/runs/{case}")
        found[case] = run_forked(f"gan_jax.{module}", flags, devices=3 if "divide" in case else 1)
    return found


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """The folder, and what `run_all` returns, by a process with one thread: it forks."""
    folder = tmp_path_factory.mktemp("bad")
    fill(folder)
    variables = {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(program.REPOSITORY)}
    ended = subprocess.run(
        [sys.executable, __file__, folder],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    return folder, json.loads(ended.stdout)


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gives_one_line_and_loses_nothing(outcomes, case):
    folder, (code, _, err) = outcomes[0], outcomes[1][case]
    assert code == 2, err
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    for text in CASES[case][2]:
        assert text.format(folder=folder) in line
    assert not (folder / "runs" / case).exists()
    assert (folder / "file").read_text() == "not a folder"


if __name__ == "__main__":
    json.dump(run_all(sys.argv[1]), sys.stdout)

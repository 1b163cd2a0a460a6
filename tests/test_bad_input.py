"""Bad input, as a table: one clear line naming key and value, exit code 2, nothing lost."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import program
import pytest

from gan_jax.data.idx_sets import FILES

MNIST = f"--config={program.REPOSITORY}/configs/mnist.py"
RING = f"--config={program.REPOSITORY}/configs/ring.py"
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


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """All cases, two processes at a time."""
    folder = tmp_path_factory.mktemp("bad")
    fill(folder)

    def outcome(case):
        module, flags, expected = CASES[case]
        flags = [flag.format(folder=folder) for flag in flags]
        if module == "main" and not any(flag.startswith("--workdir") for flag in flags):
            flags.append(f"--workdir={folder}/runs/{case}")
        devices = 3 if "divide" in case else 1
        ended = program.finish(program.start(f"gan_jax.{module}", *flags, devices=devices))
        return ended, [text.format(folder=folder) for text in expected]

    with ThreadPoolExecutor(2) as pool:
        return folder, dict(zip(CASES, pool.map(outcome, CASES), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gives_one_line_and_loses_nothing(outcomes, case):
    folder, (ended, expected) = outcomes[0], outcomes[1][case]
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    for text in expected:
        assert text in line
    assert not (folder / "runs" / case).exists()
    assert (folder / "file").read_text() == "not a folder"

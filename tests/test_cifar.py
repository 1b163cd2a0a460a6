"""CIFAR-10's published files: small ones of their very format, whole, damaged, and prepared."""

import dataclasses
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable

import numpy as np
import pytest
from ml_collections import ConfigDict

from gan_jax.core.errors import InputError
from gan_jax.data import cifar, load, prepared
from gan_jax.data.raw_set import File
from gan_jax.data.raw_sets import RAW_SETS

RECORDS = 4  # a file; 10,000 in the published ones
NAMES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
ARCHIVE = "cifar-10-binary.tar.gz"


def written(contents: dict[str, bytes]) -> bytes:
    """The archive of some files, in the published one's folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def settings(**values) -> ConfigDict:
    fields = {"name": "cifar10", "source": "raw", "data_dir": "", "raw_dir": "", "image_size": 32}
    return ConfigDict(fields | values)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small "cifar10": a folder with its archive, the files in it, and what they hold."""
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(6 * RECORDS, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(10, size=6 * RECORDS)
    contents = dict.fromkeys(NAMES, b"")
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        planes = b"".join(image[..., channel].tobytes() for channel in range(3))
        contents[NAMES[number // RECORDS]] += bytes([label]) + planes
    folder = tmp_path / "raw"
    folder.mkdir()
    publish(monkeypatch, folder, written(contents))
    return folder, contents, images, labels


def publish(monkeypatch, folder, packed: bytes):
    """Puts an archive into the folder whose checksum stands in for the real one."""
    (folder / ARCHIVE).write_bytes(packed)
    files = {"archive": File(len(packed), hashlib.sha256(packed).hexdigest())}
    there = dataclasses.replace(
        RAW_SETS["cifar10"], url="http://no-such-host.invalid/", files=files, records=RECORDS
    )
    monkeypatch.setitem(RAW_SETS, "cifar10", there)


def check_equals(dataset, images, labels):
    held_out = len(images) - RECORDS
    np.testing.assert_array_equal(dataset.train, images[:held_out])
    np.testing.assert_array_equal(dataset.test, images[held_out:])
    np.testing.assert_array_equal(dataset.train_conditions["label"], labels[:held_out])
    np.testing.assert_array_equal(dataset.test_conditions["label"], labels[held_out:])
    assert (
        dataset.train_conditions["label"].dtype
        == dataset.test_conditions["label"].dtype
        == np.int32
    )
    assert dataset.train.dtype == np.uint8


def unpack(folder, contents):
    (folder / ARCHIVE).unlink()
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def test_a_record_written_by_hand():
    red, green, blue = bytes(range(256)) * 4, bytes([7]) * 1024, bytes([9]) * 1023 + bytes([8])
    images, labels = cifar.parse(bytes([3]) + red + green + blue, 1, 10)
    assert labels.tolist() == [3]
    assert images.shape == (1, 32, 32, 3)
    assert images[0, 0, 5].tolist() == [5, 7, 9]
    assert images[0, 1, 0].tolist() == [32, 7, 9]  # rows of 32 pixels
    assert images[0, 31, 31].tolist() == [255, 7, 8]


def test_the_published_files_have_ten_thousand_records():
    assert RAW_SETS["cifar10"].records * cifar.RECORD == 30_730_000
    assert RAW_SETS["cifar10"].classes[3] == "cat"


def test_the_archive_and_its_unpacked_files_are_the_same_set(small):
    folder, contents, images, labels = small
    dataset = load(settings(raw_dir=str(folder)))
    check_equals(dataset, images, labels)
    assert (dataset.source, dataset.shape) == ("raw", (32, 32, 3))
    assert load(settings(source="auto", raw_dir=str(folder))).source == "raw"
    unpack(folder, contents)
    check_equals(load(settings(raw_dir=str(folder))), images, labels)
    inner = folder.rename(folder.parent / "cifar-10-batches-bin")
    check_equals(load(settings(raw_dir=str(inner.parent))), images, labels)


def test_colour_images_are_resized(small):
    folder, *_ = small
    assert load(settings(raw_dir=str(folder), image_size=16)).shape == (16, 16, 3)


def test_prepared_by_the_program_the_set_is_the_raw_files(small, tmp_path, monkeypatch):
    folder, _, images, labels = small
    where = prepared.prepare("cifar10", str(tmp_path / "tfds"), str(folder))
    assert where == tmp_path / "tfds" / "cifar10" / "3.0.2"
    for source in ("tfds", "auto"):
        dataset = load(settings(source=source, data_dir=str(tmp_path / "tfds")))
        assert dataset.source == "tfds"
        check_equals(dataset, images, labels)
    assert dataset.fingerprint == load(settings(raw_dir=str(folder))).fingerprint


def test_a_prepared_set_has_what_that_of_tfds_has(small, tmp_path):
    import tensorflow_datasets as tfds

    folder, *_ = small
    prepared.prepare("cifar10", str(tmp_path), str(folder))
    stock = tfds.image_classification.cifar.Cifar10(data_dir=tmp_path / "none")
    ours = tfds.builder_from_directory(tmp_path / "cifar10" / "3.0.2")
    assert ours.info.features.keys() == stock.info.features.keys()
    assert ours.info.features.shape == stock.info.features.shape
    assert ours.info.features.np_dtype == stock.info.features.np_dtype


def in_file(name: str, change: Callable[[bytes], bytes]):
    """A change of one of the files, to be published in an archive that is whole."""
    return lambda contents: contents | {name: change(contents[name])}


CHANGES = {  # of the files, and what the error says
    "cut short": (
        in_file("data_batch_3.bin", lambda data: data[:-1]),
        "holds a data_batch_3.bin that is truncated at 12291 bytes of 12292",
    ),
    "a record short": (
        in_file("test_batch.bin", lambda data: data[3073:]),
        "holds a test_batch.bin that is truncated",
    ),
    "empty": (
        in_file("data_batch_1.bin", lambda data: b""),
        "holds a data_batch_1.bin that is truncated",
    ),
    "too long": (
        in_file("data_batch_5.bin", lambda data: data + b"\0\0"),
        "holds a data_batch_5.bin that is 2 bytes too long",
    ),
    "no such class": (
        in_file("data_batch_2.bin", lambda data: data[:3073] + b"\x0a" + data[3074:]),
        "holds a data_batch_2.bin that has label 10 in record 1, not one of 0 to 9",
    ),
    "a file missing": (
        lambda contents: {n: c for n, c in contents.items() if n != "data_batch_4.bin"},
        "holds no data_batch_4.bin",
    ),
}


def check_refused(folder, why):
    for source in ("raw", "auto"):
        with pytest.raises(InputError, match=why) as caught:
            load(settings(source=source, raw_dir=str(folder)))
        assert caught.value.key == "config.data.raw_dir"
        assert ARCHIVE in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("change", "why"), CHANGES.values(), ids=CHANGES)
def test_a_wrong_file_is_named_in_the_archive_and_unpacked(small, monkeypatch, change, why):
    folder, contents, *_ = small
    publish(monkeypatch, folder, written(change(contents)))
    check_refused(folder, f"{ARCHIVE} {why}")
    unpack(folder, change(contents))
    check_refused(folder, f"the unpacked {ARCHIVE} {why}")


DAMAGE = {  # of the archive's bytes, and what the error says
    "cut short": (lambda data: data[: len(data) // 2], "is truncated at"),
    "not packed": (gzip.decompress, "is not a gz file"),
    "something else packed": (lambda data: gzip.compress(bytes(range(256)) * 9), "not a tar file"),
    "cut short before it was packed": (
        lambda data: gzip.compress(gzip.decompress(data)[:20_000]),
        "truncated|damaged",
    ),
    "packed again": (lambda data: gzip.compress(gzip.decompress(data), 1), "wrong checksum"),
}


@pytest.mark.parametrize(("damage", "why"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_archive_is_one_line(small, damage, why):
    folder, *_ = small
    path = folder / ARCHIVE
    path.write_bytes(damage(path.read_bytes()))
    check_refused(folder, why)


def test_a_folder_without_the_files_says_where_to_get_them(tmp_path):
    address = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    with pytest.raises(InputError, match=f"{ARCHIVE} is missing; get it from {address}"):
        load(settings(raw_dir=str(tmp_path)))


def test_without_network_auto_says_what_to_do(small, tmp_path):
    with pytest.raises(InputError, match=f"can't be downloaded .* the folder of {ARCHIVE}"):
        load(settings(source="auto", data_dir=str(tmp_path / "none")))


def test_the_program_that_prepares_knows_the_set(tmp_path):
    flags = ["--name=cifar10", f"--data_dir={tmp_path}", f"--raw_dir={tmp_path}"]
    command = [sys.executable, "-m", "gan_jax.data.prepare", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"error: --raw_dir={tmp_path}: {ARCHIVE} is")

"""Data: every source gives what it says, and everything a user can get wrong is one clear line."""

import functools
import gzip
import hashlib
import http.server
import logging
import re
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import requests
from ml_collections import ConfigDict
from PIL import Image

from gan_jax.core.errors import InputError
from gan_jax.data import DATASETS, Dataset, idx, images, load, prepared, reach, stacked
from gan_jax.data.idx_sets import FILES, IdxSet
from gan_jax.data.mixtures import MIXTURES
from gan_jax.data.raw_set import File
from gan_jax.data.raw_sets import RAW_SETS

COUNTS = {"train": 60, "test": 20}


def pack(array: np.ndarray) -> bytes:
    """An idx file's bytes, before gzip."""
    header = struct.pack(f">{1 + array.ndim}I", 0x800 | array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def config(**values) -> ConfigDict:
    fields = {"name": "mnist", "source": "auto", "data_dir": "", "raw_dir": "", "image_size": 28}
    return ConfigDict(fields | values)


class WithoutTensorFlow:
    """An import hook: where TensorFlow is installed, it is as if it were not."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "tensorflow":
            raise ModuleNotFoundError(name=name)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small "mnist" in a folder of gz files; its checksums stand in for the real ones."""
    monkeypatch.setattr(sys, "meta_path", [WithoutTensorFlow, *sys.meta_path])
    rng = np.random.default_rng(0)
    folder = tmp_path / "raw"
    folder.mkdir()
    parts, files = {}, {}
    for part, name in FILES.items():
        split = part.removesuffix("_labels")
        shape = () if part != split else (28, 28)
        parts[part] = rng.integers(256 if shape else 10, size=(COUNTS[split], *shape))
        packed = gzip.compress(pack(parts[part]))
        (folder / name).write_bytes(packed)
        files[part] = File(len(packed), hashlib.sha256(packed).hexdigest())
    url = "http://no-such-host.invalid/"
    monkeypatch.setitem(RAW_SETS, "mnist", IdxSet(url, files, RAW_SETS["mnist"].classes))
    return folder, parts


def check_equals(dataset: Dataset, parts: dict[str, np.ndarray]):
    np.testing.assert_array_equal(dataset.train[..., 0], parts["train"])
    np.testing.assert_array_equal(dataset.test[..., 0], parts["test"])
    np.testing.assert_array_equal(dataset.train_conditions["label"], parts["train_labels"])
    np.testing.assert_array_equal(dataset.test_conditions["label"], parts["test_labels"])


def check_contract(dataset: Dataset):
    """What holds for every data set, whatever its source."""
    assert dataset.test.shape[1:] == dataset.shape
    assert dataset.train.dtype == dataset.test.dtype == dataset.kind.dtype
    assert dataset.train_conditions["label"].shape == dataset.train.shape[:1]
    assert dataset.test_conditions["label"].shape == dataset.test.shape[:1]
    assert (
        dataset.train_conditions["label"].dtype
        == dataset.test_conditions["label"].dtype
        == np.int32
    )
    assert re.fullmatch("[0-9a-f]{16}", dataset.fingerprint)
    assert dataset.name in dataset.summary
    assert str(len(dataset.train)) in dataset.summary


# The idx format and raw files


def test_idx_parses_a_file_written_by_hand():
    data = bytes([0, 0, 8, 3]) + bytes([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]) + bytes([1, 2, 3, 4])
    np.testing.assert_array_equal(idx.parse(data, 3), [[[1, 2]], [[3, 4]]])


def test_raw_files_are_read_as_they_are(small):
    folder, parts = small
    dataset = load(config(source="raw", raw_dir=str(folder)))
    check_contract(dataset)
    check_equals(dataset, parts)
    assert (dataset.source, dataset.shape) == ("raw", (28, 28, 1))
    assert load(config(raw_dir=str(folder))).fingerprint == dataset.fingerprint  # auto


def unzipped(data: bytes) -> bytes:
    return gzip.decompress(data)


def regzipped(change):
    return lambda data: gzip.compress(change(gzip.decompress(data)))


DAMAGE = {  # how the file comes to be what it is: its new bytes, and what the error says
    "cut short": (lambda data: data[: len(data) // 2], "is truncated"),
    "empty": (lambda data: b"", "is truncated"),
    "fewer examples than the header says": (regzipped(lambda data: data[:-1]), "is truncated"),
    "not packed": (unzipped, "is not a gz file"),
    "flipped bits": (lambda data: data[:500] + bytes(500) + data[1000:], "damaged"),
    "labels for images": (lambda data: gzip.compress(pack(np.zeros(60))), "magic number 2049"),
    "too long": (regzipped(lambda data: data + b"\0"), "1 bytes longer"),
    "another set": (lambda data: gzip.compress(pack(np.ones((60, 28, 28)))), "wrong checksum"),
}


@pytest.mark.parametrize(("damage", "why"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_named_with_what_is_wrong(small, damage, why):
    folder, _ = small
    path = folder / FILES["train"]
    path.write_bytes(damage(path.read_bytes()))
    for source in ("raw", "auto"):  # auto must not pass over a folder that the user named
        with pytest.raises(InputError, match=why) as caught:
            load(config(source=source, raw_dir=str(folder)))
        assert caught.value.key == "config.data.raw_dir"
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(small):
    folder, _ = small
    (folder / FILES["test_labels"]).unlink()
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte\.gz is missing"):
        load(config(raw_dir=str(folder)))


def test_addresses_sizes_and_checksums_are_those_of_tfds():
    import tensorflow_datasets as tfds

    for name, raw_set in RAW_SETS.items():
        path = tfds.core.tfds_path() / "url_checksums" / f"{name}.txt"
        known = tfds.download.checksums.load_url_infos(path)
        ours = {raw_set.urls[key]: tuple(file) for key, file in raw_set.files.items()}
        assert ours == {url: (info.size, info.checksum) for url, info in known.items()}


# Prepared sets


def test_a_prepared_set_is_the_raw_files(small, tmp_path):
    folder, parts = small
    data_dir = tmp_path / "tfds"
    where = prepared.prepare("mnist", str(data_dir), str(folder))
    assert where == data_dir / "mnist" / "3.0.1"
    dataset = load(config(source="tfds", data_dir=str(data_dir)))
    check_contract(dataset)
    check_equals(dataset, parts)
    assert dataset.source == "tfds"
    assert dataset.fingerprint == load(config(source="raw", raw_dir=str(folder))).fingerprint
    assert load(config(data_dir=str(data_dir))).source == "tfds"  # auto


def test_a_prepared_set_is_not_written_again(small, tmp_path):
    folder, _ = small
    where = prepared.prepare("mnist", str(tmp_path), str(folder))
    assert prepared.prepare("mnist", str(tmp_path), "no such folder") == where


def test_any_version_is_read_and_the_newest_is_taken(small, tmp_path):
    folder, parts = small
    where = prepared.prepare("mnist", str(tmp_path), str(folder))
    for version in ("2.9.0", "10.0.0", "incomplete.A1_11.0.0"):
        other = where.parent / version
        other.mkdir()
        for path in where.iterdir():
            content = path.read_bytes()
            if path.suffix == ".json":
                content = content.replace(b"3.0.1", version.encode())
            (other / path.name).write_bytes(content)
    assert prepared.find("mnist", str(tmp_path)).name == "10.0.0"
    check_equals(load(config(source="tfds", data_dir=str(tmp_path))), parts)


def test_a_damaged_prepared_set_is_an_input_error(small, tmp_path):
    folder, _ = small
    where = prepared.prepare("mnist", str(tmp_path), str(folder))
    (where / "dataset_info.json").write_text("{")
    with pytest.raises(InputError, match="delete it and prepare it again"):
        load(config(source="tfds", data_dir=str(tmp_path)))


def test_a_set_in_another_format_is_not_taken_for_a_prepared_one(small, tmp_path):
    folder, _ = small
    stock = tmp_path / "mnist" / "3.0.1"
    stock.mkdir(parents=True)
    (stock / "mnist-train.tfrecord-00000-of-00001").touch()
    with pytest.raises(InputError, match="holds no mnist prepared as array_record"):
        load(config(source="tfds", data_dir=str(tmp_path)))
    with pytest.raises(InputError, match="needs TensorFlow, choose another folder"):
        prepared.prepare("mnist", str(tmp_path), str(folder))


# Downloads


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(small, monkeypatch):
    """The small set on a web server of this machine's own."""
    folder, parts = small
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        there = IdxSet(url, RAW_SETS["mnist"].files, RAW_SETS["mnist"].classes)
        monkeypatch.setitem(RAW_SETS, "mnist", there)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield folder, parts
        server.shutdown()


def test_auto_downloads_and_prepares(served, tmp_path):
    _, parts = served
    dataset = load(config(data_dir=str(tmp_path / "tfds")))
    assert dataset.source == "tfds"
    check_equals(dataset, parts)


def test_a_download_with_other_contents_is_refused(served, tmp_path):
    folder, _ = served
    (folder / FILES["test"]).write_bytes(b"another file")
    with pytest.raises(InputError, match=f"{FILES['test']}.* has wrong checksum"):
        prepared.prepare("mnist", str(tmp_path / "tfds"))
    assert prepared.find("mnist", str(tmp_path / "tfds")) is None


def test_without_network_auto_says_so_and_uses_the_embedded_set(small, tmp_path, caplog):
    start = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="absl"):
        dataset = load(config(data_dir=str(tmp_path / "tfds")))
    assert time.monotonic() - start < 8
    assert dataset.source == "embedded"
    # Of the program alone: where a name server knows any name, what downloads says that it retries.
    (line,) = [record.getMessage() for record in caplog.records if record.name == "absl"]
    assert "no-such-host.invalid" in line
    assert "\n" not in line


def test_without_network_or_an_embedded_set_auto_says_what_to_do(tmp_path, monkeypatch):
    there = IdxSet("http://no-such-host.invalid/", {}, ())
    monkeypatch.setitem(RAW_SETS, "kmnist", there)
    with pytest.raises(InputError, match="set it to the folder of the four"):
        load(config(name="kmnist", data_dir=str(tmp_path)))


def test_a_probe_gives_up_on_a_look_up_that_hangs(monkeypatch):
    hang = threading.Event()
    monkeypatch.setattr(requests, "head", lambda *args, **kwargs: hang.wait(60))
    start = time.monotonic()
    with pytest.raises(ConnectionError, match="TimeoutError"):
        reach.probe("http://no-such-host.invalid/", seconds=0.2)
    assert time.monotonic() - start < 2
    hang.set()


def test_a_probe_asks_for_the_file_itself(served):
    url = RAW_SETS["mnist"].url
    reach.probe(RAW_SETS["mnist"].urls["train"])
    with pytest.raises(ConnectionError, match="HTTPError"):
        reach.probe(url + "no-such-file")


# Embedded sets


def test_embedded_digits_are_split_evenly_and_apart():
    dataset = load(config(source="embedded"))
    check_contract(dataset)
    assert np.bincount(dataset.train_conditions["label"]).tolist() == [450] * 10
    assert np.bincount(dataset.test_conditions["label"]).tolist() == [50] * 10
    assert np.bincount(dataset.train_conditions["label"][:100]).tolist() == [10] * 10
    train = {image.tobytes() for image in dataset.train}
    assert len(train) == 4500
    assert train.isdisjoint(image.tobytes() for image in dataset.test)
    assert dataset.train.min() == 0
    assert dataset.train.max() == 255
    assert dataset.fingerprint == load(config(source="embedded")).fingerprint


# Sizes


@pytest.mark.parametrize("size", [4, 14, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_resizing_all_at_once_is_resizing_one_by_one(size, channels):
    natives = np.random.default_rng(0).integers(256, size=(5, 28, 28, channels)).astype(np.uint8)
    resized = images.resize(natives, size)
    assert resized.shape == (5, size, size, channels)
    for native, one in zip(natives, resized, strict=True):
        native, one = (x.squeeze(-1) if channels == 1 else x for x in (native, one))
        expected = Image.fromarray(native).resize((size, size), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(one, expected)


def test_both_splits_are_resized():
    dataset = load(config(source="embedded", image_size=16))
    check_contract(dataset)
    assert dataset.shape == (16, 16, 1)


# Mixtures


@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures_keep_the_contract(name):
    check_contract(load(config(name=name)))


# What a user can get wrong


WRONG = {
    "unknown set": ({"name": "mnits"}, "config.data.name", "cifar10, fashion_mnist, grid, kmnist"),
    "unknown source": ({"source": "web"}, "config.data.source", "auto, embedded, raw, tfds"),
    "not prepared": (
        {"source": "tfds", "data_dir": "none"},
        "config.data.data_dir",
        "python -m gan_jax.data.prepare --name=mnist --data_dir=none",
    ),
    "no raw folder given": ({"source": "raw"}, "config.data.raw_dir", "set it to the folder"),
    "raw folder missing": ({"source": "raw", "raw_dir": "none"}, "config.data.raw_dir", "no such"),
    "raw folder missing, auto": ({"raw_dir": "none"}, "config.data.raw_dir", "no such folder"),
    "fashion not embedded": (
        {"name": "fashion_mnist", "source": "embedded"},
        "config.data.source",
        "no package carries fashion_mnist, only mnist",
    ),
    "kmnist not embedded": (
        {"name": "kmnist", "source": "embedded"},
        "config.data.source",
        "no package carries kmnist, only mnist",
    ),
    "too small": ({"image_size": 3}, "config.data.image_size", "must be 4 or more"),
    "no folder given for colour images": (
        {"name": "cifar10", "source": "raw"},
        "config.data.raw_dir",
        "set it to the folder of cifar-10-binary.tar.gz",
    ),
    "cifar10 not embedded": (
        {"name": "cifar10", "source": "embedded"},
        "config.data.source",
        "no package carries cifar10, only mnist",
    ),
    **{
        f"{name} from {source}": (
            {"name": name, "source": source},
            "config.data.source",
            "set it to auto or exact",
        )
        for name in MIXTURES
        for source in ("tfds", "raw", "embedded")
    },
}


@pytest.mark.parametrize(("values", "key", "why"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_one_line_that_says_what_to_do(tmp_path, monkeypatch, values, key, why):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        load(config(**values))
    assert caught.value.key == key
    assert why in caught.value.why
    assert "\n" not in str(caught.value)


PREPARE_WRONG = {
    "unknown set": (["--name=ring"], "--name=ring: unknown"),
    "folder missing": (["--raw_dir=none"], "--raw_dir=none: no such folder"),
}


@pytest.mark.parametrize(("arguments", "message"), PREPARE_WRONG.values(), ids=PREPARE_WRONG)
def test_prepare_ends_with_one_line_and_code_2(tmp_path, arguments, message):
    command = [sys.executable, "-m", "gan_jax.data.prepare", f"--data_dir={tmp_path}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"error: {message}")
    assert "Traceback" not in done.stderr


def test_every_data_set_has_a_loader():
    assert set(DATASETS) == {*RAW_SETS, *MIXTURES, stacked.NAME}


def test_stacked_digits_are_drawn_once_and_for_all(monkeypatch):
    monkeypatch.setattr(stacked, "TRAIN_IMAGES", 50)
    monkeypatch.setattr(stacked, "TEST_IMAGES", 20)
    made = config(name=stacked.NAME, source="embedded")
    found = load(made)
    assert found.fingerprint == load(made).fingerprint == "7a8a0953e1788478"
    assert found.spec.name == stacked.NAME
    assert DATASETS[stacked.NAME].shape(made) == found.shape == (28, 28, 3)
    digits = load(config(source="embedded"))
    for split in ("train", "test"):
        known = {
            image.tobytes(): label
            for image, label in zip(
                getattr(digits, split), getattr(digits, f"{split}_conditions")["label"], strict=True
            )
        }
        modes = getattr(found, f"{split}_conditions")["label"]
        for image, mode in zip(getattr(found, split), modes, strict=True):
            channels = np.moveaxis(image, -1, 0)
            assert mode == int("".join(str(known[channel.tobytes()]) for channel in channels))
    assert load(config(name=stacked.NAME, source="embedded", image_size=8)).shape == (8, 8, 3)

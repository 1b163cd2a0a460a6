"""The image sets that come as four idx files, and how to know their files from each other's."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np

from gan_jax.data import gz, idx
from gan_jax.data.raw_set import File, RawSet

FILES = {  # part: its file's name, the same in every set
    "train": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}


@dataclasses.dataclass(frozen=True)
class IdxSet(RawSet):
    """One set of four files, with a part in each."""

    names = FILES
    needed = "the four *-ubyte.gz files"
    shape = (28, 28, 1)
    version = "3.0.1"

    def decode(self, key: str, path: Path) -> dict[str, np.ndarray]:
        """Reads the part `key`; see `RawSet.decode`."""
        labels = key.endswith("labels")
        parse = partial(idx.parse, ndim=1 if labels else 3)
        array = gz.read(path, parse, sha256=self.files[key].sha256)
        return {key: array.astype(np.int32) if labels else array[..., None]}


# Addresses, sizes and checksums are those of TFDS (its folder url_checksums); a test compares them.
IDX_SETS = {
    "mnist": IdxSet(
        url="https://storage.googleapis.com/cvdf-datasets/mnist/",
        files={
            "train": File(
                9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
            ),
            "train_labels": File(
                28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            "test": File(
                1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            "test_labels": File(
                4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        },
        classes=tuple("0123456789"),
    ),
    "fashion_mnist": IdxSet(
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        files={
            "train": File(
                26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
            ),
            "train_labels": File(
                29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            "test": File(
                4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            "test_labels": File(
                5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
            ),
        },
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
    ),
    "kmnist": IdxSet(
        url="http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        files={
            "train": File(
                18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"
            ),
            "train_labels": File(
                29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"
            ),
            "test": File(
                3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"
            ),
            "test_labels": File(
                5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"
            ),
        },
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
}

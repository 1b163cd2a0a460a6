"""All image sets that can be read from published files."""

from gan_jax.data.cifar import CIFAR_SETS
from gan_jax.data.dataset import Dataset
from gan_jax.data.idx_sets import IDX_SETS
from gan_jax.examples import IMAGE

RAW_SETS = {**IDX_SETS, **CIFAR_SETS}


def load(name: str, raw_dir: str) -> Dataset:
    """Reads a set from a folder of its files.

    Args:
        name: One of `RAW_SETS`.
        raw_dir: The folder; `~` is expanded.

    Raises:
        InputError: If the folder or a file in it can't be used.
    """
    parts = RAW_SETS[name].read_folder(raw_dir)
    return Dataset(
        name=name,
        source="raw",
        kind=IMAGE,
        train=parts["train"],
        test=parts["test"],
        train_conditions={"label": parts["train_labels"]},
        test_conditions={"label": parts["test_labels"]},
        origin=f"the raw files in {raw_dir}",
    )

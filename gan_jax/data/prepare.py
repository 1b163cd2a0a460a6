"""Prepares an image set for TFDS: downloads it, or reads its published files from a folder.

python -m gan_jax.data.prepare --name=mnist --data_dir=DIR [--raw_dir=DIR]
"""

import sys
from collections.abc import Sequence

from absl import app, flags

from gan_jax.core.errors import InputError, choose
from gan_jax.data import prepared
from gan_jax.data.raw_sets import RAW_SETS

_NAME = flags.DEFINE_string("name", "mnist", f"The set: {', '.join(RAW_SETS)}.")
_DATA_DIR = flags.DEFINE_string("data_dir", "~/tensorflow_datasets", "TFDS's folder, written to.")
_RAW_DIR = flags.DEFINE_string("raw_dir", "", "Folder of the published files; empty: download.")


def main(argv: Sequence[str]) -> int:
    """Returns the exit code: 0, or 2 if a flag can't be used."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {' '.join(argv[1:])}")
    try:
        choose("--name", _NAME.value, RAW_SETS)
        folder = prepared.prepare(_NAME.value, _DATA_DIR.value, _RAW_DIR.value)
    except InputError as error:
        # Library code calls a value by its place in a run's config; here it came by a flag.
        named = InputError(error.key.replace("config.data.", "--"), error.value, error.why)
        print(f"error: {named}", file=sys.stderr)
        return 2
    print(f"{_NAME.value} is prepared in {folder}")
    return 0


if __name__ == "__main__":
    app.run(main)

"""The config of the best trial as a file that stands alone."""

import pprint
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from gan_jax.core.files import write_atomically

_FILE = Template('''"""$about

    python -m gan_jax.main --config=$name --workdir=DIR
"""

from ml_collections import ConfigDict

FIELDS = $fields


def get_config() -> ConfigDict:
    """All fields."""
    return ConfigDict(FIELDS)''')


def write(path: Path, config: Mapping[str, Any], about: str) -> None:
    """Write a config file.

    Args:
        path: Where to.
        config: All fields of the config, nested.
        about: What it is, in a line.
    """
    fields = pprint.pformat(dict(config), width=99, sort_dicts=False)
    write_atomically(path, _FILE.substitute(about=about, name=path.name, fields=fields))

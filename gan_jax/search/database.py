"""A SQLite database of Optuna's as bytes: saved with what it tells of, and put back with it."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from sqlalchemy import event


class Database:
    """A database that holds what was saved, whatever the file held.

    Args:
        path: The file, which is replaced.
        saved: The bytes of one, uint8 [N], or None: it is empty.

    Attributes:
        storage: It as Optuna takes it.
    """

    def __init__(self, path: Path, saved: np.ndarray | None = None):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._path = path
        _replace(path, saved)
        self.storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
        # The truth is what is saved: the file need not survive a power cut, nor be waited for.
        self.storage.engine.dispose()
        event.listen(self.storage.engine, "connect", _do_not_wait_for_the_disk)

    def saved(self) -> np.ndarray:
        """The whole database as bytes, uint8 [N]."""
        connection = sqlite3.connect(self._path)
        try:
            return np.frombuffer(connection.serialize(), np.uint8)
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of the file."""
        self.storage.engine.dispose()


def _replace(path: Path, saved: np.ndarray | None) -> None:
    for suffix in ("-journal", "-wal", "-shm"):  # of another database by then
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if saved is None:
        path.unlink(missing_ok=True)
        return
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(saved.tobytes())
    partial.replace(path)


def _do_not_wait_for_the_disk(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")

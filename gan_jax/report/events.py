"""Numbers for TensorBoard, written by the thread that has them.

A `SummaryWriter` hands them to a thread of its own. On a full disk that thread ends, its queue
fills up, and whoever adds the next number waits for ever. Here the write that fails raises.
"""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

_VERSION = "brain.Event:2"


class EventFile:
    """A new event file.

    Args:
        folder: Where it and those of earlier starts are.
        purge_step: The first step of which earlier files are not to be shown any more.

    Raises:
        OSError: If it can't be written; as the methods do.
    """

    def __init__(self, folder: Path, purge_step: int):
        folder.mkdir(parents=True, exist_ok=True)
        # The process is in the name: two starts within a second are two files.
        name = f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}"
        self.path = folder / name
        self._records = RecordWriter(str(self.path))
        self._write(Event(file_version=_VERSION))
        self._write(Event(step=purge_step, session_log=SessionLog(status=SessionLog.START)))

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Add numbers of a step, by tag."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in numbers.items()]
        self._write(Event(step=step, summary=Summary(value=values)))

    def flush(self) -> None:
        """Return when all that was added is on disk."""
        self._records.flush()

    def close(self) -> None:
        """Close it."""
        self._records.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())

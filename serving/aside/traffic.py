"""A bounded record of what was answered, for `stance models drift`."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from serving.aside.queue import Aside
from serving.config import TrafficConfig
from stance.schema import Document, DocumentResult, ItemError
from stance.traffic import FILE, LOCK, Observed, observe, traffic_files, traffic_folder


class TrafficRecord:
    """Writes down each answered document on a thread of its own, and drops it where that falls behind."""

    def __init__(self, config: TrafficConfig) -> None:
        """Write nothing yet."""
        self._texts = config.texts
        self._files = RotatedFiles(config)
        self._aside: Aside[Observed] = Aside("traffic", self._files.add, config.queued)

    def start(self) -> None:
        """Begin to write."""
        self._aside.start()

    def close(self) -> None:
        """End after the document in work."""
        self._aside.close()

    def see(
        self, items: Sequence[Document | ItemError], results: Sequence[DocumentResult | ItemError], author: bool
    ) -> None:
        """Take what was answered, as much as there is room for; neither waits nor raises."""
        now = datetime.now(UTC)
        answered = [result for result in results if isinstance(result, DocumentResult)]
        self._aside.offer([observe(result, now, self._texts) for result in answered])


class RotatedFiles:
    """JSONL of at most `files` times about `file_bytes`, the oldest going first; several processes may write."""

    def __init__(self, config: TrafficConfig) -> None:
        """Make no file yet."""
        self._config = config
        self._folder = traffic_folder(config.folder)

    def add(self, observed: Observed) -> None:
        """Write one line, whole or not at all. Raises `OSError`."""
        line = observed.model_dump_json(exclude_none=True).encode() + b"\n"
        with self._locked():
            path = self._folder / FILE
            if path.exists() and path.stat().st_size + len(line) > self._config.file_bytes:
                path.rename(self._folder / f"traffic-{time.time_ns()}.jsonl")
                for old in traffic_files(self._folder)[: -self._config.files + 1 or None]:
                    old.unlink()
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _append(descriptor, line)
            finally:
                os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if os.write(descriptor, line) < len(line):
        os.ftruncate(descriptor, size)  # half a line would spoil the next one too
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

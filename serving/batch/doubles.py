"""Ids that are used twice, found on disk: memory stays flat however many rows there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Ids are spread over this many files by their hash; one file at a time is sorted in memory.
BUCKETS = 64
#: 128 bits of hash: among 10^9 ids two different ones collide with a probability under 10^-20.
_ROW = np.dtype([("high", "<u8"), ("low", "<u8"), ("position", "<u8"), ("file", "<u4"), ("number", "<u8")])
_BUFFERED_ROWS = 512


class Double(NamedTuple):
    """The row at `position` has the id of an earlier row: `number` of the file with the index `file`."""

    position: int
    file: int
    number: int


class IdLedger:
    """Takes in the ids of all rows and tells which rows repeat an earlier one's."""

    def __init__(self, folder: Path) -> None:
        """Keep the hashes in `folder`, which must be empty."""
        folder.mkdir(parents=True)
        self._files = [(folder / f"{bucket:02x}").open("wb") for bucket in range(BUCKETS)]
        self._buffers: list[list[tuple[int, ...]]] = [[] for _ in range(BUCKETS)]

    def __enter__(self) -> IdLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            with suppress(OSError):  # on a full disk the last rows cannot be flushed, and are not needed
                file.close()

    def add(self, name: str, position: int, file: int, number: int) -> None:
        """Enter one row's id; positions must grow."""
        digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
        bucket = digest[0] % BUCKETS
        high, low = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
        self._buffers[bucket].append((high, low, position, file, number))
        if len(self._buffers[bucket]) >= _BUFFERED_ROWS:
            self._flush(bucket)

    def doubles(self) -> list[Double]:
        """All rows that repeat an id, by position."""
        return sorted(double for bucket in range(BUCKETS) for double in self._in_bucket(bucket))

    def _flush(self, bucket: int) -> None:
        self._files[bucket].write(np.array(self._buffers[bucket], dtype=_ROW).tobytes())
        self._buffers[bucket].clear()

    def _in_bucket(self, bucket: int) -> Iterator[Double]:
        self._flush(bucket)
        self._files[bucket].flush()
        rows: NDArray[np.void] = np.fromfile(self._files[bucket].name, dtype=_ROW)
        rows = rows[np.lexsort((rows["position"], rows["low"], rows["high"]))]
        same = (rows["high"][1:] == rows["high"][:-1]) & (rows["low"][1:] == rows["low"][:-1])
        first = 0
        for at, repeats in enumerate(same.tolist(), start=1) if same.any() else ():
            if not repeats:
                first = at
            else:
                yield Double(int(rows["position"][at]), int(rows["file"][first]), int(rows["number"][first]))

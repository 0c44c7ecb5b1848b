"""A finished job's tables, each as one stream: JSON lines or one Parquet file, part by part."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from serving.batch.tables import SCHEMAS

Table = Literal["results", "sentiment", "stances", "relations", "errors"]
ResultFormat = Literal["jsonl", "parquet"]
TABLE_NAMES: tuple[Table, ...] = get_args(Table)
FORMATS: tuple[ResultFormat, ...] = get_args(ResultFormat)
MEDIA_TYPES: dict[ResultFormat, str] = {
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
#: Rows that are decoded at once.
_ROWS = 256


def stream(out: Path, table: Table, output: ResultFormat) -> Iterator[bytes]:
    """The rows of a table of the run in `out`, in the order of the input; memory holds one part."""
    parts = sorted((out / table).iterdir())
    return _json_lines(parts) if output == "jsonl" else _parquet(parts, SCHEMAS[table])


def _json_lines(parts: list[Path]) -> Iterator[bytes]:
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(_ROWS):
            lines = [json.dumps(_told(row), ensure_ascii=False, default=_date) for row in batch.to_pylist()]
            yield ("\n".join(lines) + "\n").encode()


def _told(value: Any) -> Any:
    """Without nulls: in Parquet every row has every field."""
    if isinstance(value, dict):
        return {name: _told(inner) for name, inner in value.items() if inner is not None}
    return [_told(inner) for inner in value] if isinstance(value, list) else value


def _date(value: Any) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _parquet(parts: list[Path], schema: pa.Schema) -> Iterator[bytes]:
    """One Parquet file, a row group for each part."""
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.ParquetFile(part).read())
            yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """A file that is only appended to, and emptied into a stream."""

    def __init__(self) -> None:
        self._gathered = bytearray()
        self._taken = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._gathered += data
        return len(data)

    def tell(self) -> int:
        return self._taken + len(self._gathered)

    def take(self) -> bytes:
        data = bytes(self._gathered)
        self._taken += len(data)
        self._gathered.clear()
        return data

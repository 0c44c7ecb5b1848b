"""Rows out of a file, streamed: memory holds a line or a batch of rows, never a file.

Whatever goes wrong inside a file costs the row or the rest of the file, and says so in a row with a fault.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from serving.batch.config import ScoreConfig
from serving.batch.errors import InputError
from serving.batch.rows import EXTRAS, Fault, RawRow
from serving.batch.sources import Interrupted, Source
from stance.faults import DoubledKeyError, kind_of, refuse_doubled

#: Rows decoded from Parquet at once.
PARQUET_ROWS = 512
_BOM = b"\xef\xbb\xbf"
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
#: What Arrow raises for a cell that no Python value can hold; a time zone that is not known is a `KeyError`.
_NO_VALUE = (ValueError, OverflowError, KeyError, pa.ArrowException)


def read_source(source: Source, config: ScoreConfig) -> Generator[RawRow]:
    """Every row of a file. The last one has the fault `unreadable_file` where the file is damaged or breaks off.

    Raises `InputError` for a table without the columns that `config` names, and for a URL that stops answering:
    that may pass, while rows that a fault stands for are lost for good.
    """
    last = 0
    try:
        with source.open() as file:
            for row in _rows(source, file, config):
                last = row.number
                yield row
    except Interrupted as error:
        raise InputError(f"{source.label}: broke off after row {last}: {error}; run again") from None
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        where = f"breaks off after row {last}" if last else "cannot be read"
        message = f"{source.label}: {where}: {reason}; replace the file by a whole one"
        yield RawRow(last + 1 if last else 0, {}, Fault("unreadable_file", message))


def check_header(source: Source, config: ScoreConfig) -> None:
    """Refuse a table on this machine that lacks what `config` names, before hours go into what stands before it.

    Raises `InputError`; what else is wrong with the file is for `read_source` to tell.
    """
    if source.remote is None and source.kind != "jsonl":
        with closing(read_source(source, config)) as rows:
            next(rows, None)


def _rows(source: Source, file: IO[bytes], config: ScoreConfig) -> Iterator[RawRow]:
    if source.kind == "parquet":
        return read_parquet(file, source.label, config)
    stream = decompress(file, source.compression)
    if source.kind == "jsonl":
        return read_jsonl(stream, config.limits.row_bytes)
    return read_csv(stream, "\t" if source.kind == "tsv" else ",", source.label, config)


def decompress(file: IO[bytes], compression: str | None) -> IO[bytes]:
    """The bytes of a file that is compressed, or of one that is not.

    Raises `EOFError` for a compressed file without a byte, in which gzip and zstd would see an empty text.
    """
    if compression is not None:
        file = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
        if not file.peek(1):
            raise EOFError("the compressed file is empty")
    match compression:
        case "gzip":
            return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
        case "bz2":
            return bz2.BZ2File(file)
        case "xz":
            return lzma.LZMAFile(file)
        case "zstd":
            return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"), 1 << 20)
        case _:
            return file


class Lines:
    """Lines of a stream with their ending; of a longer one than `limit` bytes nothing is kept.

    Iteration raises `_TooLong` for such a line and can go on behind it.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        """Begin at the first line."""
        self._stream = stream
        self._limit = limit
        self.number = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> bytes:
        line = self._stream.readline(self._limit + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(_BOM)
        if len(line) <= self._limit or line.endswith(b"\n"):
            return line
        while line and not line.endswith(b"\n"):
            line = self._stream.readline(self._limit)
        raise _TooLong(f"is longer than the limit of {self._limit} bytes; split it into several rows")


class _TooLong(Exception):
    """A line beyond the limit."""


def read_jsonl(stream: IO[bytes], limit: int) -> Iterator[RawRow]:
    """One JSON object a line; blank lines are no rows."""
    lines = Lines(stream, limit)
    while True:
        try:
            line = next(lines)
        except StopIteration:
            return
        except _TooLong as error:
            yield RawRow(lines.number, {}, Fault("row_too_large", f"the row {error}"))
            continue
        if not line.isspace():
            yield _json_row(line, lines.number)


def _json_row(line: bytes, number: int) -> RawRow:
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=refuse_doubled)
    except UnicodeDecodeError as error:
        fault = Fault("invalid_utf8", f"the row is not UTF-8 at byte {error.start}; save the file as UTF-8")
    except DoubledKeyError as error:
        fault = Fault("malformed_row", f"the row {error}")
    except (ValueError, RecursionError) as error:
        fault = Fault("malformed_row", f"the row is not JSON: {error}")
    else:
        if isinstance(value, dict):
            return RawRow(number, value)
        fault = Fault("malformed_row", f"the row must be an object with an id and a text, not {kind_of(value)}")
    return RawRow(number, {}, fault)


def read_csv(stream: IO[bytes], delimiter: str, label: str, config: ScoreConfig) -> Iterator[RawRow]:
    """Rows under a header; quoted cells may hold line breaks.

    Raises `InputError` when the header lacks a column that `config` names.
    """
    csv.field_size_limit(config.limits.row_bytes)
    lines = Lines(stream, config.limits.row_bytes)
    reader = csv.reader((_Text(lines)), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        first = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except _TooLong as error:
            yield RawRow(first, {}, Fault("row_too_large", f"the row {error}"))
        except csv.Error as error:
            lost = f"lines {first} to {lines.number} are" if lines.number > first else "the row is"
            yield RawRow(first, {}, Fault("malformed_row", f"{lost} not CSV: {error}; check the quotes"))
        else:
            if header is None:
                header = [cell.strip() for cell in cells]
                _check_columns(header, label, config)
            elif cells:
                yield _csv_row(cells, header, first)
    if header is None:
        raise EOFError("the file has no header")


class _Text:
    """Lines as text; bytes that are not UTF-8 become surrogates, to be found in the cell that has them."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __iter__(self) -> _Text:
        return self

    def __next__(self) -> str:
        return next(self._lines).decode("utf-8", "surrogateescape")


def _csv_row(cells: list[str], header: list[str], number: int) -> RawRow:
    if len(cells) != len(header):
        message = f"the row has {len(cells)} cells under {len(header)} columns; quote cells that hold the delimiter"
        return RawRow(number, {}, Fault("malformed_row", message))
    values = dict(zip(header, cells, strict=True))
    for column, cell in values.items():
        if not cell.isascii() and any("\udc80" <= c <= "\udcff" for c in cell):
            return RawRow(number, {}, Fault("invalid_utf8", f"{column}: is not UTF-8; save the file as UTF-8"))
    return RawRow(number, values)


def _check_columns(columns: Iterable[str], label: str, config: ScoreConfig) -> None:
    """Refuse a table that lacks a column, or has it twice."""
    present = list(columns)
    for option, column in (("--text-column", config.text_column), ("--id-column", config.id_column)):
        if column is not None and present.count(column) != 1:
            problem = "has no column" if column not in present else "has twice the column"
            listed = ", ".join(present[:20])
            raise InputError(f"{label}: {problem} {column!r} (it has {listed}); name the right one with {option}")


def read_parquet(file: IO[bytes], label: str, config: ScoreConfig) -> Iterator[RawRow]:
    """Rows of a Parquet file; a row group that is damaged costs its own rows only.

    Raises `InputError` when the schema lacks a column that `config` names or has a text that is none.
    """
    table = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
    schema = table.schema_arrow
    _check_columns(schema.names, label, config)
    _check_types(schema, label, config)
    wanted = {config.text_column, config.id_column, config.date_column, *EXTRAS}
    columns = [name for name in schema.names if name in wanted]
    number = 0
    for group in range(table.num_row_groups):
        end = number + table.metadata.row_group(group).num_rows
        try:
            for batch in table.iter_batches(PARQUET_ROWS, row_groups=[group], columns=columns):
                for values in _parquet_rows(batch):
                    number += 1
                    yield RawRow(number, values) if isinstance(values, dict) else RawRow(number, {}, values)
        except (OSError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())
            message = f"{label}: rows {number + 1} to {end} are damaged: {reason}; replace the file by a whole one"
            yield RawRow(number + 1, {}, Fault("unreadable_file", message))
        number = end


def _check_types(schema: pa.Schema, label: str, config: ScoreConfig) -> None:
    kind = schema.field(config.text_column).type
    if not _is_text(kind):
        raise InputError(
            f"{label}: column {config.text_column!r} holds {kind}, not text; name the right one with --text-column"
        )
    if config.id_column is not None:
        kind = schema.field(config.id_column).type
        if not (_is_text(kind) or pa.types.is_integer(kind)):
            raise InputError(f"{label}: column {config.id_column!r} holds {kind}; ids are text or whole numbers")


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)


def _parquet_rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | Fault]:
    """Rows as values; text is decoded cell by cell, for Parquet does not promise that it is UTF-8."""
    columns = {name: _cells(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    for cells in zip(*columns.values(), strict=True):
        fault = next((cell for cell in cells if isinstance(cell, Fault)), None)
        if fault is not None:
            yield fault
            continue
        values = dict(zip(columns, cells, strict=True))
        try:
            yield {k: v.decode("utf-8") if isinstance(v, bytes) else v for k, v in values.items()}
        except UnicodeDecodeError as error:
            yield Fault("invalid_utf8", f"the row is not UTF-8 at byte {error.start} of a cell; save it as UTF-8")


def _cells(name: str, column: pa.Array) -> list[Any]:
    """A column's values; a `Fault` stands for each that Python cannot hold, such as a date beyond the year 9999."""
    if _is_text(column.type):
        plain = column.cast(pa.large_string()) if pa.types.is_dictionary(column.type) else column
        return pc.cast(plain, pa.large_binary()).to_pylist()
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Without pandas, Arrow refuses a time that is not a whole number of microseconds; only the day is wanted.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        return column.to_pylist()
    except _NO_VALUE:
        return [_cell(name, scalar) for scalar in column]


def _cell(name: str, scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return Fault("invalid_utf8", f"{name}: holds text that is not UTF-8; save it as UTF-8")
    except _NO_VALUE as error:
        kind = scalar.type
        code, what = ("invalid_date", "date") if pa.types.is_temporal(kind) else ("wrong_type", "value")
        reason = " ".join(str(error).split())
        return Fault(code, f"{name}: holds a {what} of type {kind} that cannot be read: {reason}; write another")

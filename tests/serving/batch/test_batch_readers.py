"""Every format and compression gives the same rows; what is broken costs as little as possible."""

from __future__ import annotations

import bz2
import datetime
import functools
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.config import RowLimits, ScoreConfig
from serving.batch.errors import InputError
from serving.batch.readers import read_source
from serving.batch.rows import Row, check_row
from serving.batch.sources import find_sources

ROWS = [{"id": "a", "text": 'Ünder the "rule",\nwe met.'}, {"id": "b", "text": "Second."}]
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
CSV = 'id,text\na,"Ünder the ""rule"",\nwe met."\nb,Second.\n'.encode()
TSV = 'id\ttext\na\t"Ünder the ""rule"",\nwe met."\nb\tSecond.\n'.encode()


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def read(path: Path, **settings: Any) -> list[Row]:
    config = ScoreConfig(inputs=(str(path),), out=path.parent / "out", **settings)
    [source], _ = find_sources(config.inputs, config.out)
    return [check_row(raw, source.label, config) for raw in read_source(source, config)]


def read_bytes(folder: Path, name: str, data: bytes, **settings: Any) -> list[Row]:
    path = folder / name
    path.write_bytes(data)
    return read(path, **settings)


def outcome(rows: list[Row]) -> list[str]:
    """Each row's id, or its fault's code."""
    return [row.fault.code if row.fault else row.id for row in rows]


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstd)],
)
@pytest.mark.parametrize(("name", "data"), [("in.jsonl", JSONL), ("in.csv", CSV), ("in.tsv", TSV)])
def test_formats_and_compressions_agree(
    tmp_path: Path, name: str, data: bytes, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    rows = read_bytes(tmp_path, name + suffix, compress(data))
    assert [(row.id, row.value["text"]) for row in rows] == [(row["id"], row["text"]) for row in ROWS]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_parquet_text_types(tmp_path: Path, kind: pa.DataType) -> None:
    texts = pa.array([row["text"] for row in ROWS]).cast(kind)
    pq.write_table(pa.table({"id": [1, 2], "text": texts}), tmp_path / "in.parquet")
    rows = read(tmp_path / "in.parquet")
    assert [(row.id, row.value["text"]) for row in rows] == [("1", ROWS[0]["text"]), ("2", "Second.")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"id": "x"}', "missing_text"),
        ('{"id": "x", "text": ""}', "missing_text"),
        ('{"id": "x", "text": " \\n"}', "missing_text"),
        ('{"id": "x", "text": 7}', "wrong_type"),
        ('{"text": "t"}', "missing_id"),
        ('{"id": "", "text": "t"}', "missing_id"),
        ('{"id": true, "text": "t"}', "wrong_type"),
        ('{"id": "\\ud800", "text": "t"}', "invalid_utf8"),
        ('{"id": "x", "text": "t", "date": "May 3"}', "invalid_date"),
        ('{"id": "x", "text": "t"', "malformed_row"),
        ("[1]", "malformed_row"),
        ('{"id": "x", "text": "One.", "text": "Two."}', "malformed_row"),
        ('{"id": "x", "text": "One.", "actors": [{"id": "a", "id": "b"}]}', "malformed_row"),
        ("[" * 100_000, "malformed_row"),
        (b'{"id": "x", "text": "\xff"}', "invalid_utf8"),
        ('{"id": "x", "text": "' + "y" * 2000 + '"}', "row_too_large"),
    ],
)
def test_a_bad_line_costs_only_itself(tmp_path: Path, line: str | bytes, code: str) -> None:
    bad = line if isinstance(line, bytes) else line.encode()
    limits = RowLimits(row_bytes=1024 if code == "row_too_large" else 1 << 20)
    data = b'{"id": "a", "text": "t"}\n\n' + bad + b'\n{"id": 5, "text": "t"}'
    rows = read_bytes(tmp_path, "in.jsonl", data, limits=limits)
    assert outcome(rows) == ["a", code, "5"]
    assert [row.number for row in rows] == [1, 3, 4]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"x", "malformed_row"),
        (b"x,a,b,c,d", "malformed_row"),
        (b'x,"a"b,', "malformed_row"),
        (b"x,\xff,", "invalid_utf8"),
        (b"x,,", "missing_text"),
        (b"x,t,{", "wrong_type"),
        (b"x," + b"y" * 2000 + b",", "row_too_large"),
    ],
)
def test_a_bad_cell_costs_only_its_row(tmp_path: Path, line: bytes, code: str) -> None:
    data = b"\xef\xbb\xbfid,text,actors\na,t,\n" + line + b"\nb,t,\n"
    assert outcome(read_bytes(tmp_path, "in.csv", data, limits=RowLimits(row_bytes=1024))) == ["a", code, "b"]


def test_an_unclosed_quote_names_its_lines(tmp_path: Path) -> None:
    rows = read_bytes(tmp_path, "in.csv", b'id,text\na,t\nb,"open\nc,t\n')
    assert outcome(rows) == ["a", "malformed_row"]
    assert "lines 3 to 4" in rows[1].fault.message  # type: ignore[union-attr]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_truncated_file_gives_what_is_whole(tmp_path: Path, suffix: str) -> None:
    fast = functools.partial(lzma.compress, preset=0)
    compress = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": fast, ".zst": zstd}[suffix]
    # Text that does not shrink, so that half of the file is about half of the rows.
    data = b"".join(b'{"id": %d, "text": "%d"}\n' % (i, hash((i, "x"))) for i in range(150_000))
    whole = compress(data)
    rows = read_bytes(tmp_path, f"in.jsonl{suffix}", whole[: len(whole) // 2])
    assert outcome(rows[-1:]) == ["unreadable_file"]
    assert len(rows) > 1000
    assert outcome(rows[:-1]) == [str(i) for i in range(len(rows) - 1)]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_compressed_file_without_a_byte_is_one_fault(tmp_path: Path, suffix: str) -> None:
    [row] = read_bytes(tmp_path, f"in.jsonl{suffix}", b"")
    assert outcome([row]) == ["unreadable_file"]
    assert row.number == 0


def test_a_compressed_file_of_no_text_has_no_row(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, "in.jsonl.gz", gzip.compress(b"")) == []


@pytest.mark.parametrize("data", [b"", b"PAR1", b"nonsense" * 100])
def test_a_parquet_file_without_its_end_is_one_fault(tmp_path: Path, data: bytes) -> None:
    assert outcome(read_bytes(tmp_path, "in.parquet", data)) == ["unreadable_file"]


def test_a_damaged_row_group_costs_its_own_rows(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    texts = [f"text {hash((i, 'x'))}" for i in range(3000)]
    table = pa.table({"id": list(range(3000)), "text": texts})
    pq.write_table(table, path, row_group_size=1000, compression="zstd", use_dictionary=False)
    column = pq.ParquetFile(path).metadata.row_group(1).column(1)
    data = bytearray(path.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 500] = bytes(500)
    path.write_bytes(data)
    found = outcome(read(path))
    assert found[:1000] == [str(i) for i in range(1000)]
    assert found[-1000:] == [str(i) for i in range(2000, 3000)]
    assert "unreadable_file" in found


def test_invalid_utf8_in_parquet_costs_its_row(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"\xff\xfe", b"fine"]).view(pa.string())
    pq.write_table(pa.table({"id": ["a", "b", "c"], "text": raw}), tmp_path / "in.parquet")
    assert outcome(read(tmp_path / "in.parquet")) == ["a", "invalid_utf8", "c"]


def nested_text(values: list[bytes]) -> pa.Array:
    """Actors, one a row, whose ids and names hold these bytes."""
    raw = pa.array(values).view(pa.string())
    structs = pa.StructArray.from_arrays([raw, raw], ["id", "name"])
    return pa.ListArray.from_arrays(pa.array(range(len(values) + 1), pa.int32()), structs)


@pytest.mark.parametrize(
    ("column", "cells", "code"),
    [
        ("date", pa.array([0, 9 * 10**17, 1], pa.timestamp("us")), "invalid_date"),
        ("date", pa.array([0, 99_999_999, 1], pa.int32()).cast(pa.date32()), "invalid_date"),
        ("date", pa.array([None, 1, None], pa.timestamp("us", "Foo/Bar")), "invalid_date"),
        ("actors", nested_text([b"x", b"caf\xe9", b"y"]), "invalid_utf8"),
        ("actors", pa.array([None, 9 * 10**17, None], pa.timestamp("us")), "invalid_date"),
        ("actors", pa.array([[], [{"id": "x", "since": datetime.date(2024, 5, 6)}], []]), "wrong_type"),
    ],
)
def test_a_cell_that_python_cannot_hold_costs_its_row(tmp_path: Path, column: str, cells: pa.Array, code: str) -> None:
    table = pa.table({"id": ["a", "b", "c"], "text": ["t", "t", "t"], column: cells})
    pq.write_table(table, tmp_path / "in.parquet")
    rows = read(tmp_path / "in.parquet")
    assert outcome(rows) == ["a", code, "c"]
    assert rows[1].fault is not None
    assert column in rows[1].fault.message


def test_nanoseconds_need_no_pandas(tmp_path: Path) -> None:
    dates = pa.array([1_700_000_000_000_000_001], pa.timestamp("ns"))
    pq.write_table(pa.table({"id": ["a"], "text": ["t"], "date": dates}), tmp_path / "in.parquet")
    config = ScoreConfig(inputs=(str(tmp_path / "in.parquet"),), out=tmp_path / "out")
    [source], _ = find_sources(config.inputs, config.out)
    [row] = read_source(source, config)
    assert type(row.values["date"]) is datetime.datetime  # and no Timestamp of pandas, which may not be there


@pytest.mark.parametrize("depth", [60, 960, 975, 991, 2000])
@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_deep_nesting_costs_its_row(tmp_path: Path, name: str, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    line = (
        f'id,text,actors\nx,t,"{deep}"\nb,t,\n' if name == "in.csv" else f'{{"id": "x", "text": "t", "actors": {deep}}}'
    )
    assert outcome(read_bytes(tmp_path, name, line.encode()))[0] == "malformed_row"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["a"], "body": ["t"]}, "no column 'text'.*--text-column"),
        ({"key": ["a"], "text": ["t"]}, "no column 'id'.*--id-column"),
        ({"id": ["a"], "text": [1.5]}, "'text' holds double, not text"),
        ({"id": [1.5], "text": ["t"]}, "'id' holds double"),
    ],
)
def test_a_table_without_its_columns_is_refused(tmp_path: Path, columns: dict[str, list[Any]], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    with pytest.raises(InputError, match=message):
        read(tmp_path / "in.parquet")


def test_a_csv_without_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'text'"):
        read_bytes(tmp_path, "in.csv", b"id,body\na,t\n")


def test_actors_mentions_and_dates_are_taken_along(tmp_path: Path) -> None:
    actors = [{"id": "x", "name": "X", "aliases": None}]
    table = pa.table({"id": ["a"], "text": ["X."], "actors": [actors], "date": [datetime.date(2024, 5, 6)]})
    pq.write_table(table, tmp_path / "in.parquet")
    [parquet] = read(tmp_path / "in.parquet")
    line = b'a,X.,"[{""id"": ""x"", ""name"": ""X""}]",2024-05-06T10:00\n'
    [cell] = read_bytes(tmp_path, "in.csv", b"id,text,actors,date\n" + line)
    assert parquet._replace(number=2) == cell
    assert (cell.value["actors"], cell.date) == ([{"id": "x", "name": "X"}], "2024-05-06")


def test_without_an_id_column_rows_are_named_by_their_place(tmp_path: Path) -> None:
    rows = read_bytes(tmp_path, "in.csv", b"text\nt\nu\n", id_column=None)
    assert [row.id for row in rows] == [f"{(tmp_path / 'in.csv').resolve()}:{n}" for n in (2, 3)]

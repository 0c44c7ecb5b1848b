"""Files, folders, globs and URLs become one list; what cannot be read is refused in one line."""

from __future__ import annotations

import bz2
import errno
import functools
import gzip
import http.server
import io
import lzma
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.arrow import ArrowFSWrapper
from fsspec.implementations.memory import MemoryFileSystem
from pyarrow import fs as arrow_fs

from serving.batch import sources
from serving.batch.config import ScoreConfig
from serving.batch.errors import InputError
from serving.batch.readers import read_source
from serving.batch.sources import Kind, Source, find_sources, public_name

LINE = b'{"id": "a", "text": "t"}\n'
_COMPRESS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    ".gz": ("gzip", gzip.compress),
    ".bz2": ("bz2", bz2.compress),
    ".xz": ("xz", functools.partial(lzma.compress, preset=0)),
    ".zst": ("zstd", functools.partial(pa.compress, codec="zstd", asbytes=True)),
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PAUSE", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    for name in ("b.csv", "a.jsonl.gz", "deep/c.parquet", "notes.txt", ".hidden.csv", "_SUCCESS"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(LINE)
    return root


def names(inputs: list[str], out: Path) -> list[str]:
    return [Path(source.label).name for source in find_sources(inputs, out)[0]]


def test_a_folder_gives_its_files_in_order(folder: Path, tmp_path: Path) -> None:
    found, ignored = find_sources([str(folder)], tmp_path / "out")
    assert [(s.kind, s.compression) for s in found] == [("jsonl", "gzip"), ("csv", None), ("parquet", None)]
    assert ignored == [str(folder / "notes.txt")]


def test_a_file_named_twice_is_read_once(folder: Path, tmp_path: Path) -> None:
    inputs = [str(folder / "b.csv"), str(folder / "*.csv"), str(folder / "**" / "*.parquet")]
    assert names(inputs, tmp_path / "out") == ["b.csv", "c.parquet"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("in/empty", "holds no file"),
        ("in/none.csv", "no such file"),
        ("in/*.pq", "matches nothing"),
        ("in/notes.txt", "kind of file"),
        ("out/results/part.jsonl", "lies in the output folder"),
        (".", "holds the output folder"),
        ("nosuch://bucket/a.csv", "cannot be opened"),
    ],
)
def test_what_names_nothing_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, item: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (folder / "empty").mkdir()
    (tmp_path / "out" / "results").mkdir(parents=True)
    (tmp_path / "out" / "results" / "part.jsonl").touch()
    with pytest.raises(InputError, match=message) as refusal:
        find_sources([item], tmp_path / "out")
    assert "\n" not in str(refusal.value)


def test_a_pipe_is_no_file(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe.jsonl")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        find_sources([str(folder / "pipe.jsonl")], tmp_path / "out")
    assert str(folder / "pipe.jsonl") in find_sources([str(folder)], tmp_path / "out")[1]


def test_a_folder_that_cannot_be_listed_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def forbidding(path: str) -> Any:
        if Path(path).name == "deep":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidding)
    with pytest.raises(InputError, match=r"deep: cannot be listed \(Permission denied\)"):
        find_sources([str(folder)], tmp_path / "out")


@pytest.mark.parametrize(
    ("item", "reason"), [("x" * 300 + ".jsonl", "File name too long"), ("loop.jsonl", "Too many levels")]
)
def test_an_input_out_of_reach_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, item: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    with pytest.raises(InputError, match=f"cannot be reached .{reason}") as refusal:
        find_sources([item], tmp_path / "out")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("target", ["x" * 300, "x.jsonl"])
@pytest.mark.parametrize("item", ["in", "in/*.jsonl"])
def test_a_file_out_of_reach_is_left_to_the_reader(folder: Path, tmp_path: Path, item: str, target: str) -> None:
    (folder / "x.jsonl").symlink_to(target)
    config = ScoreConfig(inputs=(str(tmp_path / item),), out=tmp_path / "out")
    found = {Path(source.path).name: source for source in find_sources(config.inputs, config.out)[0]}
    rows = list(read_source(found[target], config))
    assert [row.fault and row.fault.code for row in rows] == ["unreadable_file"]
    assert ("b.csv" in found) == (item == "in")


def test_names_that_are_not_utf8_are_written_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in (b"caf\xe9.jsonl", b"caf\xe9.txt"):
        Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name)).write_bytes(LINE)
    [source], [ignored] = find_sources([str(tmp_path / "in")], tmp_path / "out")
    assert [Path(source.label).name, Path(ignored).name] == ["caf\\udce9.jsonl", "caf\\udce9.txt"]
    with source.open() as file:
        assert file.read() == LINE


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINE)
    [before], _ = find_sources([str(path)], tmp_path / "out")
    path.write_bytes(LINE.replace(b"t", b"u"))
    [after], _ = find_sources([str(path)], tmp_path / "out")
    assert before.stamp != after.stamp


def test_names_of_urls_keep_no_secret() -> None:
    assert public_name("https://me:pass@host/a.csv?token=1#x") == "https://host/a.csv"


def test_object_storage_folders_and_globs(tmp_path: Path) -> None:
    store = MemoryFileSystem()
    for name in ("x/b.csv", "x/a.jsonl", "x/readme.md"):
        store.pipe(f"/store/{name}", LINE)
    found, ignored = find_sources(["memory://store/x"], tmp_path / "out")
    assert [Path(s.label).name for s in found] == ["a.jsonl", "b.csv"]
    assert len(ignored) == 1
    assert names(["memory://store/x/*.csv"], tmp_path / "out") == ["b.csv"]
    with found[0].open() as file:
        assert file.read() == LINE


def test_arrow_file_systems_serve_as_well(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = ArrowFSWrapper(arrow_fs.LocalFileSystem())
    monkeypatch.setattr(sources, "_filesystem", lambda url, scheme: (local, url.removeprefix("s3://")))
    found, _ = find_sources([f"s3://{folder}"], tmp_path / "out")
    assert [Path(s.label).name for s in found] == ["a.jsonl.gz", "b.csv", "c.parquet"]
    with found[1].open() as file:
        assert file.read() == LINE


class _Handler(http.server.SimpleHTTPRequestHandler):
    def send_head(self) -> Any:
        if "broken" in self.path:
            return self.send_error(500)
        return super().send_head()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def web(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_url_is_read(web: str, folder: Path, tmp_path: Path) -> None:
    (folder / "d.jsonl").write_bytes(LINE * 3)
    config = ScoreConfig(inputs=(f"{web}/d.jsonl",), out=tmp_path / "out")
    [source], _ = find_sources(config.inputs, config.out)
    assert [row.values["id"] for row in read_source(source, config)] == ["a"] * 3


def test_urls_that_differ_by_their_query_are_two(web: str, folder: Path, tmp_path: Path) -> None:
    (folder / "d.jsonl").write_bytes(LINE)
    found, _ = find_sources([f"{web}/d.jsonl?page=1", f"{web}/d.jsonl?page=2"], tmp_path / "out")
    assert [source.label for source in found] == [f"{web}/d.jsonl"] * 2


@pytest.mark.parametrize(("path", "reason"), [("broken.jsonl", "answered 500"), ("missing.jsonl", "cannot be read")])
def test_a_url_that_fails_is_refused(web: str, tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        find_sources([f"{web}/{path}"], tmp_path / "out")


class _Flaky(io.BytesIO):
    """A remote file of which a part cannot be fetched; pyarrow's S3 raises such errors."""

    def __init__(self, data: bytes, lost: range = range(0)) -> None:
        super().__init__(data)
        self._lost = lost

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() in self._lost:
            raise OSError("AWS Error NETWORK_CONNECTION: Timeout was reached")
        return super().read(size)


class _Store:
    """A file system of one file."""

    def __init__(self, file: _Flaky) -> None:
        self._file = file

    def open(self, path: str, mode: str) -> _Flaky:
        return self._file


def read_remote(file: _Flaky, kind: Kind, compression: str | None = None) -> list[str]:
    """Each row's id, or its fault's code."""
    source = Source("s3://bucket/in", "bucket/in", kind, compression, None, _Store(file))
    rows = read_source(source, ScoreConfig(inputs=("x",), out=Path("out")))
    return [row.fault.code if row.fault else str(row.values["id"]) for row in rows]


def parquet(groups: int) -> tuple[bytes, range]:
    """A Parquet file with groups of a thousand rows, and where the texts of its second group lie."""
    sink = io.BytesIO()
    texts = [os.urandom(20).hex() for _ in range(groups * 1000)]
    table = pa.table({"id": list(range(groups * 1000)), "text": texts})
    pq.write_table(table, sink, 1000, compression="zstd", use_dictionary=False)
    column = pq.ParquetFile(sink).metadata.row_group(1).column(1)
    start = column.data_page_offset
    return sink.getvalue(), range(start, start + column.total_compressed_size)


def test_a_connection_that_breaks_costs_no_row_group() -> None:
    data, second = parquet(3)
    with pytest.raises(InputError, match=r"broke off after row 1000: AWS Error.*; run again"):
        read_remote(_Flaky(data, second), "parquet")
    assert read_remote(_Flaky(data), "parquet") == [str(i) for i in range(3000)]


def test_a_damaged_row_group_of_a_url_costs_its_own_rows() -> None:
    data, second = parquet(3)
    middle = second[len(second) // 2]
    found = read_remote(_Flaky(data[:middle] + bytes(500) + data[middle + 500 :]), "parquet")
    assert found[:1000] + found[-1000:] == [str(i) for i in (*range(1000), *range(2000, 3000))]
    assert "unreadable_file" in found


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_url_of_a_damaged_file_is_a_fault_and_a_broken_connection_is_none(suffix: str) -> None:
    compression, compress = _COMPRESS[suffix]
    whole = compress(
        b"".join(b'{"id": %d, "text": "%s"}\n' % (i, os.urandom(20).hex().encode()) for i in range(60_000))
    )
    found = read_remote(_Flaky(whole[:-3_000]), "jsonl", compression)
    assert found == [*(str(i) for i in range(len(found) - 1)), "unreadable_file"]
    with pytest.raises(InputError, match=r"broke off after row \d+: AWS Error"):
        read_remote(_Flaky(whole, range(1, len(whole))), "jsonl", compression)


def test_a_truncated_file_on_the_web_is_a_fault(web: str, folder: Path, tmp_path: Path) -> None:
    (folder / "d.jsonl.gz").write_bytes(gzip.compress(LINE)[:-4])
    config = ScoreConfig(inputs=(f"{web}/d.jsonl.gz",), out=tmp_path / "out")
    [source], _ = find_sources(config.inputs, config.out)
    assert [row.fault.code for row in read_source(source, config) if row.fault] == ["unreadable_file"]

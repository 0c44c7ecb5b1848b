"""Which files are read: from files, folders, globs and URLs to a fixed list in a fixed order."""

from __future__ import annotations

import glob
import io
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any, Literal
from urllib.parse import urlsplit, urlunsplit

import fsspec
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow import fs as arrow_fs

from serving.batch.errors import InputError

Kind = Literal["jsonl", "csv", "tsv", "parquet"]
_KINDS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
_READABLE = ".jsonl, .ndjson, .csv, .tsv (each also .gz, .bz2, .xz, .zst) or .parquet"
_URL = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_ARROW_SCHEMES = {"s3", "gs", "gcs", "hdfs"}
_WEB = {"http", "https"}
_BUFFER = 1 << 20
#: How often a URL is asked, and the seconds before the second time; they double from there.
ATTEMPTS = 3
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Source:
    """One input file. `label` names it in results; `stamp` changes when it does (None: cannot be told)."""

    label: str
    path: str
    kind: Kind
    compression: str | None
    stamp: str | None
    remote: Any = None

    def open(self) -> IO[bytes]:
        """The file's bytes as they are stored. Raises `OSError`, or `InputError` for a URL that does not answer."""
        if self.remote is None:
            return open(self.path, "rb")
        file = _patiently(self.label, lambda: self.remote.open(self.path, "rb"))
        return file if self.kind == "parquet" else io.BufferedReader(file, _BUFFER)


def find_sources(inputs: Iterable[str], out: Path) -> tuple[list[Source], list[str]]:
    """The files that `inputs` name, in order and each once, and files of folders and globs that are passed over.

    Raises `InputError` for an input that names nothing readable, or for an output folder among the inputs.
    """
    found: dict[str, Source] = {}
    ignored: list[str] = []
    for item in inputs:
        sources = list(_remote(item, ignored) if _URL.match(item) else _local(item, out, ignored))
        if not sources:
            raise InputError(f"{item}: holds no file that can be read; expected {_READABLE}")
        for source in sources:
            found.setdefault(source.path, source)
    return list(found.values()), sorted(set(ignored))


def _local(item: str, out: Path, ignored: list[str]) -> Iterator[Source]:
    path = Path(item)
    if path.is_dir():
        if out.resolve().is_relative_to(path.resolve()):
            raise InputError(f"{item}: holds the output folder {out}; give an --out outside of the inputs")
        names = [Path(folder, name) for folder, _, files in os.walk(path, onerror=_refuse_folder) for name in files]
        named = sorted(p for p in names if not _hidden(p.relative_to(path)))
    elif path.exists():
        named = [path]
        if not path.is_file():
            raise InputError(f"{item}: is neither a file nor a folder; write what it gives to a file first")
        if kind_of_file(path.name) is None:
            raise InputError(f"{item}: the kind of file cannot be told from its name; expected {_READABLE}")
    else:
        named = sorted(p for p in map(Path, glob.glob(item, recursive=True)) if p.is_file())
        if not named:
            raise InputError(f"{item}: no such file or folder, and as a glob it matches nothing")
    for file in named:
        if out.resolve() in file.resolve().parents:
            raise InputError(f"{file}: lies in the output folder {out}; give another --out")
        kind = kind_of_file(file.name)
        special = file.exists() and not file.is_file()
        if kind is None or special:
            ignored.append(str(file))
        else:
            yield Source(str(file.resolve()), str(file.resolve()), *kind, _stamp(file))


def _refuse_folder(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be listed ({error.strerror}); mend its permissions or leave it out")


def _hidden(path: PurePath) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def kind_of_file(name: str) -> tuple[Kind, str | None] | None:
    """Kind and compression of a file by its name; None when it is not one that is read."""
    path = PurePosixPath(name.lower())
    compression = _COMPRESSIONS.get(path.suffix)
    kind = _KINDS.get(path.with_suffix("").suffix if compression else path.suffix)
    return None if kind is None or (kind == "parquet" and compression) else (kind, compression)


def _stamp(path: Path) -> str | None:
    try:
        status = path.stat()
    except OSError:  # a link to nowhere, say: reading it tells, and costs no other file its rows
        return None
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"


def _remote(item: str, ignored: list[str]) -> Iterator[Source]:
    scheme = item.partition("://")[0].lower()
    filesystem, path = _filesystem(item, scheme)
    label = public_name(item)
    if scheme in _WEB:
        paths = [path]
    elif glob.has_magic(path):
        paths = sorted(_patiently(label, lambda: filesystem.glob(path)))
    elif _patiently(label, lambda: filesystem.isdir(path)):
        inside = _patiently(label, lambda: filesystem.find(path))
        paths = sorted(p for p in inside if not _hidden(PurePosixPath(p.split(path.strip("/"), 1)[-1].strip("/"))))
    else:
        paths = [path]
    for file in paths:
        name = label if file == path else f"{scheme}://{file.removeprefix(f'{scheme}://')}"
        kind = kind_of_file(urlsplit(name).path)
        if kind is None:
            ignored.append(name)
            continue
        info = _patiently(name, lambda file=file: filesystem.info(file))
        yield Source(name, file, *kind, _remote_stamp(info), filesystem)


def _filesystem(url: str, scheme: str) -> tuple[Any, str]:
    """A file system for a URL: pyarrow's where it has one built in, else fsspec's."""
    try:
        if scheme in _ARROW_SCHEMES:
            filesystem, path = arrow_fs.FileSystem.from_uri(url)
            return ArrowFSWrapper(filesystem), path
        return fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise InputError(f"{public_name(url)}: cannot be opened: {' '.join(str(error).split())}") from None


def public_name(url: str) -> str:
    """A URL without the secrets it may carry: user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _remote_stamp(info: dict[str, Any]) -> str | None:
    version = next((info[k] for k in ("ETag", "etag", "mtime", "LastModified", "last_modified") if info.get(k)), None)
    return None if version is None else f"{info.get('size')}-{version}"


def _patiently(label: str, call: Any) -> Any:
    """What `call` returns, tried a few times; raises `InputError` with the last reason."""
    for attempt in range(ATTEMPTS):
        try:
            return call()
        except Exception as error:  # every file system raises errors of its own
            reason = error.__cause__ or error
        if attempt + 1 < ATTEMPTS:
            time.sleep(PAUSE * 2**attempt)
    raise InputError(f"{label}: cannot be read: {_reason(reason, label)}; see that it answers, then run again")


def _reason(error: BaseException, label: str) -> str:
    status = getattr(error, "status", None)
    if status is not None:
        return f"it answered {status} {getattr(error, 'message', '')}".strip()
    return " ".join(str(error).split()).rstrip(".") if str(error) != label else type(error).__name__

"""Which files are read: from files, folders, globs and URLs to a fixed list in a fixed order."""

from __future__ import annotations

import glob
import io
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any, Literal
from urllib.parse import urlsplit, urlunsplit

import fsspec
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow import fs as arrow_fs

from serving.batch.errors import InputError
from stance.faults import printable

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


class Interrupted(Exception):
    """A remote file that stopped answering while it was read; what was read of it may be whole."""


@dataclass(frozen=True, slots=True)
class Source:
    """One input file. `stamp` changes when it does (None: cannot be told).

    `label` names it in results; it is `path`, or the URL without secrets, as valid Unicode.
    """

    label: str
    path: str
    kind: Kind
    compression: str | None
    stamp: str | None
    remote: Any = None

    def open(self) -> IO[bytes]:
        """The file's bytes as they are stored. Raises `OSError`, or `InputError` for a URL that does not answer.

        Reading raises `Interrupted` where a URL stops answering, whatever its file system raises.
        """
        if self.remote is None:
            return open(self.path, "rb")
        file = _patiently(self.label, lambda: self.remote.open(self.path, "rb"))
        wire = _Wire(file)
        return wire if self.kind == "parquet" else io.BufferedReader(wire, _BUFFER)  # type: ignore[return-value]


class _Wire(io.RawIOBase):
    """A remote file whose failures can be told from damage in it, for which decoders raise `OSError` just as well."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def readinto(self, buffer: Any, /) -> int:
        data = _on_the_wire(lambda: self._file.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(_on_the_wire(lambda: self._file.seek(offset, whence)))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            with suppress(Exception):  # nothing that was read is lost
                self._file.close()
        super().close()


def _on_the_wire(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # every file system raises errors of its own
        raise Interrupted(" ".join(str(error).split()) or type(error).__name__) from error


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
    for file in _named(item, out):
        path = os.path.realpath(file)
        if _real(out) in Path(path).parents:
            raise InputError(f"{file}: lies in the output folder {out}; give another --out")
        kind = kind_of_file(file.name)
        if kind is None or not _is_file(file, missing=True):
            ignored.append(printable(str(file)))
        else:
            yield Source(printable(path), path, *kind, _stamp(file))


def _named(item: str, out: Path) -> list[Path]:
    """The files that a path or a glob names, whatever their kind. Raises `InputError`."""
    path = Path(item)
    mode = _argument_mode(item)
    if mode is None:
        named = sorted(p for p in map(Path, glob.glob(item, recursive=True)) if _is_file(p, missing=False))
        if not named:
            raise InputError(f"{item}: no such file or folder, and as a glob it matches nothing")
        return named
    if stat.S_ISDIR(mode):
        if _real(out).is_relative_to(_real(path)):
            raise InputError(f"{item}: holds the output folder {out}; give an --out outside of the inputs")
        names = [Path(folder, name) for folder, _, files in os.walk(path, onerror=_refuse_folder) for name in files]
        return sorted(p for p in names if not _hidden(p.relative_to(path)))
    if not stat.S_ISREG(mode):
        raise InputError(f"{item}: is neither a file nor a folder; write what it gives to a file first")
    if kind_of_file(path.name) is None:
        raise InputError(f"{item}: the kind of file cannot be told from its name; expected {_READABLE}")
    return [path]


def _argument_mode(item: str) -> int | None:
    """What an argument names, as `_mode` says it; None for a glob too. Raises `InputError` for what is out of reach."""
    try:
        return _mode(Path(item))
    except OSError as error:
        if glob.has_magic(item):
            return None
        raise InputError(f"{item}: cannot be reached ({error.strerror}); mend its name or its permissions") from None


def _mode(path: Path) -> int | None:
    """The file mode of what a path names, None where nothing is there. Raises `OSError` where that cannot be told."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last one for a null character
        return None


def _is_file(path: Path, missing: bool) -> bool:
    """Whether a path names a file, `missing` where it names nothing; what cannot be looked at is left to the reader."""
    try:
        mode = _mode(path)
    except OSError:
        return True
    return missing if mode is None else stat.S_ISREG(mode)


def _real(path: Path) -> Path:
    """`Path.resolve`, which raises for a link to itself before Python 3.13."""
    return Path(os.path.realpath(path))


def _refuse_folder(error: OSError) -> None:
    raise InputError(
        f"{printable(error.filename)}: cannot be listed ({error.strerror}); mend its permissions or leave it out"
    )


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
    label = printable(public_name(item))
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
        name = label if file == path else printable(f"{scheme}://{file.removeprefix(f'{scheme}://')}")
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

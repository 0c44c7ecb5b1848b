"""Files that are either whole and on the disk, or not there."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from serving.batch.errors import OutputError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Flush a file that was written and closed."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_json(path: Path, value: Any) -> None:
    """Write `value` under a temporary name, flush it and rename it to `path`."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def read_json(path: Path) -> Any:
    """A JSON file's value, or None where there is no file or it is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def remove(folder: Path) -> None:
    """Remove a folder and everything in it, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def disk_errors(out: Path) -> Iterator[None]:
    """Turn a failed write under `out` into an `OutputError` that says what to do."""
    try:
        yield
    except OSError as error:
        raise OutputError(disk_message(out, error)) from error


def disk_message(out: Path, error: OSError) -> str:
    """One line for a write that failed."""
    if error.errno in _NO_ROOM:
        return f"{out}: no room left to write; free some space, then run the same command again to go on"
    return f"{out}: cannot be written ({error.strerror or error}); give another --out or mend its permissions"


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold `out` for this process alone; the kernel lets go of it when the process dies, however it dies.

    Raises `OutputError` when another run holds it, or when there can be no lock. On a network file system the lock
    must be supported there (NFS 4, CephFS and Lustre do).
    """
    with disk_errors(out):
        file = (out / ".lock").open("ab+", buffering=0)
    try:
        _take(file, out)
        with suppress(OSError):  # the note only helps whom the lock refuses; on a full disk it is left out
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        with suppress(OSError):
            file.close()


def _take(file: FileIO, out: Path) -> None:
    """Lock an open file. Raises `OutputError`."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with disk_errors(out):
            file.seek(0)
            holder = file.read().decode("utf-8", "replace").strip() or "another process"
        raise OutputError(f"{out}: {holder} writes here now; wait for it, or give another --out") from None
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{out}: cannot be locked ({reason}); give an --out on a file system with locks") from None

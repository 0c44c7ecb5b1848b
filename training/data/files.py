"""Files that are either the old or the new ones, never half of one."""

import errno
import fcntl
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; what was written there takes the place of `path` in one step.

    The content is on the disk before the name changes. After an error (a full disk too) the temporary file
    is removed and `path` is what it was; what a killed process left is removed by the next one. Raises `OSError`.
    """
    if path.is_dir():  # "." has no name to put beside it, and no file takes a folder's place
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    # Open and locked while it is written, so that a process that cannot see this one (in another container, say)
    # sees that the file is in use. The lock goes with the process.
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield temporary
        _sync(temporary, os.O_RDWR)
        temporary.replace(path)
        _sync(path.parent, os.O_RDONLY)
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove the temporary files of `path` whose process is no more."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        process = left.name.removeprefix(f".{path.name}.").removesuffix(".part")
        if process.isascii() and process.isdigit() and not _alive(int(process)):
            _remove_unused(left)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _remove_unused(left: Path) -> None:
    """Remove a file that nobody has locked; one that cannot be removed stays, for it harms nobody."""
    with suppress(OSError):
        descriptor = os.open(left, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
        finally:
            os.close(descriptor)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

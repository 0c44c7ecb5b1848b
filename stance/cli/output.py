"""Where results go: to stdout or to a file; everything else goes to stderr."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from stance.cli.failures import BROKEN_PIPE, Refusal

if TYPE_CHECKING:
    from stance.progress import Track

T = TypeVar("T")
#: Seconds between two lines of progress where no terminal shows a bar.
REPORT_EVERY = 10.0

#: Columns of a table that is no terminal's.
PLAIN_WIDTH = 120


def emit(parts: Iterable[str], out: Path | None = None) -> None:
    """Write text to `out`, or to stdout where that is None. A reader who has gone away ends the command quietly.

    Raises `Refusal` for a file that cannot be written.
    """
    if out is not None:
        _write(parts, out)
        return
    try:
        for part in parts:
            sys.stdout.write(part)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would flush the same pipe once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(BROKEN_PIPE) from None


def try_out(out: Path | None) -> None:
    """Raise `Refusal` where `emit` could not write to `out`, before what it is to write is worked out."""
    if out is not None:
        with writing(out):
            if not _flows(out):
                partial = _partial(out)
                partial.touch()
                partial.unlink()


def _flows(out: Path) -> bool:
    """Whether `out` is a device or a pipe."""
    return out.exists() and not out.is_file() and not out.is_dir()


def _partial(out: Path) -> Path:
    if out.is_dir():  # "." and "/" have no name, and no file takes a folder's place
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return out.with_name(f".{out.name}.part")


def _write(parts: Iterable[str], out: Path) -> None:
    """The file appears under its name once it is whole, or not at all; a device or a pipe is written to as it is."""
    with writing(out):
        if _flows(out):
            with out.open("w", encoding="utf-8", newline="") as file:
                file.writelines(parts)
            return
        partial = _partial(out)
        try:
            with partial.open("w", encoding="utf-8", newline="") as file:
                file.writelines(parts)
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def writing(out: Path, option: str = "--out") -> Iterator[None]:
    """Turn a failed write of `out` into a `Refusal`."""
    try:
        yield
    except OSError as error:
        raise Refusal(f"{option}: {out} cannot be written ({error.strerror}); name another file") from None


def on_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()


def width() -> int:
    """Columns for a table; COLUMNS in the environment overrules the terminal's."""
    return shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns


def color() -> bool:
    """Whether stdout takes colours and nobody asked for none (no-color.org)."""
    return on_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@contextmanager
def progress_on_stderr() -> Iterator[None]:
    """Send logs and whatever libraries print to stderr, so that stdout holds results only."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def tracking() -> Iterator[Track]:
    """Shows progress on stderr: a bar with the time left on a terminal, now and then a line elsewhere."""
    if not sys.stderr.isatty():
        yield _track_in_lines
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield lambda items, what: bar.track(items, description=what)


def _track_in_lines(items: Iterable[T], what: str) -> Iterator[T]:
    total = f" of {len(items)}" if isinstance(items, Sized) else ""
    shown = time.monotonic()
    for number, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - shown > REPORT_EVERY:
            shown = time.monotonic()
            typer.echo(f"stance: {number}{total} {what}", err=True)

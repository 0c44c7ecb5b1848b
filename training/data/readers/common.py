"""What several readers share: lines of a file, the kind of a mention."""

import gzip
import re
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from stance.schema import MentionKind
from training.data.errors import DataError, RowProblem
from training.data.readers.words import PRONOUNS

#: The longest line a reader takes into memory, in bytes.
MAX_LINE = 16 * 1024 * 1024

#: Reading stops once so many problems were found: by then the file is another format.
MAX_PROBLEMS = 1000

#: A possessive ending at the end of a span; also the bare apostrophe of "the Democrats’".
POSSESSIVE = re.compile(r"['’][sS]?$")


def mention_kind(text: str) -> MentionKind:
    """Return the kind that the surface of a mention shows: without a capital letter it is no name."""
    if text.casefold() in PRONOUNS:
        return "pronoun"
    return "name" if any(character.isupper() for character in text) else "nominal"


def open_bytes(path: Path) -> IO[bytes]:
    """Open a plain or gzipped file; raise `DataError` where it cannot be opened."""
    try:
        return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise DataError.single(path, 0, "", f"cannot be read: {error.strerror or error}") from error


def too_many(path: Path, number: int, problems: list[RowProblem]) -> bool:
    """Whether to stop reading at line `number`, for want of anything usable; the last problem then says so."""
    if len(problems) < MAX_PROBLEMS:
        return False
    message = f"the file was read no further after {len(problems)} problems; mend these first"
    problems.append(RowProblem(str(path), number, "", message))
    return True


def numbered_lines(path: Path, problems: list[RowProblem] | None = None) -> Iterator[tuple[int, str]]:
    """Yield `(line number from 1, line without its end)` of a UTF-8 file, one line in memory at a time.

    A byte order mark is dropped. Raise `DataError` for a file that cannot be read or is UTF-16, a line longer than
    `MAX_LINE` bytes, and a line that is not UTF-8; where `problems` is given, that last one is added to it and
    the line yielded empty, so that a file pasted together from several encodings shows all its bad lines.
    """
    with open_bytes(path) as stream:
        yield from stream_lines(stream, path, problems)


def stream_lines(
    stream: IO[bytes], path: Path, problems: list[RowProblem] | None = None, size: int | None = None
) -> Iterator[tuple[int, str]]:
    """`numbered_lines` of an open file, whose problems name `path`; with `size` no line that begins after that many
    bytes."""
    number = read = 0
    try:
        while (size is None or read < size) and (raw := stream.readline(MAX_LINE + 1)):
            number += 1
            read += len(raw)
            if number == 1 and raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                raise DataError.single(path, 1, "", "not UTF-8 but UTF-16; save the file as UTF-8")
            if len(raw) > MAX_LINE:
                raise DataError.single(path, number, "", f"longer than {MAX_LINE} bytes; one document a line")
            yield number, _decoded(path, number, raw, problems)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError.single(path, number, "", f"cannot be read further: {error}") from error


def _decoded(path: Path, number: int, raw: bytes, problems: list[RowProblem] | None) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        near = raw[max(0, error.start - 12) : error.start + 8].decode("cp1252", "replace").strip()
        message = f"not UTF-8 at byte {error.start} ({near!r} if it is Windows-1252); save the file as UTF-8"
        if problems is None:
            raise DataError.single(path, number, "", message) from error
        problems.append(RowProblem(str(path), number, "", message))
        return ""

"""Ids that were seen before, kept on disk where they outgrow the memory that they may take."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from stance.labelled import LabelledDocument
from training.data.errors import RowProblem

#: SQLite's cache of pages, in KiB; what does not fit lies in a temporary file.
CACHE_KIB = 32 * 1024


def unique(
    path: Path, numbered: Iterator[tuple[int, LabelledDocument]], problems: list[RowProblem]
) -> Iterator[LabelledDocument]:
    """Yield the documents of `(line, document)` pairs; one whose id came before is added to `problems` instead."""
    with closing(_Lines()) as lines:
        for number, document in numbered:
            first = lines.first(document.id, number)
            if first == number:
                yield document
                continue
            message = f"{document.id!r} is already used in line {first}; give each document its own id"
            problems.append(RowProblem(str(path), number, "id", message))


def key(*parts: str) -> bytes:
    """12 bytes that stand for some strings in their order: two of 10^9 keys agree by chance in one of 10^11 cases."""
    return hashlib.blake2b("\t".join(parts).encode(), digest_size=12).digest()


class _Lines:
    """The line on which each id stood first."""

    def __init__(self) -> None:
        # Without a name SQLite makes a temporary database, which it writes to disk only when its cache is full.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB};"
            "CREATE TABLE ids (key BLOB PRIMARY KEY, line INT) WITHOUT ROWID; BEGIN;"
        )

    def first(self, name: str, line: int) -> int:
        """`line` where the id is new, else the line that had it first."""
        asked = key(name)
        if self._database.execute("INSERT OR IGNORE INTO ids VALUES (?, ?)", (asked, line)).rowcount:
            return line
        return int(self._database.execute("SELECT line FROM ids WHERE key = ?", (asked,)).fetchone()[0])

    def close(self) -> None:
        self._database.close()

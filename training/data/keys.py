"""Ids and answers that were seen before, kept on disk where they outgrow the memory that they may take."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from stance.labelled import LabelledDocument
from training.data.errors import DataError, RowProblem

#: SQLite's cache of pages, in KiB; what does not fit lies in a temporary file.
CACHE_KIB = 32 * 1024


def unique(
    path: Path, numbered: Iterator[tuple[int, LabelledDocument]], problems: list[RowProblem]
) -> Iterator[LabelledDocument]:
    """Yield the documents of `(line, document)` pairs; one whose id came before is added to `problems` instead."""
    with closing(Firsts()) as ids:
        for number, document in numbered:
            _, first = ids.first(key(document.id), "", number)
            if first == number:
                yield document
                continue
            message = f"{document.id!r} is already used in line {first}; give each document its own id"
            problems.append(RowProblem(str(path), number, "id", message))


def key(*parts: str) -> bytes:
    """12 bytes that stand for some strings in their order: two of 10^9 keys agree by chance in one of 10^11 cases."""
    return hashlib.blake2b("\t".join(parts).encode(), digest_size=12).digest()


class Question(NamedTuple):
    """What a label answers: a sentence's span, and the id of one actor for a sentiment, of two for a stance."""

    start: int
    end: int
    actors: tuple[str, ...]


def questions(document: LabelledDocument) -> Iterator[tuple[str, Question, str]]:
    """Yield each label of a document as `(field, question, label)`."""
    for number, sentiment in enumerate(document.sentiment):
        start, end = sentiment.sentence
        yield f"sentiment[{number}].label", Question(start, end, (sentiment.actor,)), sentiment.label
    for number, stance in enumerate(document.stances):
        start, end = stance.sentence
        yield f"stances[{number}].label", Question(start, end, (stance.holder, stance.target)), stance.label


def contradictions(document: LabelledDocument) -> Iterator[tuple[str, str]]:
    """The field and the fault of each label that answers a question otherwise than an earlier one of its document."""
    first: dict[Question, tuple[str, str]] = {}
    for field, question, label in questions(document):
        place, said = first.setdefault(question, (field, label))
        if said != label:
            who = " toward ".join(map(repr, question.actors))
            yield field, f"{label!r} contradicts {said!r} of {place} for {who} in the same sentence; keep one"


@contextmanager
def needing_room() -> Iterator[None]:
    """Turn what a full temporary disk does into a `DataError` that says how to go on."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        message = f"cannot be kept ({error}); make room for them, or set TMPDIR to a folder that has some"
        raise DataError([RowProblem("temporary files", 0, "", message)]) from error


class Firsts:
    """What was said first under each key, and on which line."""

    def __init__(self) -> None:
        """Open an empty one. Raises `DataError`, here and later, where the temporary disk is full."""
        # Without a name SQLite makes a temporary database, which it writes to disk only when its cache is full.
        with needing_room():
            self._database = sqlite3.connect("", isolation_level=None)
            self._database.executescript(
                f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB};"
                "CREATE TABLE firsts (key BLOB PRIMARY KEY, said TEXT, line INT) WITHOUT ROWID; BEGIN;"
            )

    def first(self, asked: bytes, said: str, line: int) -> tuple[str, int]:
        """`said` and `line` where the key is new, else what was said first and where."""
        with needing_room():
            execute = self._database.execute
            if execute("INSERT OR IGNORE INTO firsts VALUES (?, ?, ?)", (asked, said, line)).rowcount:
                return said, line
            found = execute("SELECT said, line FROM firsts WHERE key = ?", (asked,)).fetchone()
        return str(found[0]), int(found[1])

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

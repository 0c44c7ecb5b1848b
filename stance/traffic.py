"""What is kept of an answered document to tell drift by: numbers, labels and actor ids, no text unless asked for."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic import Field, NonNegativeInt

from stance.schema import AUTHOR, DocumentResult, Probability, SentimentLabel, StanceLabel, Strict
from stance.store import pointer_path

#: The file that is written to; full ones have the time (ns) of their end in their names.
FILE = "traffic.jsonl"
#: Whoever writes, or rotates files, holds it alone.
LOCK = "traffic.lock"


class Observed(Strict):
    """One answered document.

    `at`: ISO 8601, UTC. `actors`: mentions by actor id. `lengths`: characters of each sentence. `sentiment` and
    `stances`: label, confidence and whether the model abstained. Neutral stances and the author's are left out, for
    each request decides whether it wants them; `silent` counts the sentences without any other. `texts`: the
    sentences, where they are kept.
    """

    at: str
    model: str
    actors: dict[str, int]
    lengths: list[NonNegativeInt]
    silent: int = Field(ge=0)
    sentiment: list[tuple[SentimentLabel, Probability, bool]]
    stances: list[tuple[StanceLabel, Probability, bool]]
    texts: list[str] | None = None


def observe(result: DocumentResult, at: datetime, texts: bool) -> Observed:
    """What is kept of a result; `texts` keeps its sentences too."""
    stances = [
        [s for s in sentence.stances if s.label != "neutral" and s.holder != AUTHOR] for sentence in result.sentences
    ]
    return Observed(
        at=at.isoformat(timespec="seconds"),
        model=result.model,
        actors={actor.id: actor.mentions for actor in result.actors},
        lengths=[len(sentence.text) for sentence in result.sentences],
        silent=sum(not row for row in stances),
        sentiment=[(s.label, s.confidence, s.abstained) for sentence in result.sentences for s in sentence.sentiment],
        stances=[(s.label, s.confidence, s.abstained) for row in stances for s in row],
        texts=[sentence.text for sentence in result.sentences] if texts else None,
    )


def traffic_folder(named: str | os.PathLike[str] | None = None) -> Path:
    """Where the record of traffic lies: the folder named, or `traffic` under STANCE_HOME."""
    return Path(named) if named else pointer_path().with_name("traffic")


def traffic_files(folder: Path) -> list[Path]:
    """The files of a record, the oldest first."""
    full = sorted(folder.glob("traffic-*.jsonl"), key=lambda path: path.name)
    return [path for path in (*full, folder / FILE) if path.is_file()]


class Opened(NamedTuple):
    """A file of a record: its name when it was opened, the open file, and the bytes of its whole lines."""

    path: Path
    file: BinaryIO
    size: int


@contextmanager
def opened_traffic(folder: Path) -> Iterator[list[Opened]]:
    """The files of a record as they are at one moment, the oldest first, while services go on writing.

    The lock is held only while they are opened: what is renamed or removed later is still read, once, and what is
    written later is not. Raises `OSError`.
    """
    with ExitStack() as stack:
        with _shared(folder / LOCK):
            files = [(path, stack.enter_context(path.open("rb"))) for path in traffic_files(folder)]
            opened = [Opened(path, file, os.fstat(file.fileno()).st_size) for path, file in files]
        yield opened


@contextmanager
def _shared(lock: Path) -> Iterator[None]:
    if not lock.exists():  # a copy of a record, which nobody writes to
        yield
        return
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield

"""Checks files of labelled data row by row and against each other, in bounded memory.

Questions that need all rows at once (is an id used twice, do two labels contradict, does a text of dev stand in
train) are answered by sorting keys in a temporary SQLite file, so that five million rows need disk, not memory.
"""

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from stance.labelled import LabelledDocument
from stance.schema import SENTIMENTS, STANCES
from training.data.checks import answers, normalise
from training.data.errors import DataError, RowProblem
from training.data.keys import Firsts, key, needing_room, questions, unique
from training.data.readers.jsonl import numbered_documents
from training.data.readers.label_studio import numbered_tasks
from training.data.readers.parquet import numbered_rows
from training.data.readers.table import numbered_sentences

#: How many problems of one kind a report lists; `Report.found` counts all of them.
LISTED = 200
#: A sentence of fewer characters ("He declined to comment.") may stand in two splits by chance.
TELLING = 40

#: Yields `(line, document)` of a file and adds what cannot be used to a list.
Reader = Callable[[Path, list[RowProblem]], Iterator[tuple[int, LabelledDocument]]]
#: The row reader of each ending that a file's name may have.
READERS: dict[str, Reader] = {
    ".jsonl": numbered_documents,
    ".jsonl.gz": numbered_documents,
    ".csv": numbered_sentences,
    ".parquet": numbered_rows,
    ".json": numbered_tasks,
}


@dataclass(frozen=True)
class Report:
    """What a validation found: `problems` says file, line, field and mend; `found` counts all, by kind.

    `documents` and `labels` count what is usable: {"sentiment": {"negative": 12, ...}, "stances": {...}}.
    """

    documents: int
    labels: dict[str, dict[str, int]]
    problems: list[RowProblem]
    found: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.found


def validate(train: Sequence[Path], held_out: Sequence[Path] = ()) -> Report:
    """Check every row of every file, ids, contradictions, missing classes, and `held_out` against `train`.

    The format goes by the name: .jsonl, .jsonl.gz, .csv, .parquet, and .json for Label Studio's export. A class is
    missing when train labels others of its kind (sentiment or stances) but never this one. Raises `DataError` where
    the temporary disk is full.
    """
    # The readers make their own errors of files that cannot be read, so what is left concerns the keys.
    with (
        needing_room(),
        tempfile.TemporaryDirectory(prefix="stance-validate-") as folder,
        closing(_Check(Path(folder) / "keys.sqlite", compares=bool(held_out))) as check,
    ):
        for path in train:
            check.file(path, held_out=False)
        for path in held_out:
            check.file(path, held_out=True)
        return check.report()


def reader_of(path: Path) -> Reader:
    """The row reader for a file's name. Raises `DataError` for one that is no labelled data."""
    for ending in sorted(READERS, key=len, reverse=True):
        if path.name.endswith(ending):
            return READERS[ending]
    message = f"is none of {', '.join(READERS)}; convert it with `stance data import --format`"
    raise DataError.single(path, 0, "", message)


def read_consistent(path: Path, reader: Reader) -> Iterator[LabelledDocument]:
    """Yield the documents of a file that contradict no earlier one of it: same text, sentence and names, other label.

    Every bad row is collected and, after the last good one, raised as one `DataError`.
    """
    problems: list[RowProblem] = []
    yield from unique(path, _without_contradictions(path, _to_the_end(path, reader, problems), problems), problems)
    if problems:
        raise DataError(problems)


def _to_the_end(path: Path, reader: Reader, problems: list[RowProblem]) -> Iterator[tuple[int, LabelledDocument]]:
    try:
        yield from reader(path, problems)
    except DataError as error:
        problems += error.problems


def _without_contradictions(
    path: Path, numbered: Iterator[tuple[int, LabelledDocument]], problems: list[RowProblem]
) -> Iterator[tuple[int, LabelledDocument]]:
    """Unlike `_conflicts` this takes one sentence of two texts for two questions: what stands around it may matter."""
    with closing(Firsts()) as answers_given:
        for number, document in numbered:
            found = []
            for field, question, label in asked(document):
                said, line = answers_given.first(question, label, number)
                if said != label:
                    message = f"{label!r} contradicts {said!r} of line {line} for the same text; keep one"
                    found.append(RowProblem(str(path), number, field, message))
            problems += found
            if not found:
                yield number, document


def asked(document: LabelledDocument) -> Iterator[tuple[str, bytes, str]]:
    """Each label as `(field, key of its question, label)`; the key is the same in every copy of the text."""
    names = {actor.id: normalise(actor.name) for actor in document.actors}
    bearers = Counter(names.values())
    # Two bearers of one name in one text are two actors, whom only their ids tell apart.
    told = {actor: name if bearers[name] == 1 else f"{name} {actor}" for actor, name in names.items()}
    for field, question, label in questions(document):
        parts = (str(question.start), str(question.end), *(told.get(actor, actor) for actor in question.actors))
        yield field, key(document.text, *parts), label


class _Check:
    """The keys of all rows seen so far, on disk, and what was found wrong."""

    def __init__(self, keys: Path, compares: bool) -> None:
        """`compares`: whether anything is held out, so that the texts of train must be kept to be looked up."""
        self.compares = compares
        self.database = sqlite3.connect(keys, isolation_level=None)
        # Nothing here outlives the call: no journal, and sorting in files where it outgrows the cache.
        self.database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA cache_size=-65536;"
            "CREATE TABLE ids (key BLOB, id TEXT, place TEXT);"
            "CREATE TABLE labels (key BLOB, label TEXT, field TEXT, question TEXT, place TEXT);"
            "CREATE TABLE train (key BLOB, place TEXT);"
            "CREATE TABLE held_out (key BLOB, place TEXT);"
            "BEGIN;"
        )
        self.documents = 0
        self.labels: dict[str, Counter[str]] = {"sentiment": Counter(), "stances": Counter()}
        self.trained: dict[str, set[str]] = {"sentiment": set(), "stances": set()}
        self.problems: list[RowProblem] = []
        self.found: Counter[str] = Counter()

    def file(self, path: Path, held_out: bool) -> None:
        bad: list[RowProblem] = []
        try:
            for line, document in reader_of(path)(path, bad):
                self._add("row", bad)
                self._document(document, f"{path}:{line}", held_out)
        except DataError as error:
            bad += error.problems
        self._add("row", bad)

    def _document(self, document: LabelledDocument, place: str, held_out: bool) -> None:
        self.documents += 1
        execute = self.database.execute
        execute("INSERT INTO ids VALUES (?, ?, ?)", (key(document.id), document.id, place))
        texts = {document.text}
        for field, found in (("sentiment", document.sentiment), ("stances", document.stances)):
            self.labels[field].update(one.label for one in found)
            if not held_out:
                self.trained[field].update(one.label for one in found)
        for span, actors, label in answers(document):
            sentence = document.text[slice(*span)]
            field = "stances" if len(actors) > 1 else "sentiment"
            row = (key(normalise(sentence), *actors), label, field, " toward ".join(actors), place)
            execute("INSERT INTO labels VALUES (?, ?, ?, ?, ?)", row)
            if len(sentence) >= TELLING:
                texts.add(sentence)
        if self.compares:
            rows = [(key(normalise(text)), place) for text in texts]
            self.database.executemany(f"INSERT INTO {'held_out' if held_out else 'train'} VALUES (?, ?)", rows)

    def _add(self, kind: str, problems: list[RowProblem]) -> None:
        room = max(0, LISTED - self.found[kind])
        self.problems += problems[:room]
        self.found[kind] += len(problems)
        problems.clear()

    def report(self) -> Report:
        for kind, problems in (
            ("duplicate id", self._duplicates()),
            ("conflict", self._conflicts()),
            ("missing class", self._missing()),
            ("overlap", self._overlaps()),
        ):
            for problem in problems:
                self._add(kind, [problem])
        labels = {field: dict(counts.most_common()) for field, counts in self.labels.items()}
        ordered = sorted(self.problems, key=lambda problem: (problem.file, problem.line))
        return Report(self.documents, labels, ordered, {k: n for k, n in self.found.items() if n})

    def _duplicates(self) -> Iterator[RowProblem]:
        first, at = b"", ""
        for found, name, place in self.database.execute("SELECT key, id, place FROM ids ORDER BY key, rowid"):
            if found != first:
                first, at = found, place
                continue
            yield _problem(place, "id", f"{name!r} is already used in {at}; give each document its own id")

    def _conflicts(self) -> Iterator[RowProblem]:
        """The first row of each question that contradicts its first answer."""
        first, said, at = b"", "", ""
        rows = self.database.execute("SELECT key, label, field, question, place FROM labels ORDER BY key, rowid")
        for asked, label, field, question, place in rows:
            if asked != first:
                first, said, at = asked, label, place
            elif label != said and said:
                message = f"{question}: {label!r} contradicts {said!r} of {at} for the same sentence; keep one"
                yield _problem(place, field, message)
                said = ""

    def _missing(self) -> Iterator[RowProblem]:
        for field, classes in (("sentiment", SENTIMENTS), ("stances", STANCES)):
            absent = [label for label in classes if label not in self.trained[field]]
            if self.trained[field] and absent:
                message = f"no row is labelled {' or '.join(absent)}, so the model could never answer it; add some"
                yield RowProblem("train", 0, field, message)

    def _overlaps(self) -> Iterator[RowProblem]:
        """Held-out rows that share a text with train, each with the first of the training rows by name."""
        # One sort here and one search a held-out text: joined without it, every row would be read for every other.
        self.database.execute("CREATE INDEX train_texts ON train (key, place)")
        rows = self.database.execute(
            "SELECT DISTINCT place, (SELECT MIN(train.place) FROM train WHERE train.key = held_out.key) FROM held_out"
        )
        for held, train in rows:
            if train is not None:
                yield _problem(held, "text", f"stands in train too, at {train}; remove it from one of the two")

    def close(self) -> None:
        self.database.close()


def _problem(place: str, field: str, message: str) -> RowProblem:
    file, _, line = place.rpartition(":")
    return RowProblem(file, int(line), field, message)

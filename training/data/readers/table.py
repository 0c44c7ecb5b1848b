"""Plain CSV: `sentence,target,label` for sentiment, `sentence,holder,target,label` for stance."""

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from stance.labelled import LabelledDocument, SentimentLabelled, StanceLabelled
from stance.schema import AUTHOR, SENTIMENTS, STANCES, Actor, Mention
from training.data.errors import DataError, RowProblem
from training.data.readers.common import mention_kind, numbered_lines, too_many

SENTIMENT_COLUMNS = frozenset({"sentence", "target", "label"})
STANCE_COLUMNS = SENTIMENT_COLUMNS | {"holder"}


@dataclass(frozen=True)
class _Row:
    line: int
    sentence: str
    holder: str | None
    target: str
    label: str


def read_csv(path: Path) -> Iterator[LabelledDocument]:
    """Yield one document for each run of rows with the same sentence.

    The header says which of the two tables it is; the order of the columns does not matter. A mention
    is every whole-word occurrence of the target's (or holder's) text, whatever its case; the holder
    `author` is the sentence's own writer. Every bad row is collected and, after the last good sentence,
    raised as one `DataError`: unknown label, a target that the sentence does not have, two labels for
    one question.
    """
    problems: list[RowProblem] = []
    for _, document in numbered_sentences(path, problems):
        yield document
    if problems:
        raise DataError(problems)


def numbered_sentences(path: Path, problems: list[RowProblem]) -> Iterator[tuple[int, LabelledDocument]]:
    """Yield `(first line, document)`; rows that cannot be used are added to `problems`."""
    rows = _rows(path, problems)
    for sentence, group in itertools.groupby(rows, key=lambda row: row.sentence):
        good = _without_contradictions(path, [row for row in group if _usable(path, row, problems)], problems)
        if good:
            yield good[0].line, _document(path, sentence, good)


def _rows(path: Path, problems: list[RowProblem]) -> Iterator[_Row]:
    columns: list[str] | None = None
    for number, fields in _numbered_fields(path, problems):
        if columns is None:
            columns = _columns(path, fields)
            continue
        if not any(field.strip() for field in fields):
            continue
        if len(fields) != len(columns):
            message = f"{len(fields)} fields instead of {len(columns)}; quote fields that hold commas"
            problems.append(RowProblem(str(path), number, "", message))
            continue
        row = {column: field.strip() for column, field in zip(columns, fields, strict=True)}
        yield _Row(number, row["sentence"], row.get("holder"), row["target"], row["label"].lower())
    if columns is None:
        _columns(path, [])


def _numbered_fields(path: Path, problems: list[RowProblem]) -> Iterator[tuple[int, list[str]]]:
    """Yield `(last line, cells)` of the header and each row; a row that is no CSV is added to `problems`.

    The reader goes on with the next line: where a quoted cell was cut off amid its lines, at the csv module's limit of
    characters, the rest of them are read as rows, and mostly listed as bad ones.
    """
    reader = csv.reader((line + "\n" for _, line in numbered_lines(path, problems)), strict=True)
    while True:
        begun = reader.line_num + 1
        fields: list[str] | None = None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = RowProblem(str(path), begun, "", f"not CSV ({error}); check the quotes, and what the cells hold")
            if begun == 1:
                raise DataError([problem]) from None
            problems.append(problem)
        if begun > 1 and too_many(path, reader.line_num, problems):
            return
        if fields is not None:
            yield reader.line_num, fields


def _columns(path: Path, header: list[str]) -> list[str]:
    columns = [column.strip().lower() for column in header]
    if len(set(columns)) != len(columns) or set(columns) not in (SENTIMENT_COLUMNS, STANCE_COLUMNS):
        wanted = "sentence,target,label or sentence,holder,target,label"
        raise DataError.single(path, 1, "", f"the header must be {wanted}, in any order, not {','.join(header)!r}")
    return columns


def _usable(path: Path, row: _Row, problems: list[RowProblem]) -> bool:
    found = [RowProblem(str(path), row.line, field, message) for field, message in _complaints(row)]
    problems += found
    return not found


def _complaints(row: _Row) -> Iterator[tuple[str, str]]:
    if not row.sentence:
        yield "sentence", "is empty"
    labels = SENTIMENTS if row.holder is None else STANCES
    if row.label not in labels:
        yield "label", f"{row.label!r} is none of {', '.join(labels)}"
    actors = {"target": row.target} if row.holder is None else {"target": row.target, "holder": row.holder}
    for field, name in actors.items():
        if not name:
            yield field, "is empty"
        elif row.sentence and not _spans(row.sentence, name) and not (field == "holder" and _is_author(name)):
            yield field, f"{name!r} does not stand in the sentence; write it as the sentence does"
    if row.holder and row.holder.casefold() == row.target.casefold():
        yield "holder", "is also the target; they must differ"


def _is_author(holder: str) -> bool:
    return holder.casefold() == AUTHOR


def _spans(sentence: str, name: str) -> list[tuple[int, int]]:
    return [found.span() for found in _pattern(name).finditer(sentence)]


@lru_cache(4096)
def _pattern(name: str) -> re.Pattern[str]:
    """A name on its own. `re` keeps 512 patterns; making more took half the time of a file with more actors."""
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)


def _without_contradictions(path: Path, rows: list[_Row], problems: list[RowProblem]) -> list[_Row]:
    """Keep the first row of each question; a later one with another label is a problem."""
    first: dict[tuple[str, str], _Row] = {}
    for row in rows:
        known = first.setdefault(((row.holder or "").casefold(), row.target.casefold()), row)
        if known.label != row.label:
            message = f"{row.label!r} contradicts {known.label!r} of line {known.line}"
            problems.append(RowProblem(str(path), row.line, "label", message))
    return list(first.values())


def _document(path: Path, text: str, rows: list[_Row]) -> LabelledDocument:
    names = list(dict.fromkeys(name for row in rows for name in (row.holder, row.target) if name))
    ids: dict[str, str] = {}
    for name in names:
        author = _is_author(name) and not _spans(text, name)
        ids.setdefault(name.casefold(), AUTHOR if author else f"a{len(ids)}")
    actors = {ids[name.casefold()]: name for name in reversed(names) if ids[name.casefold()] != AUTHOR}
    sentence = [0, len(text)]
    return LabelledDocument(
        id=f"{path.name.split('.')[0]}-{rows[0].line}",
        text=text,
        source=path.name,
        actors=[Actor(id=actor, name=name) for actor, name in sorted(actors.items())],
        mentions=_mentions(text, actors),
        sentiment=[
            SentimentLabelled.model_validate(
                {"sentence": sentence, "actor": ids[r.target.casefold()], "label": r.label}
            )
            for r in rows
            if r.holder is None
        ],
        stances=[
            StanceLabelled.model_validate(
                {
                    "sentence": sentence,
                    "holder": ids[r.holder.casefold()],
                    "target": ids[r.target.casefold()],
                    "label": r.label,
                }
            )
            for r in rows
            if r.holder is not None
        ],
        sentences=[sentence],
    )


def _mentions(text: str, actors: dict[str, str]) -> list[Mention]:
    """Return every actor's mentions; a span inside another actor's longer one ("Sudan" in "South Sudan") is none."""
    spans = [(start, end, actor) for actor, name in actors.items() for start, end in _spans(text, name)]
    outer = [
        (start, end, actor)
        for start, end, actor in spans
        if not any(a <= start and end <= b and b - a > end - start for a, b, _ in spans)
    ]
    hidden = {actor for _, _, actor in spans} - {actor for _, _, actor in outer}
    kept = sorted(outer + [span for span in spans if span[2] in hidden])
    return [Mention(actor=actor, start=a, end=b, kind=mention_kind(text[a:b])) for a, b, actor in kept]

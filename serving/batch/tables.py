"""The tables that a run writes: full results, and flat rows that need no unpacking."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from serving.batch.config import OutputFormat
from stance.schema import SENTIMENTS, STANCES, DocumentResult, ItemError, SentimentResult, StanceResult

_TEXT, _WHOLE, _PART, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_WHERE = {"position": _WHOLE, "id": _TEXT, "date": pa.date32()}
_SENTENCE = {"sentence": _WHOLE, "start": _WHOLE, "end": _WHOLE, "text": _TEXT}
_ANSWER = {"label": _TEXT, "confidence": _PART, "abstained": _BOOL}
_PAIR = {"holder": _TEXT, "holder_name": _TEXT, "target": _TEXT, "target_name": _TEXT}


def _struct(fields: dict[str, pa.DataType]) -> pa.DataType:
    return pa.struct(list(fields.items()))


def _scores(labels: tuple[str, ...]) -> dict[str, pa.DataType]:
    return dict.fromkeys(labels, _PART)


_MENTION = {"actor": _TEXT, "start": _WHOLE, "end": _WHOLE, "text": _TEXT, "kind": _TEXT, "score": _PART}
_RELATION = {"holder": _TEXT, "target": _TEXT, "label": _TEXT, "score": _PART, "confidence": _PART, "abstained": _BOOL}
_STANCE = {"holder": _TEXT, "target": _TEXT, **_ANSWER, "holder_sentence": _WHOLE, "scores": _struct(_scores(STANCES))}
_SENTENCE_RESULT = {
    "index": _WHOLE,
    "start": _WHOLE,
    "end": _WHOLE,
    "text": _TEXT,
    "mentions": pa.list_(_struct(_MENTION)),
    "sentiment": pa.list_(_struct({"actor": _TEXT, **_ANSWER, "scores": _struct(_scores(SENTIMENTS))})),
    "stances": pa.list_(_struct(_STANCE)),
}
_SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "results": {
        **_WHERE,
        "model": _TEXT,
        "language": _TEXT,
        "actors": pa.list_(_struct({"id": _TEXT, "name": _TEXT, "type": _TEXT, "mentions": _WHOLE})),
        "sentences": pa.list_(_struct(_SENTENCE_RESULT)),
        "relations": pa.list_(_struct({**_RELATION, "sentences": pa.list_(_WHOLE)})),
        "error": _struct({"code": _TEXT, "message": _TEXT}),
    },
    "sentiment": {**_WHERE, **_SENTENCE, "actor": _TEXT, "actor_name": _TEXT, **_ANSWER, **_scores(SENTIMENTS)},
    "stances": {**_WHERE, **_SENTENCE, **_PAIR, **_ANSWER, "holder_sentence": _WHOLE, **_scores(STANCES)},
    "relations": {
        **_WHERE,
        **_PAIR,
        "label": _TEXT,
        "score": _PART,
        "confidence": _PART,
        "abstained": _BOOL,
        "sentences": pa.list_(_WHOLE),
    },
    "errors": {"position": _WHOLE, "id": _TEXT, "file": _TEXT, "row": _WHOLE, "code": _TEXT, "message": _TEXT},
}
#: Every table's schema, by the name of its folder.
SCHEMAS = {name: pa.schema(list(fields.items())) for name, fields in _SCHEMAS.items()}
TABLES = tuple(SCHEMAS)


class Scored(NamedTuple):
    """What became of one row of the input."""

    position: int
    file: str
    row: int
    date: str | None
    result: DocumentResult | ItemError


class TableSet:
    """One shard's part of every table, written into a folder of its own."""

    def __init__(self, folder: Path, output: OutputFormat) -> None:
        """Open one file a table; a table without rows gets a file all the same."""
        folder.mkdir(parents=True)
        self.paths = {name: folder / f"{name}.{output}" for name in TABLES}
        make = _ParquetFile if output == "parquet" else _JsonFile
        self._files = {name: make(path, SCHEMAS[name]) for name, path in self.paths.items()}
        self.rows = dict.fromkeys(TABLES, 0)

    def write(self, scored: list[Scored]) -> None:
        """Append rows of the input with everything that was read off them."""
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        for item in scored:
            for name, row in flat_rows(item):
                rows[name].append(row)
        for name, file in self._files.items():
            if rows[name]:
                file.write(rows[name])
                self.rows[name] += len(rows[name])

    def close(self) -> None:
        """End every file."""
        for file in self._files.values():
            file.close()

    def abandon(self) -> None:
        """Let go of every file, whether it can be ended or not."""
        for file in self._files.values():
            with suppress(OSError):
                file.close()


class _ParquetFile:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, rows: list[dict[str, Any]]) -> None:
        self._writer.write_table(pa.Table.from_pylist(rows, self._schema))

    def close(self) -> None:
        self._writer.close()


class _JsonFile:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8")

    def write(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self._file.write(json.dumps(row, ensure_ascii=False, default=datetime.date.isoformat) + "\n")

    def close(self) -> None:
        self._file.close()


def flat_rows(item: Scored) -> Iterator[tuple[str, dict[str, Any]]]:
    """(table, row) for everything that one row of the input gives."""
    date = None if item.date is None else datetime.date.fromisoformat(item.date)
    where = {"position": item.position, "id": item.result.id, "date": date}
    if isinstance(item.result, ItemError):
        error = {"code": item.result.error.code, "message": item.result.error.message}
        yield "results", {**where, "error": error}
        yield "errors", {"position": item.position, "id": item.result.id, "file": item.file, "row": item.row, **error}
        return
    yield "results", {**where, **item.result.model_dump(exclude={"id"})}
    names = {actor.id: actor.name for actor in item.result.actors}
    yield from _sentence_rows(item.result, where, names)
    for relation in item.result.relations:
        pair = _pair(relation.holder, relation.target, names)
        yield "relations", {**where, **pair, **relation.model_dump(exclude={"holder", "target"})}


def _pair(holder: str, target: str, names: dict[str, str]) -> dict[str, str]:
    return {
        "holder": holder,
        "holder_name": names.get(holder, holder),
        "target": target,
        "target_name": names.get(target, target),
    }


def _sentence_rows(
    result: DocumentResult, where: dict[str, Any], names: dict[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for sentence in result.sentences:
        place = {"sentence": sentence.index, "start": sentence.start, "end": sentence.end, "text": sentence.text}
        for s in sentence.sentiment:
            actor = {"actor": s.actor, "actor_name": names.get(s.actor, s.actor)}
            yield "sentiment", {**where, **place, **actor, **_answer(s)}
        for t in sentence.stances:
            pair = _pair(t.holder, t.target, names)
            yield "stances", {**where, **place, **pair, **_answer(t), "holder_sentence": t.holder_sentence}


def _answer(said: SentimentResult | StanceResult) -> dict[str, Any]:
    scores: dict[Any, float] = {**said.scores}
    return {"label": said.label, "confidence": said.confidence, "abstained": said.abstained, **scores}

"""Labelled documents to files: JSONL and Parquet carry everything, CSV one table of labels."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from stance.labelled import LabelledDocument
from stance.schema import AUTHOR
from training.data.errors import RowProblem
from training.data.files import replacing
from training.data.readers.parquet import BATCH, SCHEMA


def write_jsonl(documents: Iterable[LabelledDocument], path: Path) -> int:
    """Write one document a line; returns how many. Raises `OSError`, and the old file then stays."""
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for document in documents:
            file.write(document.model_dump_json(exclude_defaults=True) + "\n")
            count += 1
    return count


def write_parquet(documents: Iterable[LabelledDocument], path: Path) -> int:
    """Write one row a document, `BATCH` in memory; returns how many. Raises `OSError`, and the old file stays."""
    count = 0
    with replacing(path) as temporary, pq.ParquetWriter(temporary, SCHEMA) as writer:
        rows = iter(documents)
        while batch := list(islice(rows, BATCH)):
            writer.write_batch(pa.RecordBatch.from_pylist([d.model_dump() for d in batch], schema=SCHEMA))
            count += len(batch)
    return count


def write_csv(
    documents: Iterable[LabelledDocument], path: Path, labels: Literal["sentiment", "stances"]
) -> tuple[int, list[RowProblem]]:
    """Write the table that `read_csv` reads; returns the rows written and the labels that it cannot hold.

    The table names actors by their words in the sentence, so a label whose actor the sentence does not mention
    cannot stand in it. Raises `OSError`, and the old file then stays.
    """
    header = ["sentence", "target", "label"] if labels == "sentiment" else ["sentence", "holder", "target", "label"]
    left_out: list[RowProblem] = []
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for document in documents:
            for row in _rows(document, labels, left_out):
                writer.writerow(row)
                count += 1
    return count, left_out


def _rows(document: LabelledDocument, labels: str, left_out: list[RowProblem]) -> Iterator[list[str]]:
    wanted = (
        [(s.sentence, [s.actor], s.label) for s in document.sentiment]
        if labels == "sentiment"
        else [(s.sentence, [s.holder, s.target], s.label) for s in document.stances]
    )
    for sentence, actors, label in wanted:
        words = [_words(document, actor, sentence) for actor in actors]
        missing = [actor for actor, found in zip(actors, words, strict=True) if found is None]
        if missing:
            message = f"{missing[0]!r} is not mentioned in the sentence {sentence}; export JSONL or Parquet to keep it"
            left_out.append(RowProblem(document.id, 0, labels, message))
        else:
            # The reader strips white space and takes a sentence as one line of a cell.
            yield [document.text[slice(*sentence)].strip(), *(str(w) for w in words), label]


def _words(document: LabelledDocument, actor: str, sentence: list[int]) -> str | None:
    """How the sentence names an actor: by a name where it has one."""
    inside = [m for m in document.mentions if m.actor == actor and sentence[0] <= m.start and m.end <= sentence[1]]
    named = sorted(inside, key=lambda m: (m.kind != "name", m.start))
    if named:
        return document.text[named[0].start : named[0].end].strip()
    return AUTHOR if actor == AUTHOR else None

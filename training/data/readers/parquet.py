"""Labelled documents in Parquet: a row a document, the contract's fields as columns (lists of structs)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from stance.labelled import LabelledDocument
from training.data.errors import DataError, RowProblem
from training.data.keys import unique
from training.data.readers.common import too_many
from training.data.readers.jsonl import consistent, row_problems

#: Documents that are in memory at once.
BATCH = 1024
_TEXT, _OFFSET = pa.string(), pa.int64()
_SPAN = pa.list_(_OFFSET)
#: The columns of `training.data.export.write_parquet`.
SCHEMA = pa.schema(
    {
        "id": _TEXT,
        "text": _TEXT,
        "source": _TEXT,
        "license": _TEXT,
        "actors": pa.list_(pa.struct({"id": _TEXT, "name": _TEXT, "type": _TEXT, "aliases": pa.list_(_TEXT)})),
        "mentions": pa.list_(pa.struct({"actor": _TEXT, "start": _OFFSET, "end": _OFFSET, "kind": _TEXT})),
        "sentiment": pa.list_(pa.struct({"sentence": _SPAN, "actor": _TEXT, "label": _TEXT})),
        "stances": pa.list_(
            pa.struct({"sentence": _SPAN, "holder": _TEXT, "target": _TEXT, "label": _TEXT, "weight": pa.float64()})
        ),
        "sentences": pa.list_(_SPAN),
        "mentions_complete": pa.bool_(),
    }
)


def read_parquet(path: Path) -> Iterator[LabelledDocument]:
    """Yield the documents of a Parquet file, `BATCH` in memory.

    Every bad row is collected and, after the last good one was yielded, raised as one `DataError`.
    """
    problems: list[RowProblem] = []
    yield from unique(path, numbered_rows(path, problems), problems)
    if problems:
        raise DataError(problems)


def numbered_rows(path: Path, problems: list[RowProblem]) -> Iterator[tuple[int, LabelledDocument]]:
    """Yield `(row from 1, document)`; what cannot be used is added to `problems`."""
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                for row in batch.to_pylist():
                    number += 1
                    document = _document(path, number, row, problems)
                    if document is not None:
                        yield number, document
                    if too_many(path, number, problems):
                        return
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())  # Arrow's own has several lines
        problems.append(RowProblem(str(path), number, "", f"cannot be read as Parquet: {reason}"))


def _document(path: Path, number: int, row: dict[str, Any], problems: list[RowProblem]) -> LabelledDocument | None:
    try:
        document = LabelledDocument.model_validate({k: v for k, v in row.items() if v is not None})
    except ValidationError as error:
        problems += row_problems(str(path), number, error)
        return None
    return document if consistent(path, number, document, problems) else None

"""The project's own labelled JSONL, one document a line, plain or gzipped."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stance.faults import DoubledKeyError, refuse_doubled
from stance.labelled import LabelledDocument
from training.data.errors import DataError, RowProblem
from training.data.keys import contradictions, unique
from training.data.readers.common import numbered_lines, too_many


def read_jsonl(path: Path) -> Iterator[LabelledDocument]:
    """Yield the documents of a `.jsonl` or `.jsonl.gz` file, holding one line in memory.

    Blank lines are passed over. Every bad row is collected and, after the last good one was yielded,
    raised as one `DataError`; use `list(read_jsonl(path))` to have all or nothing.
    """
    problems: list[RowProblem] = []
    yield from unique(path, numbered_documents(path, problems), problems)
    if problems:
        raise DataError(problems)


def numbered_documents(path: Path, problems: list[RowProblem]) -> Iterator[tuple[int, LabelledDocument]]:
    """Yield `(line, document)` with one line in memory; what cannot be used is added to `problems`."""
    try:
        for number, line in numbered_lines(path, problems):
            if too_many(path, number, problems):
                break
            document = _document(path, number, line, problems) if line.strip() else None
            if document is not None:
                yield number, document
    except DataError as error:  # the end of what can be read, which must not hide the bad rows before it
        problems += error.problems


def _document(path: Path, number: int, line: str, problems: list[RowProblem]) -> LabelledDocument | None:
    try:
        document = LabelledDocument.model_validate_json(line)
        json.loads(line, object_pairs_hook=refuse_doubled)  # of two keys the model would take the second in silence
    except DoubledKeyError as error:
        problems.append(RowProblem(str(path), number, "", str(error)))
        return None
    except ValidationError as error:
        problems += row_problems(str(path), number, error)
        return None
    return document if consistent(path, number, document, problems) else None


def consistent(path: Path, number: int, document: LabelledDocument, problems: list[RowProblem]) -> bool:
    """Whether no label of a row contradicts another; each that does is added to `problems`."""
    found = [RowProblem(str(path), number, field, message) for field, message in contradictions(document)]
    problems += found
    return not found


def row_problems(file: str, line: int, error: ValidationError) -> list[RowProblem]:
    """What the labelled format has against one row, a problem a field."""
    return [_problem(file, line, detail) for detail in error.errors()]


def _problem(file: str, line: int, detail: ErrorDetails) -> RowProblem:
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "is no field of the labelled format; remove it or mend its spelling"
    elif detail["type"] == "missing":
        message = "is missing; add it"
    elif detail["type"] != "json_invalid":
        message += f" (it is {str(detail['input'])[:60]!r})" if field else ""
    return RowProblem(file, line, field, message)

"""Reads and writes what drift compares: the reference, and the record of served traffic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from stance.classifier import StanceClassifier
from stance.schema import Document, ItemError
from stance.store import pointer_path
from stance.traffic import Observed, observe, opened_traffic
from training.data.errors import DataError, RowProblem
from training.data.files import replacing
from training.data.readers.common import numbered_lines, stream_lines
from training.data.readers.jsonl import row_problems
from training.drift.signals import Side

#: Documents classified together.
CHUNK = 64


def reference_path(tag: str) -> Path:
    """Where a model's reference lies when no other place is named: `reference` under STANCE_HOME."""
    return pointer_path().with_name("reference") / f"{tag.replace(':', '-')}.jsonl"


def write_reference(
    classifier: StanceClassifier, documents: Iterable[Document], path: Path, texts: bool
) -> tuple[int, list[str]]:
    """Classify `documents` and keep of the answers what a service's record would; with `texts` the sentences too.

    Returns how many were kept, and one line for each that cannot be classified. Raises `OSError`.
    """
    kept, failures = 0, []
    stream = iter(documents)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        while chunk := list(islice(stream, CHUNK)):
            for answer in classifier.classify(chunk):
                if isinstance(answer, ItemError):
                    failures.append(f"{answer.id}: {answer.error.message}")
                else:
                    kept += 1
                    observed = observe(answer, datetime.now(UTC), texts)
                    file.write(observed.model_dump_json(exclude_none=True) + "\n")
    return kept, failures


def read_reference(path: Path) -> Side:
    """The reference of a model. Raises `DataError` that lists every bad line."""
    problems: list[RowProblem] = []
    side = Side()
    for _, observed in _observed(numbered_lines(path, problems), path, problems):
        side.add(observed)
    if problems:
        raise DataError(problems)
    return side


@dataclass
class Window:
    """A window of traffic; `others` counts the answers of other models, `problems` names lines that are no record."""

    side: Side = field(default_factory=Side)
    others: dict[str, int] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)


def read_window(folder: Path, tag: str, since: datetime | None = None) -> Window:
    """What the model `tag` answered since a time. Raises `DataError` where there is no record."""
    window = Window()
    with opened_traffic(folder) as files:
        if not files:
            message = "no record of traffic here; set traffic.record in the service's configuration"
            raise DataError.single(folder, 0, "", message)
        for path, file, size in files:
            lines = stream_lines(file, path, window.problems, size)
            for number, observed in _observed(lines, path, window.problems):
                _take(window, observed, tag, since, str(path), number)
    return window


def _take(window: Window, observed: Observed, tag: str, since: datetime | None, path: str, number: int) -> None:
    try:
        early = since is not None and datetime.fromisoformat(observed.at) < since
    except (ValueError, TypeError):
        window.problems.append(RowProblem(path, number, "at", "is no time in ISO 8601 with its zone"))
        return
    if early:
        return
    if observed.model == tag:
        window.side.add(observed)
    else:
        window.others[observed.model] = window.others.get(observed.model, 0) + 1


def _observed(
    lines: Iterable[tuple[int, str]], path: Path, problems: list[RowProblem]
) -> Iterator[tuple[int, Observed]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            yield number, Observed.model_validate_json(line)
        except ValidationError as error:
            problems += row_problems(str(path), number, error)

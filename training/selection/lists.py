"""Ranked lists for people to work through: written as CSV or JSONL, and read again for their ids."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from training.data.errors import DataError, RowProblem
from training.data.files import replacing
from training.data.readers.common import numbered_lines

Format = Literal["csv", "jsonl"]
FORMATS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl"}


def list_format(path: Path) -> Format:
    """How a list is written, by its file's name. Raises `DataError` for any other name."""
    if path.suffix.lower() not in FORMATS:
        raise DataError.single(path, 0, "", "a list is .csv or .jsonl; name it so")
    return FORMATS[path.suffix.lower()]


def write_list(rows: Iterable[Mapping[str, Any]], columns: Iterable[str], path: Path) -> int:
    """Write rows in their order, `rank` (from 1) before their columns; returns how many.

    Raises `DataError` for a name that is neither .csv nor .jsonl, and `OSError`, and the old file then stays.
    """
    header = ["rank", *columns]
    count = 0
    form = list_format(path)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, header, lineterminator="\n")
        if form == "csv":
            table.writeheader()
        for count, row in enumerate(rows, start=1):
            ranked = {"rank": count, **row}
            if form == "csv":
                table.writerow(ranked)
            else:
                file.write(json.dumps(ranked, ensure_ascii=False) + "\n")
    return count


def read_ids(path: Path) -> list[str]:
    """The `id` of each row of a list in its order, each once. Raises `DataError` that names every row without one."""
    problems: list[RowProblem] = []
    found: dict[str, None] = {}
    for line, row in _rows(path, problems):
        name = row.get("id") if isinstance(row, dict) else None
        if isinstance(name, str) and name:
            found[name] = None
        else:
            problems.append(RowProblem(str(path), line, "id", "is missing; the list needs the id of each document"))
    if problems:
        raise DataError(problems)
    return list(found)


def _rows(path: Path, problems: list[RowProblem]) -> Iterable[tuple[int, Any]]:
    lines = numbered_lines(path, problems)
    if list_format(path) == "csv":
        reader = csv.DictReader(line + "\n" for _, line in lines)
        yield from ((reader.line_num, row) for row in reader)
        return
    for number, line in lines:
        if line.strip():
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                problems.append(RowProblem(str(path), number, "", f"not JSON: {error}"))

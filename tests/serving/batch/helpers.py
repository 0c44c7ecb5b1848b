"""Small inputs, and tables read back for comparison."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from serving.batch.tables import TABLES

TEXTS = (
    "Russia condemned the attack by Ukraine. Germany praised France.",
    "The United Nations criticised Israel and Iran on Monday.",
    "Nobody is named here.",
    "China welcomed the decision of Brazil, but India rejected it. Japan agreed with China.",
)


def documents(count: int) -> list[dict[str, Any]]:
    """Rows with ids, texts of several lengths and dates."""
    return [
        {"id": f"d{i}", "text": " ".join(TEXTS[(i + k) % 4] for k in range(i % 3 + 1)), "date": f"2024-0{i % 9 + 1}-15"}
        for i in range(count)
    ]


def write_jsonl(path: Path, rows: Iterable[Any]) -> Path:
    """One row a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def flat_tables(out: Path) -> dict[str, bytes]:
    """Every table's rows, sorted, as bytes to compare; whatever the format or the cut into parts."""
    found = {}
    for table in TABLES:
        parts = sorted((out / table).iterdir())
        rows = [line for part in parts for line in _rows(part)]
        found[table] = "\n".join(sorted(rows)).encode()
    return found


def _rows(part: Path) -> list[str]:
    if part.suffix == ".jsonl":
        return [json.dumps(json.loads(line), sort_keys=True) for line in part.read_text().splitlines()]
    return [json.dumps(row, sort_keys=True, default=str) for row in pq.read_table(part).to_pylist()]


def read_table(out: Path, table: str) -> list[dict[str, Any]]:
    """A Parquet table's rows, by their place in the input."""
    rows = pa.concat_tables(pq.read_table(part) for part in (out / table).iterdir()).to_pylist()
    return sorted(rows, key=lambda row: row["position"])

"""The tables as an analyst opens them: one call each, nothing to unpack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest

from tests.serving.batch.conftest import Score
from tests.serving.batch.helpers import documents, write_jsonl

KEYS = {
    "sentiment": ["position", "sentence", "actor"],
    "stances": ["position", "sentence", "holder", "target"],
    "relations": ["position", "holder", "target"],
    "errors": ["position"],
}


@pytest.fixture(scope="module", params=["parquet", "jsonl"])
def out(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, score_here: Score) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    rows = [*documents(20), {"id": "bad", "text": " "}]
    score_here(write_jsonl(folder / "in.jsonl", rows), folder / "out", shard_rows=8, format=request.param)
    return folder / "out"


def opened(out: Path, table: str) -> Any:
    """A table by DuckDB, all parts at once."""
    reader = "read_parquet" if next((out / table).iterdir()).suffix == ".parquet" else "read_json"
    return duckdb.sql(f"select * from {reader}('{out}/{table}/*')")


@pytest.mark.parametrize("table", KEYS)
def test_a_flat_table_has_one_row_a_key_and_nothing_nested(out: Path, table: str) -> None:
    frame = opened(out, table).df()
    assert len(frame) == len(frame.drop_duplicates(KEYS[table])) > 0
    nested = {"sentences"} if table == "relations" else set()
    assert {name for name in frame if isinstance(frame[name].iloc[0], list | dict) or name == "sentences"} == nested
    assert {"position", "id"} <= set(frame)


def test_tables_join_on_their_position(out: Path) -> None:
    stances, relations = opened(out, "stances"), opened(out, "relations")
    joined = duckdb.sql("select 1 from stances join relations using (position, holder, target)")
    assert len(joined.df()) == len(stances.df()) >= len(relations.df()) > 0


def test_pandas_reads_a_folder_in_one_call(out: Path) -> None:
    if next((out / "stances").iterdir()).suffix == ".parquet":
        frame = pandas.read_parquet(out / "stances")
        assert str(frame["date"].iloc[0]).startswith("2024-0")
        assert frame[["against", "neutral", "favor"]].sum(axis=1).round(4).eq(1).all()

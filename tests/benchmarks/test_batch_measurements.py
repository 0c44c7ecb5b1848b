"""The batch benchmarks measure what they say: same inputs each time, whole tables, nothing outlives a kill."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.batch_input import pairs, rows, templates
from benchmarks.batch_kills import TABLES, kill_tree, kills, rows_of
from benchmarks.batch_memory import flat, memory
from benchmarks.batch_plots import draw
from tests.serving.batch.helpers import write_jsonl

DOCUMENT = {
    "id": "d",
    "text": "Norway praised France. France thanked Norway and France.",
    "source": "s",
    "license": "l",
    "actors": [{"id": "n", "name": "Norway", "type": "state"}, {"id": "f", "name": "France", "type": "state"}],
    "mentions": [
        {"actor": a, "start": s, "end": s + 6} for a, s in (("n", 0), ("f", 15), ("f", 23), ("n", 38), ("f", 49))
    ],
    "sentences": [[0, 22], [23, 56]],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "data.jsonl", [DOCUMENT])


def options(tiny_model: Path, data: Path, **more: Any) -> argparse.Namespace:
    return argparse.Namespace(model=str(tiny_model), data=data, **more)


def test_names_change_and_sentences_stay(data: Path) -> None:
    known, names = templates(data)
    assert names == ["France", "Norway"]
    assert [t.actors for t in known] == [[0, 1], [0, 1, 0]]
    texts = [row["text"] for row in rows(40, data)]
    assert texts == [row["text"] for row in rows(40, data)]
    assert {"Norway praised France.", "France praised Norway."} == set(texts[::2])
    assert len({row["id"] for row in rows(40, data)}) == 40
    assert all(name in text for text, name in pairs(40, data))


def test_a_row_that_is_gone_or_there_twice_is_counted(tmp_path: Path) -> None:
    def write(table: str, part: int, *texts: str) -> None:
        (tmp_path / table).mkdir(exist_ok=True)
        pq.write_table(pa.table({"text": list(texts)}), tmp_path / table / f"part-{part}.parquet")

    for table in TABLES:
        write(table, 0, "a", "b")
        write(table, 1, "c")
    whole = rows_of(tmp_path)
    write("stances", 1, "b")
    counts = rows_of(tmp_path)
    assert {t: ((whole[t] - counts[t]).total(), (counts[t] - whole[t]).total()) for t in TABLES} == {
        t: (1, 1) if t == "stances" else (0, 0) for t in TABLES
    }


def test_a_kill_leaves_nothing_running() -> None:
    code = "import subprocess, sys, time; subprocess.Popen(['sleep', '60'], start_new_session=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    while not (below := psutil.Process(process.pid).children(recursive=True)):
        assert process.poll() is None
    kill_tree(process)
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in below)


def test_kills_lose_and_double_nothing(tmp_path: Path, tiny_model: Path, data: Path) -> None:
    found = kills(options(tiny_model, data, sentences=60, kills=1, engines="local"), tmp_path)
    assert (found["lost"], found["doubled"]) == (0, 0)
    assert found["kills"] == found["engines"]["local"]["kills"] == 1
    draw("kills", found, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_memory_is_watched_for_each_size(tmp_path: Path, tiny_model: Path, data: Path) -> None:
    found = flat(options(tiny_model, data, sizes="20,40"), tmp_path)
    assert list(found["peaks"]) == ["20", "40"]
    assert memory() > 10
    draw("flat", json.loads(json.dumps(found)), tmp_path / "plot.png")

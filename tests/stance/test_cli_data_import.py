"""`stance data import`: what it refuses, what it tells of rows left out, and when the old file stays."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from stance.cli.app import run
from tests.stance.test_cli_data import DOCUMENT, write
from tests.training.test_data_label_studio import DOCUMENT as MARKED
from tests.training.test_data_label_studio import export
from training.data.label_studio import regions

Capture = pytest.CaptureFixture[str]
NEGATIVE, AGAINST = DOCUMENT["sentiment"][0], DOCUMENT["stances"][0]


def imported(path: Path | str, format: str, out: Path, *options: str) -> int:
    return run(["data", "import", str(path), "--format", format, "--out", str(out), *options])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sentiment": [NEGATIVE, {**NEGATIVE, "label": "positive"}]}, "sentiment[1].label: 'positive'"),
        ({"stances": [AGAINST, {**AGAINST, "label": "favor"}]}, "stances[1].label: 'favor'"),
    ],
)
def test_two_labels_for_one_question_are_named_by_import_and_validate(
    change: dict[str, Any], field: str, tmp_path: Path, capsys: Capture
) -> None:
    source, out = write(tmp_path / "d.jsonl", DOCUMENT, {**DOCUMENT, "id": "d2", **change}), tmp_path / "o.jsonl"
    assert imported(source, "jsonl", out) == 1
    assert f"d.jsonl:2: {field} contradicts" in capsys.readouterr().err
    assert not out.exists()
    assert run(["data", "validate", source]) == 1
    assert f"d.jsonl:2: {field} contradicts" in capsys.readouterr().err


def test_rows_that_contradict_each_other_are_named(tmp_path: Path, capsys: Capture) -> None:
    table, good = tmp_path / "t.csv", "Brel left.,Brel,neutral\n"
    table.write_text(f"sentence,target,label\n{good}Orsan left.,Orsan,neutral\n{good.replace('neutral', 'negative')}")
    assert imported(table, "csv", tmp_path / "o") == 1
    assert "t.csv:4: sentiment[0].label: 'negative' contradicts 'neutral' of line 2" in capsys.readouterr().err
    other = {**DOCUMENT, "id": "d2", "stances": [{**AGAINST, "label": "favor"}]}
    elsewhere = {**other, "id": "d3", "text": f"{DOCUMENT['text']} Talvia stayed."}
    assert imported(write(tmp_path / "d.jsonl", DOCUMENT, other, elsewhere), "jsonl", tmp_path / "o") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "d.jsonl:2: stances[0].label: 'favor' contradicts 'against' of line 1" in line


def test_an_unknown_annotator_is_refused_and_the_old_file_stays(tmp_path: Path, capsys: Capture) -> None:
    source, out = export(tmp_path / "e.json", regions(MARKED), []), tmp_path / "o.jsonl"
    out.write_text("old")
    assert imported(source, "label_studio", out, "--annotator", "TYPO") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("e.json: has no annotation by 'TYPO'; it has those of 0@x.org, 1@x.org")
    assert out.read_text() == "old"


def test_tasks_without_an_annotation_are_counted(tmp_path: Path, capsys: Capture) -> None:
    source, out = export(tmp_path / "e.json", regions(MARKED)), tmp_path / "o.jsonl"
    (entry,) = json.loads(source.read_text(encoding="utf-8"))
    empty = {**entry, "annotations": []}
    source.write_text(json.dumps([entry, empty]), encoding="utf-8")
    assert imported(source, "label_studio", out) == 0
    assert "e.json: 1 of 2 tasks left out: without a finished annotation" in capsys.readouterr().err
    before = out.read_bytes()
    source.write_text(json.dumps([empty]), encoding="utf-8")
    assert imported(source, "label_studio", out) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "e.json has no document, so nothing was written; " in line
    assert "1 of 1 tasks left out" in line
    assert out.read_bytes() == before


@pytest.mark.parametrize("command", ["import", "export"])
def test_nothing_replaces_no_file(command: str, tmp_path: Path, capsys: Capture) -> None:
    source, out = write(tmp_path / "d.jsonl"), tmp_path / "o.jsonl"
    out.write_text("old")
    assert run(["data", command, source, "--format", "jsonl", "--out", str(out)]) == 2
    assert "has no document, so nothing was written" in capsys.readouterr().err
    assert out.read_text() == "old"


def test_copies_and_ties_of_dse_are_counted(tmp_path: Path, capsys: Capture) -> None:
    path, other = tmp_path / "d.txt", "[Orsan] met [Brel].\tOrsan\tBrel\t"
    path.write_text("[Brel] left [Orr].\tBrel\tOrr\t3\n" * 2 + f"{other}1\n{other}3\n", encoding="utf-8")
    assert imported(path, "dse", tmp_path / "o") == 0
    said = capsys.readouterr().err
    assert "1 rows left out: copies of a row that was kept" in said
    assert "2 rows left out: copies on whose label no majority agrees" in said


@pytest.mark.parametrize("command", ["import", "validate"])
def test_a_full_temporary_disk_is_one_line(
    command: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def narrow(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database: sqlite3.Connection = connect(*arguments, **options)
        database.execute("PRAGMA max_page_count=6")  # SQLite then says what it says of a full disk
        return database

    monkeypatch.setattr("training.data.keys.sqlite3.connect", narrow)
    source, out = write(tmp_path / "d.jsonl", *({**DOCUMENT, "id": f"d{n}"} for n in range(900))), tmp_path / "o"
    options = ["--format", "jsonl", "--out", str(out)] if command == "import" else []
    assert run(["data", command, source, *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "database or disk is full" in line
    assert "set TMPDIR" in line
    assert not out.exists()


def test_agreement_without_a_label_is_null(tmp_path: Path, capsys: Capture) -> None:
    source = write(tmp_path / "d.jsonl", {**DOCUMENT, "sentiment": []})
    assert run(["data", "stats", source, "--second", source]) == 0
    shown = capsys.readouterr().out
    assert "NaN" not in shown
    assert json.loads(shown)["agreement"]["sentiment"] == {"items": 0, "raw": None, "kappa": None}


def test_the_list_of_chosen_documents_is_gone_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = [0]

    class Counted(list[str]):
        def __iter__(self) -> Any:
            read[0] += 1
            return super().__iter__()

    monkeypatch.setattr("training.selection.lists.read_ids", lambda _: Counted(["d7"]))
    source = write(tmp_path / "d.jsonl", *({**DOCUMENT, "id": f"d{n}"} for n in range(50)))
    command = ["data", "export", source, "--format", "jsonl", "--only", "l.csv", "--out", str(tmp_path / "o")]
    assert run(command) == 0
    assert read[0] < 5

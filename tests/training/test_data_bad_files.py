"""Files of labels as they come: each fault is named by line and field, in every format, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stance.cli.app import run
from tests.training.test_data_label_studio import DOCUMENT, export
from tests.training.test_data_newsmtsc import row
from training.data.errors import DataError, RowProblem
from training.data.keys import unique
from training.data.label_studio import regions, task
from training.data.readers import common, read_csv, read_label_studio, read_newsmtsc, read_parquet
from training.data.readers.parquet import SCHEMA

Capture = pytest.CaptureFixture[str]
STANCE_CSV = "sentence,holder,target,label\n"
GOOD = "Orsan met Brel.,Orsan,Brel,neutral\n"


def imported(path: Path, format: str, capture: Capture) -> list[str]:
    """What `stance data import` says of a bad file; it must write nothing."""
    out = path.parent / "out.jsonl"
    assert run(["data", "import", str(path), "--format", format, "--out", str(out)]) in (1, 2)
    assert not out.exists()
    return [line.removeprefix(f"stance: {path}") for line in capture.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (STANCE_CSV + "Orsan met Brel.,Orsan,Brel,hates\n", ":2: label: 'hates' is none of against, neutral, favor"),
        ("label,target,sentence,holder\nBrel,neutral,Orsan,x\n", ":2: label: 'brel' is none of"),
        ("a,b,c\nx,y,z\n", ":1: the header must be sentence,target,label"),
        (GOOD, ":1: the header must be sentence,target,label"),
        (STANCE_CSV.replace(",", ";"), ":1: the header must be sentence,target,label"),
        (STANCE_CSV + "Orsan met Brel.,Orsan,Brel\n", ":2: 3 fields instead of 4; quote fields that hold commas"),
        (STANCE_CSV + "Orsan met Brel.,Orsan,Talvia,favor\n", ":2: target: 'Talvia' does not stand in the sentence"),
        (STANCE_CSV + GOOD + GOOD.replace("neutral", "favor"), ":3: label: 'favor' contradicts 'neutral' of line 2"),
        ("", ":1: the header must be sentence,target,label"),
    ],
)
def test_a_bad_table_is_named_by_line_and_field(content: str, said: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    first, *_ = imported(path, "csv", capsys)
    assert first.startswith(said)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("header", ["sentence,holder,target,label", " Label , TARGET,sentence,Holder"])
def test_columns_may_be_shuffled_and_a_byte_order_mark_may_stand_first(mark: str, header: str, tmp_path: Path) -> None:
    values = {"sentence": "Orsan met Brel.", "holder": "Orsan", "target": "Brel", "label": "favor"}
    line = ",".join(values[column.strip().lower()] for column in header.split(","))
    (tmp_path / "a.csv").write_text(f"{mark}{header}\n{line}\n", encoding="utf-8")
    (document,) = read_csv(tmp_path / "a.csv")
    assert [one.label for one in document.stances] == ["favor"]


@pytest.mark.parametrize("format", ["csv", "jsonl", "newsmtsc", "dse"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_said_once(format: str, encoding: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "a"
    path.write_bytes(
        ("\ufeff" if encoding == "utf-16-be" else "").encode(encoding) + (STANCE_CSV + GOOD).encode(encoding)
    )
    assert imported(path, format, capsys) == [":1: not UTF-8 but UTF-16; save the file as UTF-8"]


def test_every_line_of_another_encoding_is_named(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "a.csv"
    latin = "Orsan met Brél.,Orsan,Brél,neutral\n"
    path.write_bytes((STANCE_CSV + GOOD + latin).encode() + latin.encode("cp1252") + b"\x81" + latin.encode("cp1252"))
    assert [line.split(" at byte")[0] for line in imported(path, "csv", capsys)] == [":4: not UTF-8", ":5: not UTF-8"]


def doubled(path: Path, format: str) -> Path:
    if format == "parquet":
        pq.write_table(pa.Table.from_pylist([DOCUMENT.model_dump()] * 2, schema=SCHEMA), path)
    elif format == "label_studio":
        entry = {**task(DOCUMENT), "annotations": [{"result": regions(DOCUMENT)}]}
        path.write_text(json.dumps([entry, entry]), encoding="utf-8")
    elif format == "newsmtsc":
        path.write_text(f"{json.dumps(row((0, 'Ada Brel', 6.0)))}\n" * 2, encoding="utf-8")
    else:
        path.write_text(DOCUMENT.model_dump_json() + "\n" + DOCUMENT.model_dump_json() + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("format", ["jsonl", "parquet", "label_studio", "newsmtsc"])
def test_an_id_that_is_used_twice_is_named_with_both_places(format: str, tmp_path: Path, capsys: Capture) -> None:
    (line,) = imported(doubled(tmp_path / "a", format), format, capsys)
    assert line.startswith(":2: id: ")
    assert "already used in line 1; give each document its own id" in line


def test_ids_beyond_the_cache_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.keys.CACHE_KIB", 16)
    problems: list[RowProblem] = []
    names = [f"d{number % 5000}" for number in range(5001)]
    rows = ((at, DOCUMENT.model_copy(update={"id": name})) for at, name in enumerate(names, start=1))
    assert sum(1 for _ in unique(Path("a"), rows, problems)) == 5000
    assert [(problem.line, problem.message.split(";")[0]) for problem in problems] == [
        (5001, "'d0' is already used in line 1")
    ]


def test_every_bad_row_of_newsmtsc_is_listed(tmp_path: Path) -> None:
    rows: list[Any] = [row((20, "Ada Brel", 4.0)), row((0, "Ada Brel", 4.0)), {}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    reader = read_newsmtsc(tmp_path / "a.jsonl")
    assert next(reader).actors[0].name == "Ada Brel"
    with pytest.raises(DataError) as error:
        next(reader)
    assert [problem.line for problem in error.value.problems] == [1, 3]


def test_reading_stops_after_many_problems_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "MAX_PROBLEMS", 20)
    (tmp_path / "a.csv").write_text(STANCE_CSV + "x,y,z,w\n" * 500, encoding="utf-8")
    (tmp_path / "n.jsonl").write_text("{}\n" * 500, encoding="utf-8")
    bad = {**DOCUMENT.model_dump(), "text": "short"}
    pq.write_table(pa.Table.from_pylist([bad] * 500, schema=SCHEMA), tmp_path / "a.parquet")
    for reader, name in ((read_csv, "a.csv"), (read_newsmtsc, "n.jsonl"), (read_parquet, "a.parquet")):
        with pytest.raises(DataError) as error:
            list(reader(tmp_path / name))
        assert "read no further after" in error.value.problems[-1].message
        assert len(error.value.problems) < 40


def cut_short(path: Path, format: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a bad second row whose rest cannot be read."""
    bad = {**DOCUMENT.model_dump(), "text": "short"}
    if format == "jsonl":
        monkeypatch.setattr(common, "MAX_LINE", 5000)
        path.write_text(f"{DOCUMENT.model_dump_json()}\n{json.dumps(bad)}\n{'x' * 9000}\n", encoding="utf-8")
        return path
    monkeypatch.setattr("training.data.readers.parquet.BATCH", 2)
    good = [{**DOCUMENT.model_dump(), "id": f"d{number}"} for number in range(4)]
    table = pa.Table.from_pylist([good[0], bad, *good[2:]], schema=SCHEMA)
    pq.write_table(table, path, row_group_size=2)
    group = pq.ParquetFile(path).metadata.row_group(1)
    starts = [group.column(number).dictionary_page_offset for number in range(group.num_columns)]
    content = bytearray(path.read_bytes())
    for start in starts:
        if start is not None:
            content[start : start + 8] = b"\xff" * 8
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize(("format", "says"), [("jsonl", "longer than 5000 bytes"), ("parquet", "cannot be read as")])
def test_the_end_of_what_can_be_read_hides_no_bad_row_before_it(
    format: str, says: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cut_short(tmp_path / f"a.{format}", format, monkeypatch)
    said = imported(path, format, capsys)
    assert any(line.startswith(":2: ") and "outside the text" in line for line in said)
    assert says in said[-1]


@pytest.mark.parametrize(
    ("annotations", "says"),
    [
        ([{"result": [{"id": "a", "type": "labels", "value": {"start": 0, "labels": ["state"]}}]}], "end: is missing"),
        ([5], "annotations: are no list of annotations"),
        ([{"result": 5}], "is no task of this interface"),
        ([{"result": [{"type": "relation"}]}], "from_id: is missing"),
    ],
)
def test_a_damaged_task_is_named_and_the_others_are_checked(annotations: Any, says: str, tmp_path: Path) -> None:
    path = export(tmp_path / "e.json", regions(DOCUMENT))
    (entry,) = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([{**entry, "annotations": annotations}, entry, {"data": {}}]), encoding="utf-8")
    reader = read_label_studio(path)
    assert next(reader) == DOCUMENT
    with pytest.raises(DataError) as error:
        next(reader)
    assert [problem.line for problem in error.value.problems] == [1, 3]
    assert says in str(error.value)


def test_one_bad_task_costs_no_other_its_labels(tmp_path: Path) -> None:
    path = export(tmp_path / "e.json", regions(DOCUMENT))
    entries = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([{"data": {}}, *entries]), encoding="utf-8")
    reader = read_label_studio(path)
    assert next(reader) == DOCUMENT
    with pytest.raises(DataError, match=r":1: data.text: is missing"):
        next(reader)

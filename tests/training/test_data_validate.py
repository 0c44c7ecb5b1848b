import json
import sqlite3
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from stance.labelled import LabelledDocument
from tests.training.test_data_label_studio import DOCUMENT
from training.data.export import write_jsonl, write_parquet
from training.data.label_studio import write_tasks
from training.data.validate import LISTED, validate


def labelled(id: str, text: str, label: str) -> LabelledDocument:
    actor = {"id": "brel", "name": "Brel"}
    label_row = {"sentence": [0, len(text)], "actor": "brel", "label": label}
    return LabelledDocument.model_validate({"id": id, "text": text, "actors": [actor], "sentiment": [label_row]})


CLASSES = ("negative", "neutral", "positive")
GOOD = [labelled(label, f"Brel was {label} on that long and rainy day in spring.", label) for label in CLASSES]


def written(path: Path, *documents: LabelledDocument) -> Path:
    write_jsonl(documents, path)
    return path


def test_good_files_of_every_format_are_counted(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("\ufefflabel,target,sentence\nneutral,Orsan,Orsan met Brel.\n", encoding="utf-8")
    write_parquet([GOOD[1]], tmp_path / "p.parquet")
    write_tasks([(DOCUMENT, None)], tmp_path / "t.json")
    paths = [written(tmp_path / "a.jsonl", GOOD[0], GOOD[2]), *(tmp_path / n for n in ("c.csv", "p.parquet", "t.json"))]
    report = validate(paths)
    assert report.ok, report.problems
    assert report.documents == 5
    assert report.labels["sentiment"] == {"negative": 2, "neutral": 2, "positive": 1}
    assert report.labels["stances"] == {"against": 1, "favor": 1, "neutral": 1}


def test_every_bad_line_of_mixed_encodings_is_named_and_the_rest_checked(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", *GOOD)
    latin = json.dumps({"id": "é", "text": "é"}, ensure_ascii=False).encode("cp1252")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + latin + b"\n{}\n" + latin + b"\n")
    report = validate([path])
    assert report.documents == 3
    assert [(p.line, p.field) for p in report.problems] == [(4, ""), (5, "id"), (5, "text"), (6, "")]
    assert "Windows-1252" in report.problems[0].message


@pytest.mark.parametrize(
    ("second", "kind", "field", "says"),
    [
        ([labelled("neutral", "Brel left again.", "neutral")], "duplicate id", "id", "already used in"),
        ([labelled("x", GOOD[0].text.upper(), "positive")], "conflict", "sentiment", "contradicts 'negative' of"),
    ],
)
def test_what_two_files_have_against_each_other_is_named_by_both_rows(
    tmp_path: Path, second: list[LabelledDocument], kind: str, field: str, says: str
) -> None:
    first, other = written(tmp_path / "a.jsonl", *GOOD), written(tmp_path / "b.jsonl", *second)
    report = validate([first, other])
    assert report.found == {kind: 1}
    (problem,) = report.problems
    assert (problem.file, problem.line, problem.field) == (str(other), 1, field)
    assert says in problem.message
    assert str(first) in problem.message


def test_a_class_missing_from_train_is_named_even_if_dev_has_it(tmp_path: Path) -> None:
    report = validate([written(tmp_path / "a.jsonl", *GOOD[:2])], [written(tmp_path / "b.jsonl", GOOD[2])])
    assert report.found == {"missing class": 1}
    assert "positive" in report.problems[0].message


def test_dev_that_overlaps_train_is_refused_with_the_rows(tmp_path: Path) -> None:
    inside = labelled("y", f"He came.  {GOOD[1].text}", "neutral").model_copy(
        update={"sentiment": [GOOD[1].sentiment[0].model_copy(update={"sentence": [10, 10 + len(GOOD[1].text)]})]}
    )
    again = GOOD[0].model_copy(update={"id": "z", "text": GOOD[0].text.lower()})
    train = written(tmp_path / "train.jsonl", *GOOD)
    dev = written(tmp_path / "dev.jsonl", labelled("n", "Brel spoke.", "neutral"), again, inside)
    report = validate([train], [dev])
    assert report.found == {"overlap": 2}
    assert [(p.line, p.message.split("; ")[0]) for p in report.problems] == [
        (2, f"stands in train too, at {train}:1"),
        (3, f"stands in train too, at {train}:2"),
    ]


def test_files_that_cannot_be_read_are_problems_too(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    (tmp_path / "p.parquet").write_text("no")
    report = validate([tmp_path / "none.jsonl", tmp_path / "x.txt", tmp_path / "p.parquet"])
    assert report.problems[0].message.startswith("cannot be read")
    assert report.found["row"] == 3


def test_memory_and_the_list_stay_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    row = GOOD[0].model_dump_json(exclude_defaults=True)
    with path.open("w") as file:
        for number in range(4000):
            file.write(row.replace('"id":"negative"', f'"id":"{number // 2}"') + "\n")
    tracemalloc.start()
    report = validate([path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.found["duplicate id"] == 2000
    assert len(report.problems) == LISTED + 1
    assert peak < 4_000_000


@pytest.mark.parametrize("repeated", [False, True], ids=["own texts", "one text"])
@pytest.mark.parametrize("held_out", [False, True])
def test_twice_the_rows_take_twice_the_steps(
    held_out: bool, repeated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own steps are counted, which a busy machine does not change; all pairs would take four times as many.

    The worst case counts too, where every text of both splits is the same.
    """
    connect, steps = sqlite3.connect, [0]

    def counting(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database: sqlite3.Connection = connect(*arguments, **options)
        database.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 100)
        return database

    def taken(rows: int) -> int:
        files = [tmp_path / f"{split}-{rows}.jsonl" for split in ("train", "dev")]
        for file in files:
            texts = (GOOD[0].text if repeated else f"{GOOD[0].text} {file.stem} {number}" for number in range(rows))
            write_jsonl((labelled(f"{file.stem} {n}", text, "negative") for n, text in enumerate(texts)), file)
        before = steps[0]
        report = validate(files[:1], files[1:]) if held_out else validate(files)
        assert report.found.get("overlap", 0) == (rows if held_out and repeated else 0)
        return steps[0] - before

    monkeypatch.setattr("training.data.validate.sqlite3.connect", counting)
    assert 0 < taken(2000) < 3 * taken(1000)

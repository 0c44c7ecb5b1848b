from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stance.cli.app import run
from training.data.readers import read_jsonl

DOCUMENT: dict[str, Any] = {
    "id": "d1",
    "text": "Tamoria condemned Qarvan. It then left.",
    "actors": [{"id": "t", "name": "Tamoria"}, {"id": "q", "name": "Qarvan"}],
    "mentions": [{"actor": "t", "start": 0, "end": 7}, {"actor": "q", "start": 18, "end": 24}],
    "sentiment": [{"sentence": [0, 25], "actor": "q", "label": "negative"}],
    "stances": [{"sentence": [0, 25], "holder": "t", "target": "q", "label": "against"}],
}
ELSEWHERE = {**DOCUMENT, "id": "d2", "stances": [{**DOCUMENT["stances"][0], "sentence": [26, 39]}]}


def write(path: Path, *documents: object) -> str:
    path.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("format", ["jsonl", "parquet", "label_studio", "csv"])
def test_export_and_import_keep_the_stance(format: str, tmp_path: Path) -> None:
    ending = {"label_studio": "json"}.get(format, format)
    source, there, back = write(tmp_path / "d.jsonl", DOCUMENT), tmp_path / f"t.{ending}", tmp_path / "b.jsonl"
    assert run(["data", "export", source, "--format", format, "--out", str(there)]) == 0
    assert run(["data", "import", str(there), "--format", format, "--out", str(back)]) == 0
    (document,) = read_jsonl(back)
    (stance,) = document.stances
    names = {actor.id: actor.name for actor in document.actors}
    assert (names[stance.holder], names[stance.target], stance.label) == ("Tamoria", "Qarvan", "against")


def test_export_lists_what_a_csv_cannot_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write(tmp_path / "d.jsonl", DOCUMENT, ELSEWHERE), tmp_path / "t.csv"
    assert run(["data", "export", source, "--format", "csv", "--out", str(out)]) == 1
    assert "d2: stances" in capsys.readouterr().err
    assert run(["data", "export", source, "--format", "csv", "--labels", "sentiment", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").splitlines()[1] == "Tamoria condemned Qarvan.,Qarvan,negative"


def test_import_writes_nothing_when_a_row_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write(tmp_path / "d.jsonl", DOCUMENT, {"id": "d2"}, {**DOCUMENT, "id": 3}), tmp_path / "o.jsonl"
    assert run(["data", "import", source, "--format", "jsonl", "--out", str(out)]) == 1
    listed = capsys.readouterr().err.splitlines()
    assert [line.split(":")[2] for line in listed] == ["2", "3"]
    assert not out.exists()


def test_validate_names_each_bad_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = [{**DOCUMENT["sentiment"][0], "label": label} for label in ("negative", "neutral", "positive")]
    texts = ("Tamoria condemned Qarvan. First.", "Tamoria condemned Qarvan! Second.", "Tamoria, condemned, Qarvan? 3.")
    good = [
        {**DOCUMENT, "id": f"g{i}", "text": text, "sentiment": [label], "stances": []}
        for i, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    assert run(["data", "validate", write(tmp_path / "bad.jsonl", {**DOCUMENT, "text": 1})]) == 2
    shown = capsys.readouterr()
    assert "bad.jsonl:1: text" in shown.err
    assert json.loads(shown.out)["documents"] == 0
    assert run(["data", "validate", write(tmp_path / "mixed.jsonl", *good, {"id": "x"})]) == 1
    assert "mixed.jsonl:4: text: is missing; add it" in capsys.readouterr().err


def test_stats_count_and_find_leaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(tmp_path / "one.jsonl", DOCUMENT)
    other = write(tmp_path / "other.jsonl", {**DOCUMENT, "id": "o"})
    assert run(["data", "stats", one, "--against", other]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["documents"], found["stances"]) == (1, {"against": 1})
    assert found["leakage"] == {other: [{"first": "o", "second": "d1", "similarity": 1.0}]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stats", "none.jsonl"], "none.jsonl: cannot be read"),
        (["import", "none", "--format", "gum", "--out", "o"], "split: gum needs one of train, dev, test"),
        (["import", "none", "--format", "dse", "--split", "dev", "--out", "o"], "split: dse has one file a split"),
        (["stats", "none.jsonl", "--threshold", "7"], "'--threshold'"),
    ],
)
def test_unusable_data_exits_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_out_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "d.jsonl", DOCUMENT)
    assert run(["data", "export", source, "--format", "jsonl", "--out", f"{source}/x.jsonl"]) == 2
    assert "--out" in capsys.readouterr().err

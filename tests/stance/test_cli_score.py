from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from stance.cli.app import run
from tests.serving.batch.helpers import read_table

TEXT = "Norway praised France."


def test_score_lists_failures_resumes_and_tells_what_came_out(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"key": "a", "body": "Norway praised France."}, {"key": "b", "body": " "}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "actors.yaml").write_text("actors: [{id: n, name: Norway, type: state}]", encoding="utf-8")
    command = ["score", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out"), "--model", str(tiny_model)]
    command += ["--text-column", "body", "--id-column", "key", "--date-column", "", "--format", "jsonl"]
    command += ["--actors", str(tmp_path / "actors.yaml"), "--workers", "1", "--threads", "1"]
    assert run(command) == 1
    shown = capsys.readouterr()
    summary = json.loads(shown.out)
    assert (summary["rows"], summary["failed"], summary["resumed"]) == (2, 1, 0)
    assert "stance: b (" in shown.err
    assert "1 of 2 rows failed" in shown.err
    result = json.loads(
        (tmp_path / "out" / "results" / "part-000000.jsonl").read_text(encoding="utf-8").splitlines()[0]
    )
    assert [actor["id"] for actor in result["actors"]] == ["n"]
    assert run(command) == 1
    assert json.loads(capsys.readouterr().out)["resumed"] == 1
    assert run(["report", str(tmp_path / "out")]) == 0
    page, *csvs = map(Path, capsys.readouterr().out.splitlines())
    assert page.read_text(encoding="utf-8").startswith("<!")
    assert all(path.suffix == ".csv" and path.exists() for path in csvs)


def test_whatever_is_bad_costs_only_itself(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    rows = [{"id": "a", "text": TEXT}, {"id": "a", "text": TEXT}, {"text": TEXT}, {"id": "b"}, {"id": "c", "text": " "}]
    rows += [{"id": "d", "text": 7}, {"id": "long", "text": TEXT * 230_000}, {"id": "e", "text": TEXT}]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "b.csv").write_bytes(b"id,text\nlatin,caf\xe9\nf,Norway\ng,one,two\n")
    packed = gzip.compress("".join(f'{{"id": "z{i}", "text": "{TEXT}"}}\n' for i in range(99)).encode(), 0)
    (folder / "c.jsonl.gz").write_bytes(packed[:500])
    (folder / "d.parquet").write_bytes(b"PAR1 and no end")
    (folder / "e.jsonl").symlink_to("/proc/self/mem")  # a file that nobody can read from its start
    (folder / "f.jsonl").write_text(json.dumps({"id": "h", "text": TEXT}), encoding="utf-8")
    command = ["score", str(folder), "--out", str(tmp_path / "out"), "--model", str(tiny_model), "--workers", "1"]
    assert run(command) == 1
    errors = read_table(tmp_path / "out", "errors")
    assert [error["code"] for error in errors] == [
        *("doubled_id", "missing_id", "missing_text", "missing_text", "wrong_type", "text_too_long"),
        *("invalid_utf8", "malformed_row", "unreadable_file", "unreadable_file", "unreadable_file"),
    ]
    shown = capsys.readouterr()
    assert all(f": {error['code']}: " in shown.err for error in errors)
    good = {row["id"] for row in read_table(tmp_path / "out", "results") if row["error"] is None}
    assert good > {"a", "e", "f", "h", "z0", "z1"}
    assert len(good) + len(errors) == json.loads(shown.out)["rows"]


def test_report_without_a_run_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(tmp_path)]) == 2
    assert "no results here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--actors", "none.yaml"], "none.yaml: cannot be read"),
        (["--address", "ray://x"], "only the engine ray takes one"),
        (["--text-column", ""], "text_column"),
        ([], "none.jsonl"),
    ],
)
def test_unusable_input_exits_2(
    options: list[str], message: str, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["score", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "out"), "--model", str(tiny_model)]
    assert run([*command, *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("out", ["s3://bucket/scored", "https://host/scored", "FILE:///tmp/scored"])
def test_an_out_that_is_a_url_is_refused(
    out: str, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text(json.dumps({"id": "a", "text": TEXT}), encoding="utf-8")
    assert run(["score", "in.jsonl", "--out", out, "--model", str(tiny_model)]) == 2
    assert "give a folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]

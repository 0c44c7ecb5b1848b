"""A job from its order to its removal, over HTTP, by a real service."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.serving.batch.helpers import documents
from tests.serving.conftest import LONG_TEXT, error_of
from tests.serving.jobs.helpers import JobService, until

ROWS = documents(10)
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def as_csv() -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "text", "date"])
    writer.writeheader()
    writer.writerows(ROWS)
    return text.getvalue().encode()


def as_parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return sink.getvalue()


def read_lines(payload: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in payload.splitlines()]


@pytest.fixture(scope="module")
def finished(jobs_service: JobService) -> dict[str, Any]:
    """A job that has ended."""
    return jobs_service.ended(jobs_service.send(LINES).json()["id"])


def test_a_result_is_what_classify_answers(jobs_service: JobService, finished: dict[str, Any]) -> None:
    assert finished["state"] == "done"
    assert finished["summary"]["rows"] == 10
    answers = read_lines(jobs_service.result(finished["id"]).content)
    asked = {"documents": [{"id": row["id"], "text": row["text"]} for row in ROWS]}
    expected = jobs_service.client.post("/v1/classify", json=asked).json()["results"]
    own = {"position", "date"}
    assert [{k: v for k, v in answer.items() if k not in own} for answer in answers] == expected
    assert [(answer["position"], answer["date"]) for answer in answers] == [
        (at, row["date"]) for at, row in enumerate(ROWS)
    ]


@pytest.mark.parametrize("table", ["results", "sentiment", "stances", "relations", "errors"])
def test_every_table_comes_as_json_lines_and_as_parquet(
    jobs_service: JobService, finished: dict[str, Any], table: str
) -> None:
    lines = jobs_service.result(finished["id"], table=table)
    packed = jobs_service.result(finished["id"], table=table, format="parquet")
    assert (lines.status_code, packed.status_code) == (200, 200)
    assert packed.headers["content-type"] == "application/vnd.apache.parquet"
    assert f"{finished['id']}-{table}.parquet" in packed.headers["content-disposition"]
    rows = pq.read_table(io.BytesIO(packed.content)).to_pylist()
    assert [row["position"] for row in rows] == [row["position"] for row in read_lines(lines.content)]
    assert len(rows) == {**finished["summary"], "results": 10, "errors": 0}[table]


@pytest.mark.parametrize(
    ("body", "kind", "encoding"),
    [
        (LINES, "application/jsonl; charset=utf-8", None),
        (gzip.compress(LINES, mtime=0), "application/x-ndjson", "gzip"),
        (as_csv(), "text/csv", None),
        (as_csv().replace(b",", b"\t"), "text/tab-separated-values", None),
        (as_parquet(), "application/vnd.apache.parquet", None),
    ],
)
def test_every_kind_of_file_gives_the_same(
    jobs_service: JobService, finished: dict[str, Any], body: bytes, kind: str, encoding: str | None
) -> None:
    sent = jobs_service.send(body, kind, **({"content_encoding": encoding} if encoding else {}))
    assert sent.status_code == 201, sent.text
    job = sent.json()["id"]
    assert sent.headers["location"] == f"/v1/jobs/{job}"
    assert jobs_service.ended(job)["state"] == "done"
    if "tab" not in kind:  # commas of the texts became tabs too, hence rows with too many cells
        assert jobs_service.result(job).content == jobs_service.result(finished["id"]).content


def test_a_form_brings_settings_and_actors(jobs_service: JobService) -> None:
    actors = b"actors:\n  - {id: rus, name: Russia, type: state}\n  - {id: ukr, name: Ukraine, type: state}\n"
    renamed = LINES.replace(b'"text"', b'"body"').replace(b'"id"', b'"nr"')
    form = {"text_column": "body", "id_column": "nr", "date_column": "", "include_neutral": "true"}
    files = {"file": ("rows.jsonl", renamed), "actors": ("actors.yaml", actors)}
    sent = jobs_service.client.post("/v1/jobs", data=form, files=files)
    assert sent.status_code == 201, sent.text
    job = jobs_service.ended(sent.json()["id"])
    assert job["input"] == {"name": "rows.jsonl", "bytes": len(renamed)}
    answers = read_lines(jobs_service.result(job["id"]).content)
    assert {actor["id"] for answer in answers for actor in answer["actors"]} == {"rus", "ukr"}
    assert "date" not in answers[0]


def test_documents_may_stand_in_json(jobs_service: JobService) -> None:
    given = [*ROWS[:2], {"id": "d0", "text": "again"}, "no object", {"id": "e"}, {"id": "f", "text": "x" * 200_001}]
    sent = jobs_service.client.post("/v1/jobs", json={"documents": given})
    job = jobs_service.ended(sent.json()["id"])
    assert job["summary"]["errors"] == {"doubled_id": 1, "malformed_row": 1, "missing_text": 1, "text_too_long": 1}
    errors = read_lines(jobs_service.result(job["id"], table="errors").content)
    assert [error["row"] for error in errors] == [3, 4, 5, 6]
    assert {error["file"] for error in errors} == {"documents"}
    answers = read_lines(jobs_service.result(job["id"]).content)
    assert ["error" in answer for answer in answers] == [False, False, True, True, True, True]


def test_a_truncated_file_costs_its_end_alone(jobs_service: JobService) -> None:
    cut = gzip.compress(LINES * 50, 0)[: len(LINES) * 2]
    sent = jobs_service.send(cut, content_encoding="gzip")
    job = jobs_service.ended(sent.json()["id"])
    assert job["state"] == "done"
    assert job["summary"]["errors"]["unreadable_file"] == 1
    assert str(jobs_service.folder) not in json.dumps(job)


@pytest.mark.parametrize("path", ["year/a.jsonl", "year", "year/*.jsonl", "{root}/year/a.jsonl"])
def test_files_under_the_roots_may_be_named(jobs_service: JobService, corpus: Path, path: str) -> None:
    sent = jobs_service.client.post("/v1/jobs", json={"path": path.format(root=corpus)})
    assert sent.status_code == 201, sent.text
    job = jobs_service.ended(sent.json()["id"])
    assert (job["summary"]["rows"], job["summary"]["failed"]) == (6, 0)


@pytest.mark.parametrize(
    "path",
    ["link.jsonl", "door/secret.jsonl", "door", "*.jsonl", "d*/*.jsonl", "../secret.jsonl", "{root}/../secret.jsonl",
     "/etc/passwd", "file://{root}/year/a.jsonl", "http://127.0.0.1/a.jsonl", "none.jsonl", "a\0b", " ", "[",
     "year/.."],
)  # fmt: skip
def test_nothing_else_may_be_named(jobs_service: JobService, corpus: Path, path: str) -> None:
    response = jobs_service.client.post("/v1/jobs", json={"path": path.format(root=corpus)})
    assert response.status_code == 422
    assert error_of(response)["code"] == "unusable_input"
    assert str(corpus.parent) not in response.text or "{root}" in path


def test_a_key_makes_an_order_idempotent(jobs_service: JobService) -> None:
    first = jobs_service.send(LINES, idempotency_key="one")
    again = jobs_service.send(LINES, idempotency_key="one")
    other = jobs_service.send(LINES + LINES, idempotency_key="one")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json()["id"] == again.json()["id"]
    assert error_of(other)["code"] == "key_reused"
    listed = [job["id"] for job in jobs_service.client.get("/v1/jobs", params={"limit": 500}).json()["jobs"]]
    assert listed.count(first.json()["id"]) == 1


def test_a_running_job_can_be_cancelled(jobs_service: JobService) -> None:
    rows = "".join(json.dumps({"id": str(i), "text": LONG_TEXT[:25_000]}) + "\n" for i in range(11)).encode()
    job = jobs_service.send(rows).json()["id"]
    behind = jobs_service.send(LINES).json()["id"]
    until(lambda: jobs_service.get(job).get("progress", {}).get("phase") == "scoring", "the work")
    assert error_of(jobs_service.result(job))["code"] == "not_done"
    cancelled = jobs_service.client.delete(f"/v1/jobs/{job}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert jobs_service.ended(behind)["state"] == "done", "the next job has its turn"
    until(lambda: (jobs_service.jobs / job / "ended").exists(), "the tidying up")
    assert not (jobs_service.jobs / job / "out").exists()
    assert not (jobs_service.jobs / job / "input").exists()
    assert jobs_service.result(job).status_code == 409


def test_a_job_that_has_ended_can_be_removed(jobs_service: JobService) -> None:
    job = jobs_service.ended(jobs_service.send(LINES).json()["id"])["id"]
    assert jobs_service.client.delete(f"/v1/jobs/{job}").json()["state"] == "done"
    client = jobs_service.client
    for response in (client.get(f"/v1/jobs/{job}"), jobs_service.result(job), client.delete(f"/v1/jobs/{job}")):
        assert (response.status_code, error_of(response)["code"]) == (404, "no_such_job")
    assert not (jobs_service.jobs / job).exists()


def test_jobs_stand_back_behind_requests(jobs_service: JobService, finished: dict[str, Any]) -> None:
    runner = until(lambda: _runner_of(jobs_service), "the runner")
    assert int((Path("/proc") / runner / "stat").read_text().rpartition(")")[2].split()[16]) == 15


def _runner_of(service: JobService) -> str | None:
    service.send(LINES)
    children = Path(f"/proc/{service.process.pid}/task").glob("*/children")
    return next((pid for each in children for pid in each.read_text().split()), None)


def test_nothing_is_told_to_anybody(jobs_service: JobService, finished: dict[str, Any]) -> None:
    assert "conductor" not in jobs_service.log().lower()
    events = (jobs_service.folder / "network.txt").read_text().splitlines()
    local = re.compile(r"'(127\.0\.0\.1|localhost|::1?|0\.0\.0\.0)?'|None|^\S+ (b?'?/|\(\d+)")
    assert any(event.startswith("socket.bind") for event in events), "the watcher did not watch"
    assert [event for event in events if not local.search(event)] == []
    database = jobs_service.jobs / "jobs.sqlite"
    assert b"pickle" not in database.read_bytes()

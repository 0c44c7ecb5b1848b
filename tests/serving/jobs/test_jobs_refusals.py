"""Orders that cannot be taken: each is one line in the contract's shape, and leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import json
import select
import socket
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.config import Limits
from serving.errors import ApiError
from serving.intake import read_envelope
from serving.jobs.order import read_order
from serving.jobs.upload import Received
from tests.serving.conftest import Service, error_of
from tests.serving.jobs.helpers import JobService

JSONL = "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"
ROW = b'{"id": "a", "text": "Russia condemned Ukraine."}\n'


def parquet(table: dict[str, list[Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(table), sink)
    return sink.getvalue()


@pytest.fixture(autouse=True)
def _nothing_is_left(jobs_service: JobService) -> Any:
    before = [job["id"] for job in jobs_service.client.get("/v1/jobs").json()["jobs"]]
    yield
    assert [job["id"] for job in jobs_service.client.get("/v1/jobs").json()["jobs"]] == before
    incoming = jobs_service.jobs / "incoming"
    assert not incoming.exists() or list(incoming.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status", "code", "said"),
    [
        (b"", JSONL, {}, 422, "empty_upload", "empty"),
        (b"\n\n", JSONL, {}, 422, "unusable_input", "holds no row"),
        (ROW, "text/plain", {}, 415, "unknown_media_type", "text/csv"),
        (ROW, "", {}, 415, "unknown_media_type", "application/json"),
        (ROW, JSONL, {"content_encoding": "br"}, 415, "unknown_media_type", "zstd"),
        (ROW, JSONL, {"content_encoding": "gzip"}, 422, "unusable_input", "cannot be read"),
        (
            gzip.compress(ROW * 9, mtime=0)[:12],
            JSONL,
            {"content_encoding": "gzip"},
            422,
            "unusable_input",
            "cannot be read",
        ),
        (b"name,text\nx,y\n", "text/csv", {}, 422, "unusable_input", "no column 'id'"),
        (ROW, PARQUET, {}, 422, "unusable_input", "cannot be read"),
        (parquet({"id": ["a"], "text": ["b"]})[:-5], PARQUET, {}, 422, "unusable_input", "cannot be read"),
        (parquet({"id": ["a"], "text": [1]}), PARQUET, {}, 422, "unusable_input", "not text"),
        (parquet({"id": [], "text": []}), PARQUET, {}, 422, "unusable_input", ""),
        (ROW, JSONL, {"idempotency_key": "with space"}, 422, "invalid_request", "Idempotency-Key"),
        (ROW, JSONL, {"idempotency_key": "x" * 201}, 422, "invalid_request", "Idempotency-Key"),
        (ROW * 10_000, JSONL, {}, 413, "body_too_large", "300000"),
        (b"{", "application/json", {}, 400, "malformed_json", "not JSON"),
        (b"[]", "application/json", {}, 422, "invalid_request", "documents"),
        (b"{}", "application/json", {}, 422, "invalid_request", "documents"),
        (
            b'{"path": "a", "path": "b"}',
            "application/json",
            {},
            422,
            "invalid_request",
            "body: has the key 'path' twice",
        ),
        (
            b'{"documents": [1, {"id": "a", "mentions": [{"start": 0, "start": 1}]}]}',
            "application/json",
            {},
            422,
            "invalid_request",
            "documents[1]: has the key 'start' twice",
        ),
        (b'{"documents": []}', "application/json", {}, 422, "invalid_request", "empty"),
        (b'{"documents": [1], "path": "x"}', "application/json", {}, 422, "invalid_request", "path"),
        (b'{"documents": [1], "texts": 1}', "application/json", {}, 422, "invalid_request", "texts: is not a known"),
        (b'{"documents": [1], "author": "yes"}', "application/json", {}, 422, "invalid_request", "author"),
        (b"--x", "multipart/form-data; boundary=y", {}, 400, "malformed_form", "form-data"),
        (b"", "multipart/form-data", {}, 400, "malformed_form", "form-data"),
    ],
)
def test_what_cannot_be_used_is_refused(
    jobs_service: JobService, body: bytes, kind: str, headers: dict[str, str], status: int, code: str, said: str
) -> None:
    response = jobs_service.send(body, kind, **headers)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (status, code), response.text
    assert said in error["message"]
    assert "\n" not in error["message"]
    assert str(jobs_service.folder) not in response.text
    assert "--" not in error["message"] or "multipart" in kind


@pytest.mark.parametrize(
    ("files", "data", "status", "said"),
    [
        ({}, {"text_column": "x"}, 422, "file: is missing"),
        ({"file": ("rows.doc", ROW)}, {}, 415, "rows.doc"),
        ({"file": ("rows.jsonl", b"")}, {}, 422, "empty"),
        ({"file": ("rows.jsonl", ROW), "other": ("x.jsonl", ROW)}, {}, 422, "other: is not a known file"),
        ({"file": ("rows.jsonl", ROW)}, {"texts": "x"}, 422, "texts: is not a known field"),
        ({"file": ("rows.jsonl", ROW)}, {"author": "perhaps"}, 422, "author"),
        ({"file": ("rows.jsonl", ROW)}, {"path": "a.jsonl"}, 422, "path"),
        ({"file": ("rows.jsonl", ROW)}, {"actors": "["}, 422, "actors"),
        ({"file": ("rows.jsonl", ROW)}, {"actors": '[{"id": "a"}]'}, 422, "actors[0].name"),
        ({"file": ("rows.jsonl", ROW), "actors": ("a.yaml", b"actors: []")}, {}, 422, "actors"),
        ({"file": ("rows.jsonl", ROW)}, {"key": "x y"}, 422, "key"),
        ({"file": ("rows.jsonl", ROW)}, {"text_column": "x" * 2_000_000}, 413, ""),
    ],
)
def test_a_form_that_cannot_be_used_is_refused(
    jobs_service: JobService, files: dict[str, Any], data: dict[str, str], status: int, said: str
) -> None:
    response = jobs_service.client.post("/v1/jobs", files=files or {"none": (None, "x")}, data=data)
    assert response.status_code == status, response.text
    assert said in error_of(response)["message"]


@pytest.mark.parametrize(
    ("query", "said"), [("?texts=x", "texts"), ("?author=maybe", "author"), ("?text_column=", "text_column")]
)
def test_settings_in_the_query_are_checked(jobs_service: JobService, query: str, said: str) -> None:
    response = jobs_service.client.post(f"/v1/jobs{query}", content=ROW, headers={"content-type": JSONL})
    assert response.status_code == 422
    assert said in error_of(response)["message"]


@pytest.mark.parametrize("texts", [False, True], ids=["json", "form"])
@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "author"], "actors[1].id: 'author' stands for the text's own voice; give the actor another id"),
        (["a", "a"], "actors[1].id: 'a' is used twice; give each actor its own id"),
    ],
)
def test_ids_of_actors_are_refused_as_in_a_classify_request(ids: list[str], message: str, texts: bool) -> None:
    actors = [{"id": name, "name": "A"} for name in ids]
    fields = {"path": "a.jsonl", "actors": json.dumps(actors) if texts else actors}
    told = []
    for read in (
        lambda: read_order(Received(fields, texts, None), None),
        lambda: read_envelope({"documents": [], "actors": actors}, Limits()),
    ):
        with pytest.raises(ApiError) as caught:
            read()
        told.append((caught.value.status, caught.value.body))
    assert told[0] == told[1]
    assert (told[0][0], told[0][1]["error"]["message"]) == (422, message)


def test_an_endless_upload_is_answered_while_it_comes(jobs_service: JobService) -> None:
    address = (jobs_service.client.base_url.host, jobs_service.client.base_url.port or 80)
    sent = 0
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: here\r\nContent-Type: application/x-ndjson\r\n")
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        while not select.select([connection], [], [], 0)[0] and sent < 100_000_000:
            connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
            sent += 65_536
        assert connection.recv(12) == b"HTTP/1.1 413"
    assert sent < 5_000_000


def test_an_upload_that_breaks_off_leaves_nothing(jobs_service: JobService) -> None:
    address = (jobs_service.client.base_url.host, jobs_service.client.base_url.port or 80)
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(
            b"POST /v1/jobs HTTP/1.1\r\nHost: here\r\nContent-Type: text/csv\r\nContent-Length: 9999\r\n\r\nid,text\n"
        )


@pytest.mark.parametrize("job", ["0" * 32, "x", "..%2F..%2Fetc", "%00"])
@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("DELETE", ""), ("GET", "/result")])
def test_a_job_that_is_not_there_is_404(jobs_service: JobService, job: str, method: str, end: str) -> None:
    response = jobs_service.client.request(method, f"/v1/jobs/{job}{end}")
    assert response.status_code == 404
    error_of(response)


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=-1", "limit=1e3"])
def test_a_list_has_a_limit(jobs_service: JobService, query: str) -> None:
    response = jobs_service.client.get(f"/v1/jobs?{query}")
    assert (response.status_code, error_of(response)["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("query", [{"table": "nothing"}, {"format": "xml"}])
def test_a_result_has_known_tables_and_formats(jobs_service: JobService, query: dict[str, str]) -> None:
    response = jobs_service.result("0" * 32, **query)
    assert response.status_code == 422
    assert "must be one of" in error_of(response)["message"]


def test_the_routes_are_described(jobs_service: JobService) -> None:
    document = jobs_service.client.get("/docs.json").json()
    assert set(document["paths"]["/v1/jobs"]) == {"get", "post"}
    assert set(document["paths"]["/v1/jobs/{id}"]) == {"get", "delete"}
    assert {"JobView", "JobRequest", "JobList"} <= set(document["components"]["schemas"])
    assert "JobProgress" in json.dumps(document["components"]["schemas"]["JobView"])


def test_jobs_need_a_key_where_the_rest_does(closed_service: Service, key: dict[str, str]) -> None:
    for method, path in (("POST", ""), ("GET", ""), ("GET", "/x"), ("DELETE", "/x"), ("GET", "/x/result")):
        assert closed_service.client.request(method, f"/v1/jobs{path}").status_code == 401
    assert closed_service.client.get("/v1/jobs", headers=key).json() == {"jobs": []}


@pytest.mark.alone
def test_a_stalled_upload_is_given_up(closed_service: Service, key: dict[str, str]) -> None:
    address = (closed_service.client.base_url.host, closed_service.client.base_url.port or 80)
    head = "POST /v1/jobs HTTP/1.1\r\nHost: here\r\nContent-Type: text/csv\r\nContent-Length: 99\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in key.items())
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(head.encode() + b"\r\nid,text\n")
        assert connection.recv(12) == b"HTTP/1.1 408"


@pytest.mark.alone
def test_a_slow_upload_may_take_longer_than_a_request(closed_service: Service, key: dict[str, str]) -> None:
    def slowly() -> Any:
        for piece in (b"id,text\n", b"a,Russia condemned Ukraine.\n", b"b,x\n", b"c,y\n"):
            yield piece
            time.sleep(0.7)

    headers = {**key, "content-type": "text/csv"}
    response = closed_service.client.post("/v1/jobs", content=slowly(), headers=headers)
    assert response.status_code == 201, response.text

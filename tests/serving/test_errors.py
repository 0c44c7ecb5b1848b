"""Every error of every route has the contract's shape and a fitting status."""

from __future__ import annotations

import http.client
import select
import socket
import threading
import time

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from serving.app import page_routes
from serving.errors import framework_error
from serving.guard import Guard, RouteLabels
from tests.serving.conftest import LONG_TEXT, Service, error_of

LIMIT = 4_194_304


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/none", 404, "not_found"),
        ("GET", "/v1/classify/", 404, "not_found"),
        ("GET", "/page/../secret", 404, "not_found"),
        ("GET", "/schema.json", 404, "not_found"),
        ("GET", "/static_content/index.css", 404, "not_found"),
        ("GET", "/v1/classify", 405, "method_not_allowed"),
        ("DELETE", "/v1/model", 405, "method_not_allowed"),
        ("POST", "/", 405, "method_not_allowed"),
        ("POST", "/livez", 405, "method_not_allowed"),
        ("PUT", "/metrics", 405, "method_not_allowed"),
        ("PATCH", "/docs.json", 405, "method_not_allowed"),
    ],
)
def test_paths_and_methods(service: Service, method: str, path: str, status: int, code: str) -> None:
    response = service.client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert error_of(response)["code"] == code
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 50_000, b'{"documents": [Infinity]}'])
def test_malformed_json_is_400(service: Service, body: bytes) -> None:
    response = service.post(body)
    assert response.status_code == 400
    assert error_of(response)["code"] == "malformed_json"


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/vnd.bentoml+pickle"},
        {"content_type": "application/json; charset=latin-1"},
        {"content_type": "application/json; Charset=latin-1"},
        {"content_encoding": "gzip"},
    ],
)
def test_what_is_not_announced_as_json_is_415(service: Service, headers: dict[str, str]) -> None:
    response = service.post(b'{"documents": []}', **headers)
    assert response.status_code == 415
    error_of(response)


@pytest.mark.parametrize("kind", ['Application/JSON; charset="UTF-8"', "application/json; Charset=utf-8; profile=x"])
def test_json_with_parameters_is_json(service: Service, kind: str) -> None:
    assert service.post(b'{"documents": []}', content_type=kind).status_code == 200


def test_a_large_body_is_refused_before_it_is_sent(service: Service) -> None:
    connection = http.client.HTTPConnection(service.client.base_url.host, service.client.base_url.port, timeout=10)
    connection.putrequest("POST", "/v1/classify")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders(b'{"documents": [')
    assert connection.getresponse().status == 413


def test_a_chunked_body_is_refused_once_it_is_too_large(service: Service) -> None:
    response = service.post(b" " * 65_536 for _ in range(3 * LIMIT // 65_536))
    assert response.status_code == 413
    assert error_of(response)["code"] == "body_too_large"


def test_an_endless_body_is_answered_while_it_comes(service: Service) -> None:
    address = (service.client.base_url.host, service.client.base_url.port or 80)
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"POST /v1/classify HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n")
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        while not select.select([connection], [], [], 0)[0] and sent < 10 * LIMIT:
            connection.sendall(chunk)
            sent += 65_536
        assert connection.recv(12) == b"HTTP/1.1 413"
    assert sent < 3 * LIMIT


def test_too_many_documents_are_413(service: Service) -> None:
    response = service.classify([{"id": "a", "text": "b"}] * 257)
    assert (response.status_code, error_of(response)["code"]) == (413, "too_many_documents")


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic a-key"}])
@pytest.mark.parametrize("path", ["/v1/model", "/v1/classify", "/metrics", "/none"])
def test_without_a_key_is_401(closed_service: Service, path: str, given: dict[str, str]) -> None:
    response = closed_service.client.get(path, headers=given)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert error_of(response)["code"] == "unauthorized"


def test_a_key_opens_the_closed_service(closed_service: Service, key: dict[str, str]) -> None:
    assert closed_service.client.get("/v1/model", headers=key).status_code == 200
    assert closed_service.client.get("/none", headers=key).status_code == 404


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/docs.json"])
def test_health_and_description_need_no_key(closed_service: Service, path: str) -> None:
    assert closed_service.client.get(path).status_code == 200


@pytest.mark.alone
def test_overload_and_timeout_are_503_with_retry_after(closed_service: Service, key: dict[str, str]) -> None:
    slow: list[httpx.Response] = []
    documents = [{"id": str(i), "text": LONG_TEXT} for i in range(60)]
    post = closed_service.client.post
    request = threading.Thread(
        target=lambda: slow.append(post("/v1/classify", json={"documents": documents}, headers=key))
    )
    request.start()
    quick = httpx.Response(200)
    while request.is_alive() and quick.status_code == 200:
        time.sleep(0.1)
        body = {"documents": [{"id": "a", "text": "b"}]}
        quick = post("/v1/classify", json=body, headers=key)
        assert closed_service.client.get("/livez").status_code == 200
    request.join()
    for response, code in ((quick, "overloaded"), (slow[0], "timeout")):
        assert (response.status_code, error_of(response)["code"]) == (503, code)
        assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("status", "becomes", "code"),
    [
        (400, 400, "bad_request"),
        (404, 404, "not_found"),
        (405, 405, "method_not_allowed"),
        (416, 416, "range_not_satisfiable"),
        (418, 418, "refused"),
        (429, 429, "overloaded"),
        (499, 499, "refused"),
        (500, 500, "internal"),
        (502, 500, "internal"),
        (503, 503, "not_ready"),
    ],
)
def test_statuses_of_the_frameworks_become_ours(status: int, becomes: int, code: str) -> None:
    error = framework_error(status, {"allow": "GET"})
    response = error.response()
    assert (response.status_code, error.info.code) == (becomes, code)
    assert response.headers["allow"] == "GET"
    assert ("retry-after" in response.headers) == (becomes in (429, 503))


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("bytes=9999999-", 416, "range_not_satisfiable"),
        ("lines=1-2", 400, "bad_request"),
        ("bytes=5-2", 400, "bad_request"),
        ("bytes", 400, "bad_request"),
    ],
)
def test_a_range_that_the_page_does_not_have_is_the_callers_mistake(asked: str, status: int, code: str) -> None:
    guard = Guard(Starlette(routes=page_routes()), keys=(), open_paths=(), timeout=30)
    response = TestClient(RouteLabels(guard, ["/"])).get("/", headers={"Range": asked})
    assert (response.status_code, error_of(response)["code"]) == (status, code)

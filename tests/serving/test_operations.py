"""What an operator relies on: health, metrics, the description of the routes, the page, and silence."""

from __future__ import annotations

import re
import threading
import time

import httpx
import pytest

from stance.classifier import StanceClassifier
from tests.serving.conftest import LONG_TEXT, Service


def test_the_model_is_described(service: Service, tiny_classifier: StanceClassifier) -> None:
    info = service.client.get("/v1/model").json()
    manifest = tiny_classifier.manifest
    assert info["tag"] == manifest.tag
    assert info["license"] == manifest.license
    assert info["labels"] == {
        "sentiment": ["negative", "neutral", "positive"],
        "stance": ["against", "neutral", "favor"],
    }
    assert info["heads"]["stance"] == {"temperature": 1.0, "threshold": 0.0}
    assert info["encoding"] == manifest.encoding.model_dump()
    assert {"metrics", "data", "created", "language"} <= set(info)


@pytest.mark.alone
def test_health_answers_while_the_model_works(service: Service) -> None:
    documents = [{"id": "a", "text": LONG_TEXT}]
    answers: list[httpx.Response] = []
    worker = threading.Thread(target=lambda: answers.append(service.classify(documents)))
    worker.start()
    slowest = 0.0
    while worker.is_alive():
        started = time.monotonic()
        assert service.client.get("/livez").status_code == 200
        slowest = max(slowest, time.monotonic() - started)
        time.sleep(0.02)
    assert answers[0].status_code == 200
    assert slowest < 3.0


def test_metrics_do_not_grow_with_unknown_paths(service: Service) -> None:
    def labels() -> set[str]:
        return set(re.findall(r'endpoint="([^"]*)"', service.client.get("/metrics").text))

    service.client.get("/none")
    before = labels()
    for number in range(20):
        assert service.client.get(f"/none/{number}").status_code == 404
    assert labels() == before
    assert "unknown" in before
    assert not {label for label in before if label.startswith("/none")}


def test_websockets_are_refused(service: Service) -> None:
    upgrade = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "c3RhbmNlIGlzIGEga2V5IQ==",
    }
    assert service.client.get("/v1/classify", headers=upgrade).status_code in (403, 405)


def test_the_description_is_true(service: Service) -> None:
    document = service.client.get("/docs.json").json()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            response = service.client.request(method, path, headers={"content-type": "application/json"})
            assert str(response.status_code) in operation["responses"], (method, path)
    schemas = document["components"]["schemas"]
    text = str(document)
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)
    assert schemas["ClassifyRequest"]["properties"]["documents"]["maxItems"] == 256
    assert schemas["Document"]["required"] == ["id", "text"]
    assert "post" in document["paths"]["/v1/classify"]


def test_the_page_loads_nothing_from_elsewhere(service: Service) -> None:
    page = service.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://|<style|style=|\son\w+=", page.text)
    for path in re.findall(r'(?:href|src)="(page/[^"]+)"', page.text):
        part = service.client.get(f"/{path}")
        assert part.status_code == 200
        assert part.headers["x-content-type-options"] == "nosniff"
        assert "innerHTML" not in part.text


def test_the_page_can_be_left_out(closed_service: Service, key: dict[str, str]) -> None:
    assert closed_service.client.get("/", headers=key).status_code == 404
    assert "/" not in closed_service.client.get("/docs.json").json()["paths"]


@pytest.mark.parametrize("name", ["service", "closed_service"])
def test_nothing_is_reported_to_anybody(name: str, request: pytest.FixtureRequest) -> None:
    running: Service = request.getfixturevalue(name)
    running.client.get("/readyz")
    events = running.network.read_text().splitlines()
    assert any(event.startswith("socket.bind") for event in events), "the watcher did not watch"
    local = re.compile(r"'(127\.0\.0\.1|localhost|::1?|0\.0\.0\.0)?'|None|^\S+ (b?'?/|\(\d+)")
    assert [event for event in events if not local.search(event)] == []

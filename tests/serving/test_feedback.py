"""Corrections over real HTTP on the tiny model, kept in SQLite and read back as labelled data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import func, inspect, select
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from serving.config import Limits
from serving.database import migrate, open_database
from serving.engine import Engine
from serving.errors import ApiError, answer
from serving.feedback.handler import FeedbackApi
from serving.feedback.store import FeedbackStore, corrections_table
from serving.guard import Guard, RouteLabels
from stance.schema import Document, ErrorInfo, ItemError
from tests.serving.conftest import Service, error_of, run_service
from training.data.errors import DataError
from training.data.readers.feedback import read_feedback

TEXT = "😀 Orsan condemned Talvia. Brel praised the treaty."
DOCUMENT: dict[str, Any] = {
    "id": "a1",
    "text": TEXT,
    "actors": [{"id": "orsan", "name": "Orsan"}, {"id": "talvia", "name": "Talvia"}],
    "mentions": [{"actor": "orsan", "start": 2, "end": 7}, {"actor": "talvia", "start": 18, "end": 24}],
}

CROWD = [f"Aa{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(90)]
#: A sentence of more pairs of actors than are scored.
CROWDED: dict[str, Any] = {
    "id": "a2",
    "text": " ".join(CROWD),
    "mentions": [{"actor": name, "start": 5 * i, "end": 5 * i + 4} for i, name in enumerate(CROWD)],
}


@dataclass(frozen=True)
class Reader:
    """Somebody who corrects answers."""

    service: Service
    url: str
    model: str
    sentence: list[int]
    sentiment: str
    stance: str

    def post(self, *corrections: dict[str, Any], **changes: Any) -> httpx.Response:
        body = {"model": self.model, "document": DOCUMENT, "corrections": corrections, "sender": "ada", **changes}
        return self.service.client.post("/v1/feedback", json=body)

    def on_sentiment(self, label: str, **changes: Any) -> dict[str, Any]:
        row = {"sentence": self.sentence, "target": "talvia", "predicted": self.sentiment, "label": label}
        return {**row, **changes}

    def on_stance(self, label: str, **changes: Any) -> dict[str, Any]:
        return self.on_sentiment(label, **{"holder": "orsan", "predicted": self.stance, **changes})

    @property
    def rows(self) -> int:
        engine = open_database(self.url)
        try:
            with engine.connect() as connection:
                if not inspect(connection).has_table("feedback"):
                    return 0
                return connection.execute(select(func.count()).select_from(corrections_table)).scalar_one()
        finally:
            engine.dispose()


@pytest.fixture(scope="module")
def reader(database_of_module: str, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader of a service that takes feedback."""

    def command(config: Path, port: int) -> list[str]:
        start = "import sys, pathlib; from serving.run import serve; serve(pathlib.Path(sys.argv[1]))"
        return [sys.executable, "-c", start, str(config)]

    folder = tmp_path_factory.mktemp("feedback")
    url = database_of_module
    environment = {"STANCE_FEEDBACK_URL": url}
    for service in run_service(folder, tiny_model, command, environment, feedback=True, threads=1):
        answer = service.classify([DOCUMENT], include_neutral=True).json()
        sentence = answer["results"][0]["sentences"][0]
        sentiment = next(s["label"] for s in sentence["sentiment"] if s["actor"] == "talvia")
        stance = next(s["label"] for s in sentence["stances"] if (s["holder"], s["target"]) == ("orsan", "talvia"))
        yield Reader(service, url, answer["model"], [sentence["start"], sentence["end"]], sentiment, stance)


@pytest.mark.parametrize(
    ("change", "status", "code", "says"),
    [
        ({"model": "stance:older"}, 409, "model_replaced", "classify the text again"),
        ({"sender": " "}, 422, "invalid_request", "sender"),
        ({"corrections": []}, 422, "invalid_request", "corrections"),
        ({"document": {**DOCUMENT, "text": " "}}, 422, "invalid_request", "document: text"),
        ({"document": CROWDED}, 422, "too_many_actors", "document: text: sentence 0 names 90 actors"),
        ({"extra": 1}, 422, "invalid_request", "extra"),
    ],
)
def test_a_wrong_request_is_refused(reader: Reader, change: dict[str, Any], status: int, code: str, says: str) -> None:
    before = reader.rows
    response = reader.post(reader.on_stance("favor"), **change)
    assert response.status_code == status
    assert error_of(response)["code"] == code
    assert says in error_of(response)["message"]
    assert reader.rows == before


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"sentence": [0, 5]}, "sentence", "is no sentence of this text"),
        ({"sentence": [5, 2]}, "sentence", "start < end"),
        ({"target": "brel"}, "target", "was given in that sentence"),
        ({"holder": "brel"}, "target", "no stance of 'brel'"),
        ({"label": "positive"}, "label", "against, neutral, favor"),
        ({"predicted": "unsure"}, "predicted", "the model says"),
    ],
)
def test_a_correction_of_nothing_is_refused_and_none_of_its_request_kept(
    reader: Reader, change: dict[str, Any], field: str, says: str
) -> None:
    before = reader.rows
    response = reader.post(reader.on_sentiment("negative"), {**reader.on_stance("favor"), **change})
    assert response.status_code == 422
    assert f"corrections[1].{field}" in error_of(response)["message"]
    assert says in error_of(response)["message"]
    assert reader.rows == before


def test_one_answer_is_corrected_once_a_request(reader: Reader) -> None:
    response = reader.post(reader.on_stance("favor"), reader.on_stance("against"))
    assert "corrects the same answer twice" in error_of(response)["message"]


def test_corrections_are_kept_and_come_back_as_labelled_data(reader: Reader) -> None:
    before = reader.rows
    assert reader.post(reader.on_stance("against")).json() == {"kept": 1}
    response = reader.post(reader.on_sentiment("negative"), reader.on_stance("favor"))
    assert (response.status_code, response.json()) == (201, {"kept": 2})
    assert reader.rows == before + 3
    (document,) = read_feedback(reader.url)
    assert (document.text, document.source) == (TEXT, "feedback")
    assert [(s.sentence, s.actor, s.label) for s in document.sentiment] == [(reader.sentence, "talvia", "negative")]
    assert [(s.holder, s.target, s.label) for s in document.stances] == [("orsan", "talvia", "favor")]
    assert {TEXT[m.start : m.end] for m in document.mentions} == {"Orsan", "Talvia"}


def test_senders_who_disagree_are_named_and_not_imported(reader: Reader) -> None:
    reader.post(reader.on_stance("favor"), sender="ada")
    reader.post(reader.on_stance("against"), sender="bo")
    found = read_feedback(reader.url)
    assert next(found).stances == []
    with pytest.raises(DataError, match=r"senders disagree on 'talvia': ada 'favor'.*bo 'against'"):
        next(found)


class Failing:
    """A classifier that has an error in the place of every result."""

    tag = "stance:failing"

    def __init__(self, code: str) -> None:
        self.error = ErrorInfo(code=code, message="text: split the sentence")

    def classify(self, documents: list[Document], *options: bool) -> list[ItemError]:
        return [ItemError(id=document.id, error=self.error) for document in documents]


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("too_many_actors", 422, "document: text: split the sentence"),
        ("internal", 500, "something went wrong in the service; its log has the details"),
    ],
)
def test_only_what_the_document_is_to_blame_for_is_the_callers_mistake(
    tmp_path: Path, code: str, status: int, message: str
) -> None:
    engine = Engine(running=1, waiting=1)
    store = FeedbackStore(f"sqlite:///{tmp_path / 'none.db'}")
    api = FeedbackApi(store, engine, Limits(), cast(Any, lambda: Failing(code)))
    route = Route("/v1/feedback", api.post, methods=["POST"])
    app = Starlette(routes=[route], exception_handlers={ApiError: answer})
    client = TestClient(RouteLabels(Guard(app, keys=(), open_paths=(), timeout=30), ["/v1/feedback"]))
    correction = {"sentence": [0, 1], "target": "talvia", "predicted": "neutral", "label": "negative"}
    body = {"model": Failing.tag, "document": DOCUMENT, "corrections": [correction], "sender": "ada"}
    response = client.post("/v1/feedback", json=body)
    engine.close()
    assert response.status_code == status
    assert error_of(response) == {"code": code, "message": message}


def test_a_service_without_feedback_has_no_such_route(service: Service) -> None:
    assert service.client.post("/v1/feedback", json={}).status_code == 404


def test_workers_that_migrate_together_make_one_schema(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(open_database(database_url)), range(4)))
    columns = {column["name"] for column in inspect(open_database(database_url)).get_columns("feedback")}
    assert columns == set(corrections_table.columns.keys())


def test_a_url_without_feedback_is_one_error_that_hides_the_password(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no feedback can be read"):
        list(read_feedback(f"sqlite:///{tmp_path / 'none.db'}"))
    with pytest.raises(DataError, match="no feedback can be read") as error:
        list(read_feedback("nosuch://me:secret@host/name"))
    assert "secret" not in str(error.value)

"""`POST /v1/classify` over HTTP: the same answers as in the process, in order, whatever stands beside them."""

from __future__ import annotations

from typing import Any

import pytest

from stance.classifier import StanceClassifier
from stance.schema import Document, DocumentResult
from tests.serving.conftest import Service, error_of

ACTORS = [{"id": "ru", "name": "Russia", "type": "state"}, {"id": "ua", "name": "Ukraine", "type": "state"}]
TEXT = "Russia condemned Ukraine. Ukraine rejected what Russia said."
GOOD = {"id": "good", "text": TEXT, "actors": ACTORS}


def test_answers_are_those_of_the_process(service: Service, tiny_classifier: StanceClassifier) -> None:
    documents = [{"id": str(i), "text": f"{TEXT} Note {i}.", "actors": ACTORS} for i in range(5)]
    response = service.classify(documents, include_neutral=True)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    expected = tiny_classifier.classify([Document.model_validate(d) for d in documents], include_neutral=True)
    assert response.json() == {
        "model": tiny_classifier.tag,
        "results": [result.model_dump(mode="json") for result in expected],
    }


def test_no_documents_give_no_results(service: Service) -> None:
    assert service.classify([]).json()["results"] == []


@pytest.mark.parametrize(("include_neutral", "author"), [(True, False), (True, True)])
def test_options_reach_the_classifier(service: Service, include_neutral: bool, author: bool) -> None:
    [result] = service.classify([GOOD], include_neutral=include_neutral, author=author).json()["results"]
    holders = {stance["holder"] for sentence in result["sentences"] for stance in sentence["stances"]}
    assert holders == {"ru", "ua"} | ({"author"} if author else set())


def test_the_requests_actors_apply_to_documents_without_any(service: Service) -> None:
    own = [{"id": "uk", "name": "Ukraine"}]
    response = service.classify([{"id": "a", "text": TEXT}, {"id": "b", "text": TEXT, "actors": own}], actors=ACTORS)
    found = [[actor["id"] for actor in result["actors"]] for result in response.json()["results"]]
    assert found == [["ru", "ua"], ["uk"]]


def test_given_mentions_are_used_and_no_other(service: Service) -> None:
    mentions = [{"actor": "ru", "start": 0, "end": 6}, {"actor": "ua", "start": 17, "end": 24}]
    [result] = service.classify([{**GOOD, "mentions": mentions}]).json()["results"]
    found = [(m["actor"], m["start"], m["end"]) for sentence in result["sentences"] for m in sentence["mentions"]]
    assert found == [("ru", 0, 6), ("ua", 17, 24)]


CROWD = [f"Aa{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(90)]
BAD = [
    "not an object",
    {"id": "bad"},
    {"id": "bad", "text": ""},
    {"id": "bad", "text": "lone \ud800 surrogate"},
    {"id": "bad", "text": "x" * 1_000_000},
    {"id": "bad", "text": TEXT, "colour": "red"},
    {"id": "bad", "text": 12},
    {"id": "bad", "text": TEXT, "actors": [ACTORS[0], ACTORS[0]]},
    {"id": "bad", "text": TEXT, "actors": [{"id": "a", "name": "A", "aliases": [""]}]},
    {"id": "bad", "text": TEXT, "mentions": [{"actor": "ru", "start": 0, "end": 9999}]},
    {"id": "bad", "text": ", ".join(CROWD), "actors": [{"id": name, "name": name} for name in CROWD]},
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_a_bad_document_costs_no_other_its_result(service: Service, bad: Any) -> None:
    response = service.classify([GOOD, bad, {**GOOD, "id": "last"}])
    assert response.status_code == 200
    first, middle, last = response.json()["results"]
    assert (first["id"], last["id"]) == ("good", "last")
    assert {**first, "id": "last"} == last
    assert middle["id"] == ("bad" if isinstance(bad, dict) else "1")
    assert set(middle) == {"id", "error"}
    assert set(middle["error"]) == {"code", "message"}


ODD = {
    "one long sentence": "Russia and Ukraine " * 1052,
    "control and zero-width characters": "Russia\x00\x07 con\u200bdemned \u2060Ukraine\ufeff.\x1b[31m",
    "right to left": "Russia said \u202eاللغة العربية\u202c to Ukraine.",
    "emoji": "\U0001f600 Russia \U0001f1fa\U0001f1e6 praised Ukraine \U0001f468\u200d\U0001f469\u200d\U0001f467.",
    "no actor that occurs": "Nothing happened here.",
    "markup": "<script>alert(1)</script> Russia praised </s> Ukraine [CLS].",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_text_is_answered_with_exact_offsets(service: Service, text: str) -> None:
    response = service.classify([{**GOOD, "text": text}])
    [result] = response.json()["results"]
    assert DocumentResult.model_validate(result)
    for sentence in result["sentences"]:
        assert text[sentence["start"] : sentence["end"]] == sentence["text"]
        for mention in sentence["mentions"]:
            assert text[mention["start"] : mention["end"]] == mention["text"]


def test_a_wrong_envelope_is_refused_as_a_whole(service: Service) -> None:
    response = service.classify([GOOD], colour="red")
    assert response.status_code == 422
    assert error_of(response)["details"] == [
        {"field": "colour", "message": "is not a known field; remove it or check its spelling"}
    ]

"""Documents of a request: a bad one names its field and mend and leaves the others alone."""

from __future__ import annotations

from typing import Any

import pytest

from serving.config import Limits
from serving.errors import ApiError
from serving.intake import parse_json, read_document, read_envelope, read_request
from stance.schema import Actor, Document, ItemError

LIMITS = Limits(text_characters=100, actors=2, documents=2)
ACTOR = {"id": "a", "name": "A"}


def read(value: Any, actors: list[Actor] | None = None) -> Document | ItemError:
    return read_document(value, 7, actors, LIMITS)


BAD_DOCUMENTS = [
    (
        {"id": "x", "text": "abc", "mentions": [{"actor": "a", "start": 0.5, "end": float("inf")}]},
        "invalid_document",
        "mentions[0].start: must be a whole number, not 0.5; mentions[0].end: must be a whole number, not inf",
    ),
    ("not an object", "invalid_document", "documents[7]: must be an object with id and text, not a string"),
    ({"id": "x"}, "invalid_document", "text: is missing; add it"),
    ({"id": "x", "text": " \n"}, "invalid_document", "text: must not be empty or blank"),
    ({"id": "x", "text": "a\ud800"}, "invalid_document", "text: has a lone surrogate at character 1"),
    ({"id": "x", "text": 3}, "invalid_document", "text: must be a string, not a number"),
    ({"id": "x", "text": "a" * 101}, "text_too_long", "text: 101 characters are more than the limit of 100"),
    (
        {"id": "x", "text": "a" * 60, "mentions": [{"actor": f"a{i}", "start": i, "end": 60} for i in range(2)]},
        "mentions_too_long",
        "mentions: together hold 119 characters, more than the limit of 100; give the names and phrases only",
    ),
    ({"id": "x", "text": "a", "txt": "b"}, "invalid_document", "txt: is not a known field"),
    ({"id": "x", "text": "a", "\udc00": 1}, "invalid_document", "not valid Unicode"),
    ({"id": "x", "text": "a", "actors": ACTOR}, "invalid_document", "actors: must be a list, not an object"),
    ({"id": "x", "text": "a", "actors": [{"id": "a"}]}, "invalid_document", "actors[0].name: is missing"),
    ({"id": "x", "text": "a", "actors": [ACTOR, ACTOR]}, "invalid_document", "actors[1].id: 'a' is used twice"),
    ({"id": "x", "text": "a", "actors": [ACTOR] * 3}, "too_many_actors", "actors: 3 are more than the limit of 2"),
    (
        {"id": "x", "text": "a", "actors": [{**ACTOR, "aliases": ["B"] * 5001}] * 2},
        "too_many_aliases",
        "actors: 10002 aliases are more than the limit of 10000; list fewer",
    ),
    (
        {"id": "x", "text": "a", "actors": [{**ACTOR, "aliases": ["B", " "]}]},
        "invalid_document",
        "actors[0].aliases[1]: must not be empty",
    ),
    (
        {"id": "x", "text": "a", "actors": [{**ACTOR, "type": "cat"}]},
        "invalid_document",
        "actors[0].type: must be 'state'",
    ),
    (
        {"id": "x", "text": "abc", "mentions": [{"actor": "a", "start": 0, "end": 4}]},
        "invalid_document",
        "mentions[0].end: 4 lies outside the text of 3 characters",
    ),
    (
        {"id": "x", "text": "abc", "mentions": [{"actor": "a", "start": -1, "end": 2}]},
        "invalid_document",
        "mentions[0].start: must be 0 or more, not -1",
    ),
    (
        {"id": "x", "text": "abc", "mentions": [{"actor": "a", "start": 2, "end": 2}]},
        "invalid_document",
        "mentions[0]: end 2 must be greater than start 2",
    ),
    (
        {"id": "x", "text": "a b", "mentions": [{"actor": "a", "start": i, "end": i + 1} for i in range(2)]},
        "invalid_document",
        "mentions[1]: nothing can be seen from 1 to 2; give the span of a name or phrase, in code points from 0",
    ),
    (
        {"id": "x", "text": "abc", "mentions": [{"actor": f"a{i}", "start": 0, "end": 1} for i in range(3)]},
        "too_many_actors",
        "actors: 3 are more",
    ),
]


@pytest.mark.parametrize(("value", "code", "message"), BAD_DOCUMENTS)
def test_a_bad_document_names_field_and_mend(value: Any, code: str, message: str) -> None:
    item = read(value)
    assert isinstance(item, ItemError)
    assert (item.error.code, item.id) == (code, "x" if isinstance(value, dict) else "7")
    assert message in item.error.message
    item.model_dump_json()


@pytest.mark.parametrize("name", [None, 3, "", "\ud800"])
def test_without_a_usable_id_the_position_stands_for_it(name: Any) -> None:
    item = read({"id": name, "text": "a"})
    assert isinstance(item, ItemError)
    assert item.id == "7"


def test_the_requests_actors_apply_where_a_document_brings_none() -> None:
    shared = [Actor(id="s", name="S")]
    own = read({"id": "x", "text": "a", "actors": [ACTOR]}, shared)
    bare = read({"id": "x", "text": "a", "actors": None}, shared)
    assert isinstance(own, Document)
    assert isinstance(bare, Document)
    assert (own.actors, bare.actors) == ([Actor(id="a", name="A")], shared)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON"),
        (b'{"documents": [', "not JSON"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[NaN]", "NaN"),
        (b"9" * 5000, "number"),
    ],
)
def test_what_is_no_json_is_malformed(body: bytes, message: str) -> None:
    with pytest.raises(ApiError, match=message) as caught:
        parse_json(body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("value", "status", "fields"),
    [
        ([], 422, ["body"]),
        ({}, 422, ["documents"]),
        ({"documents": "x", "include_neutral": 1, "more": 1}, 422, ["documents", "include_neutral", "more"]),
        ({"documents": [], "actors": [ACTOR, ACTOR]}, 422, ["actors[1].id"]),
        ({"documents": [], "actors": [{**ACTOR, "aliases": [""]}]}, 422, ["actors[0].aliases[0]"]),
        ({"documents": [], "actors": [{"id": str(i), "name": "A"} for i in range(3)]}, 422, ["actors"]),
        ({"documents": [{}] * 3}, 413, None),
    ],
)
def test_a_wrong_envelope_names_every_field(value: Any, status: int, fields: list[str] | None) -> None:
    with pytest.raises(ApiError) as caught:
        read_envelope(value, LIMITS)
    assert caught.value.status == status
    details = caught.value.info.details
    assert (details and [fault["field"] for fault in details]) == fields


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"documents": [], "author": true, "author": false}', "body: has the key 'author' twice"),
        ('{"documents": [], "actors": [{"id": "a", "name": "A", "id": "b"}]}', "actors[0]: has the key 'id' twice"),
        ('{"documents": {"a": 1, "a": 2}}', "documents: has the key 'a' twice"),
    ],
)
def test_a_doubled_key_of_the_envelope_refuses_the_request(body: str, field: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_request(body.encode(), LIMITS)
    assert (caught.value.status, caught.value.info.code) == (422, "invalid_request")
    assert caught.value.info.message == f"{field}; write it once"


def test_a_doubled_key_of_a_document_costs_no_other_its_result() -> None:
    good = '{"id": "a", "text": "A text."}'
    for bad, message in (
        ('{"id": "b", "text": "One.", "text": "Two."}', "documents[1]: has the key 'text' twice; write it once"),
        (
            '{"id": "b", "text": "One.", "mentions": [{"actor": "a", "start": 0, "end": 1, "end": 3}]}',
            "mentions[0]: has the key 'end' twice; write it once",
        ),
        ('{"id": "b", "text": "One.", "' + "k" * 9999 + '": {"a": 1, "a": 1}}', "is not a known field"),
    ):
        _, items = read_request(f'{{"documents": [{good}, {bad}]}}'.encode(), LIMITS)
        assert isinstance(items[0], Document)
        assert isinstance(items[1], ItemError)
        assert items[1].error.code == "invalid_document"
        assert message in items[1].error.message


def test_an_answer_does_not_grow_with_the_faults_that_it_lists() -> None:
    actors, unknown = [{**ACTOR, "aliases": [""] * 10_000}], dict.fromkeys(map(str, range(500)))
    item = read({"id": "x", "text": "a", "actors": actors, "mentions": [{}] * 10_000, **unknown})
    assert isinstance(item, ItemError)
    assert "actors[0].aliases[0]: must not be empty or blank; mentions[0].actor: is missing" in item.error.message
    assert item.error.message.endswith("; and 404 more faults")
    assert len(item.error.message) < 100 * 80
    long = read({"id": "x", "text": "a", "k" * 100_000: 1})
    assert isinstance(long, ItemError)
    assert len(long.error.message) < 400
    with pytest.raises(ApiError) as caught:
        read_envelope({"documents": [], **unknown}, LIMITS)
    assert caught.value.info.details[-1] == {"field": "body", "message": "and 400 more faults"}
    with pytest.raises(ApiError, match="actors: 10000 are more than the limit of 2"):
        read_envelope({"documents": [], "actors": [{}] * 10_000}, LIMITS)


@pytest.mark.parametrize("field", ["actors", "mentions"])
def test_the_id_of_the_texts_own_voice_is_taken(field: str) -> None:
    row = {"id": "author", "name": "A"} if field == "actors" else {"actor": "author", "start": 0, "end": 1}
    item = read({"id": "x", "text": "abc", field: [row]})
    assert isinstance(item, ItemError)
    assert "'author' stands for the text's own voice; give the actor another id" in item.error.message
    if field == "actors":
        with pytest.raises(ApiError, match=r"actors\[0\].id: 'author' stands for"):
            read_envelope({"documents": [], "actors": [row]}, LIMITS)

"""Labelled documents that contradict themselves are refused in words that name the place."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from stance.faults import faults, field_path, printable
from stance.labelled import LabelledDocument

TEXT = "Norway met 🎉 France."
GOOD: dict[str, Any] = {
    "id": "d",
    "text": TEXT,
    "actors": [{"id": "n", "name": "Norway"}, {"id": "f", "name": "France"}],
    "mentions": [{"actor": "f", "start": 13, "end": 19}],
    "sentiment": [{"sentence": [0, 20], "actor": "f", "label": "neutral"}],
    "stances": [{"sentence": [0, 20], "holder": "n", "target": "f", "label": "favor"}],
}
SENTIMENT, STANCE = GOOD["sentiment"][0], GOOD["stances"][0]


def test_offsets_count_code_points() -> None:
    (mention,) = LabelledDocument.model_validate(GOOD).mentions
    assert TEXT[mention.start : mention.end] == "France"
    assert len(TEXT) == 20 < len(TEXT.encode("utf-16-le")) // 2


def test_a_document_survives_the_round_trip() -> None:
    document = LabelledDocument.model_validate(GOOD)
    assert LabelledDocument.model_validate_json(document.model_dump_json()) == document


def test_the_author_may_hold_a_stance_without_being_an_actor() -> None:
    LabelledDocument.model_validate({**GOOD, "stances": [{**STANCE, "holder": "author"}]})


@pytest.mark.parametrize("sentences", [None, [], [[0, 20]], [[0, 11], [11, 20]], [[1, 6], [7, 10], [13, 19]]])
def test_sentences_stand_one_after_the_other(sentences: list[list[int]] | None) -> None:
    LabelledDocument.model_validate({**GOOD, "sentences": sentences})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stances": [{**STANCE, "holder": "f"}]}, "stances[0]: holder and target are both 'f'; they must differ"),
        ({"stances": [STANCE, {**STANCE, "holder": "x"}]}, "stances[1].holder: 'x' is not among the actors; add it"),
        ({"stances": [{**STANCE, "target": "author"}]}, "stances[0].target: 'author' is not among the actors"),
        ({"sentiment": [{**SENTIMENT, "actor": "author"}]}, "sentiment[0].actor: 'author' is not among the actors"),
        ({"sentiment": [{**SENTIMENT, "sentence": [0, 21]}]}, "sentiment[0].sentence: [0, 21] lies outside the text"),
        ({"sentiment": [{**SENTIMENT, "sentence": [5, 5]}]}, "sentiment[0].sentence: a sentence is [start, end] with"),
        ({"sentiment": [{**SENTIMENT, "sentence": [5]}]}, "sentiment[0].sentence: a sentence is [start, end] with"),
        ({"stances": [{**STANCE, "sentence": [-1, 5]}]}, "stances[0].sentence: a sentence is [start, end] with"),
        ({"stances": [{**STANCE, "weight": 0.0}]}, "stances[0].weight: "),
        ({"stances": [{**STANCE, "label": "positive"}]}, "stances[0].label: must be 'against', 'neutral' or 'favor'"),
        ({"mentions": [{"actor": "f", "start": 13, "end": 21}]}, "mentions[0].end: 21 lies outside the text of 20"),
        ({"mentions": [{"actor": "f", "start": 3, "end": 3}]}, "mentions[0]: end 3 must be greater than start 3"),
        ({"mentions": [{"actor": "f", "start": 6, "end": 7}]}, "mentions[0]: nothing can be seen from 6 to 7; give"),
        ({"mentions": [{"actor": "f", "start": -1, "end": 3}]}, "mentions[0].start: must be 0 or more, not -1"),
        ({"mentions": [{"actor": "f", "start": 1.5, "end": 3}]}, "mentions[0].start: must be a whole number, not 1.5"),
        ({"mentions": [{"actor": "x", "start": 0, "end": 3}]}, "mentions[0].actor: 'x' is not among the actors"),
        ({"sentences": [[0, 11], [11, 21]]}, "sentences[1]: [11, 21] lies outside the text of 20 characters"),
        ({"sentences": [[0, 11], [10, 20]]}, "sentences[1]: [10, 20] begins before 11, where the one before ends"),
        ({"sentences": [[11, 20], [0, 10]]}, "sentences[1]: [0, 10] begins before 20, where the one before ends"),
        ({"sentences": [[0, 11], [0, 11]]}, "sentences[1]: [0, 11] begins before 11, where the one before ends"),
        ({"sentences": [[5, 5]]}, "sentences[0]: a sentence is [start, end] with"),
        ({"text": " \n"}, "text: must not be empty or blank"),
        ({"mentions_complete": "yes"}, "mentions_complete: must be true or false, not a string"),
        ({"actors": None}, "actors: must be a list, not null"),
        ({"actors": [["n"]]}, "actors[0]: must be an object, not a list"),
    ],
)
def test_a_contradiction_is_told_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LabelledDocument.model_validate({**GOOD, **change})
    told = [str(fault) for fault in faults(caught.value)]
    assert any(line.startswith(message) for line in told), told
    assert not any("\n" in line for line in told)


@pytest.mark.parametrize(
    ("location", "path"), [((), ""), ((0, "id"), "[0].id"), (("a", 1, 2, "b"), "a[1][2].b"), (("a", "b"), "a.b")]
)
def test_places_are_written_as_paths(location: tuple[int | str, ...], path: str) -> None:
    assert field_path(location) == path


def test_what_cannot_be_sent_is_written_out() -> None:
    assert printable("a\ud800 é🎉") == "a\\ud800 é🎉"

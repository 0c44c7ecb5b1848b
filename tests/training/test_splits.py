"""What training refuses to begin with: a class that nobody labelled, texts that dev holds too."""

from __future__ import annotations

import pytest

from stance.labelled import LabelledDocument
from training.data.errors import DataError
from training.splits import check_answers, check_classes, without_overlap

LONG = "Tamoria condemned Qarvan for arming the rebels in the north."


def document(name: str, text: str, *labels: str, before: str = "") -> LabelledDocument:
    span = [len(before), len(before + text)]
    return LabelledDocument.model_validate(
        {
            "id": name,
            "text": before + text,
            "actors": [{"id": "q", "name": "Qarvan"}],
            "sentiment": [{"sentence": span, "actor": "q", "label": label} for label in labels],
        }
    )


def test_a_class_that_no_source_has_is_named() -> None:
    train = {"a": [document("1", LONG, "negative")], "b": [document("2", "Qarvan fell.", "neutral")]}
    with pytest.raises(DataError, match=r"a, b: sentiment: no training document is labelled positive, .*add some"):
        check_classes(train)
    check_classes({**train, "c": [document("3", "Qarvan won.", "positive")]})


def test_a_kind_of_label_that_nobody_gave_is_no_missing_class() -> None:
    check_classes({"a": [document("1", LONG)]})


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (document("d7", "Qarvan fell.", "negative"), document("t3", "qarvan  FELL!", "negative")),
        (document("d7", LONG, "negative", before="Once more. "), document("t3", LONG, "negative")),
    ],
    ids=["text", "sentence"],
)
def test_what_dev_holds_too_is_refused_by_name_or_left_out(theirs: LabelledDocument, ours: LabelledDocument) -> None:
    train = {"mine": [ours, document("t4", "Qarvan rose.", "positive")]}
    with pytest.raises(DataError, match=r"mine: text: document 't3' shares text with 'd7' of dev.jsonl.*overlap=drop"):
        without_overlap(train, {"dev.jsonl": [theirs]}, drop=False)
    kept = without_overlap(train, {"dev.jsonl": [theirs]}, drop=True)
    assert [d.id for d in kept["mine"]] == ["t4"]


def test_a_short_sentence_may_stand_in_both() -> None:
    train = {"mine": [document("t", "Qarvan fell.", "negative", before="On Monday. ")]}
    dev = {"dev": [document("d", "Qarvan fell.", "negative", before="On Tuesday. ")]}
    assert without_overlap(train, dev, drop=False) == train


def test_two_answers_to_one_question_are_named() -> None:
    twice = document("1", LONG, "negative", "positive")
    with pytest.raises(DataError, match=r"mine: sentiment\[1\]\.label: 'positive' .* contradicts"):
        check_answers({"mine": [twice]})


def test_two_documents_of_one_text_may_not_differ() -> None:
    one, other = document("1", LONG, "negative"), document("2", LONG, "neutral")
    with pytest.raises(DataError, match="'neutral' in document '2' contradicts 'negative' in '1'; keep one"):
        check_answers({"mine": [one, other]})
    check_answers({"mine": [one], "published": [other]})  # another source may see it otherwise
    check_answers({"mine": [one, document("2", LONG, "negative"), document("3", LONG, "neutral", before="Again. ")]})


def test_namesakes_are_not_taken_for_one_actor() -> None:
    raw = document("1", LONG, "negative").model_dump()
    raw["actors"].append({"id": "other", "name": "qarvan"})
    raw["sentiment"].append({"sentence": [0, len(LONG)], "actor": "other", "label": "positive"})
    check_answers({"mine": [LabelledDocument.model_validate(raw)]})

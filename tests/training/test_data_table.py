from pathlib import Path

import pytest

from training.data.errors import DataError
from training.data.readers import read_csv


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_sentiment_rows_of_one_sentence_are_one_document(tmp_path: Path) -> None:
    text = "\ufefflabel,Target,sentence\nnegative,orsan,Orsan failed; ORSAN and Talvia left.\n"
    text += "Positive,Talvia,Orsan failed; ORSAN and Talvia left.\nneutral,Brel,Brel spoke.\n"
    first, second = read_csv(write(tmp_path / "mine.csv", text))
    assert (first.id, second.id, first.source) == ("mine-2", "mine-4", "mine.csv")
    assert [first.text[m.start : m.end] for m in first.mentions] == ["Orsan", "ORSAN", "Talvia"]
    assert [(s.actor, s.label) for s in first.sentiment] == [("a0", "negative"), ("a1", "positive")]


def test_stance_rows_keep_the_direction_and_know_the_author(tmp_path: Path) -> None:
    text = 'holder,sentence,label,target\nBrel,"Brel, shamefully, hit Talvia.",against,Talvia\n'
    text += 'author,"Brel, shamefully, hit Talvia.",against,Brel\n'
    (document,) = read_csv(write(tmp_path / "mine.csv", text))
    names = {actor.id: actor.name for actor in document.actors} | {"author": "the author"}
    found = [(names[s.holder], names[s.target], s.label) for s in document.stances]
    assert found == [("Brel", "Talvia", "against"), ("the author", "Brel", "against")]


def test_a_name_inside_another_actors_name_is_no_mention(tmp_path: Path) -> None:
    text = "sentence,holder,target,label\nSouth Sudan thanked Sudan.,South Sudan,Sudan,favor\n"
    (document,) = read_csv(write(tmp_path / "mine.csv", text))
    assert [(m.start, m.end) for m in document.mentions] == [(0, 11), (20, 25)]


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        ("Orsan left.,Orsan,bad", "label", "none of negative, neutral, positive"),
        ("Orsan left.,Talvia,neutral", "target", "does not stand in the sentence"),
        ("Orsania left.,Orsan,neutral", "target", "does not stand in the sentence"),
        (",Orsan,neutral", "sentence", "is empty"),
        ("Orsan left.,,neutral", "target", "is empty"),
        ("Orsan left.,Orsan,neutral,more", "", "4 fields instead of 3"),
        ("Brel left.,BREL,positive", "label", "contradicts 'neutral' of line 2"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_read(tmp_path: Path, row: str, field: str, says: str) -> None:
    path = write(tmp_path / "mine.csv", f"sentence,target,label\nBrel left.,Brel,neutral\n{row}\nEnd.,End,neutral\n")
    reader = read_csv(path)
    assert [next(reader).text, next(reader).text] == ["Brel left.", "End."]
    with pytest.raises(DataError, match=says) as error:
        next(reader)
    assert [(p.line, p.field) for p in error.value.problems] == [(3, field)]


@pytest.mark.parametrize(
    "header", ["", "sentence,label", "sentence,holders,target,label", "sentence,target,label,label"]
)
def test_other_headers_are_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataError, match="header must be"):
        list(read_csv(write(tmp_path / "mine.csv", f"{header}\nBrel left.,Brel,neutral\n")))


def test_an_open_quotation_mark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not CSV"):
        list(read_csv(write(tmp_path / "mine.csv", 'sentence,target,label\n"Brel left.,Brel,neutral\n')))


@pytest.mark.parametrize(
    ("bad", "lines"),
    [
        (f"{'x' * 140_000},Brel,neutral", [3, 5]),
        (f'"{"x" * 140_000}",Brel,neutral', [3, 5]),
        (f'"one\n{"x" * 140_000}",Brel,neutral', [3, 6]),
        ("Brel\rleft.,Brel,neutral", [3, 5]),
        ('"Brel left."x,Brel,neutral', [3, 5]),
    ],
)
def test_a_row_that_is_no_csv_costs_no_other_its_check(tmp_path: Path, bad: str, lines: list[int]) -> None:
    text = f"sentence,target,label\nBrel left.,Brel,neutral\n{bad}\nEnd.,End,neutral\nEnd.,End,bad\n"
    reader = read_csv(write(tmp_path / "mine.csv", text))
    assert [next(reader).text, next(reader).text] == ["Brel left.", "End."]
    with pytest.raises(DataError, match=r":3: not CSV \(.*\); ") as error:
        next(reader)
    assert [problem.line for problem in error.value.problems] == lines


def test_a_header_that_is_no_csv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=":1: not CSV"):
        list(read_csv(write(tmp_path / "mine.csv", f"{'x' * 140_000}\nBrel left.,Brel,neutral\n")))

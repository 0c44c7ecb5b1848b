from pathlib import Path

import pytest

from training.data.corpus import agreement, compile_markup, split_documents, writer
from training.data.errors import DataError

TEXT = """\
# w1-001 | border
@ talvia | Talvia | state
@ brel | Ada Brel | person
@ orsan | Orsan | state
H: [Talvia>talvia] shuts bridge
S: [Ada Brel>brel] attacked [the neighbour>talvia~n].
  + talvia negative
  > brel talvia against
  > author talvia favor
S: [She>brel~p] left.
S: Rain fell.
S: Rain fell again.
S: [Talvia>talvia] met [Orsan>orsan].
"""


def write(path: Path, text: str = TEXT) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_text_spans_and_mentions_stand_where_they_should(tmp_path: Path) -> None:
    (document,) = compile_markup([write(tmp_path / "w1.txt")])
    assert document.text.startswith("Talvia shuts bridge\n\nAda Brel attacked the neighbour. She left. Rain fell.")
    assert document.sentences is not None
    assert [document.text[a:b] for a, b in document.sentences][1:3] == ["Ada Brel attacked the neighbour.", "She left."]
    assert [(m.actor, document.text[m.start : m.end], m.kind) for m in document.mentions][:4] == [
        ("talvia", "Talvia", "name"),
        ("brel", "Ada Brel", "name"),
        ("talvia", "the neighbour", "nominal"),
        ("brel", "She", "pronoun"),
    ]
    assert document.mentions_complete
    assert (document.source, document.license) == ("stance-corpus", "CC-BY-4.0")


def test_neutral_is_written_out_for_every_question_in_scope(tmp_path: Path) -> None:
    (document,) = compile_markup([write(tmp_path / "w1.txt")])
    assert document.sentences is not None
    number = {tuple(span): index for index, span in enumerate(document.sentences)}
    sentiment = {(number[tuple(s.sentence)], s.actor): s.label for s in document.sentiment}
    assert sentiment == {
        (0, "talvia"): "neutral",
        (1, "brel"): "neutral",
        (1, "talvia"): "negative",
        (2, "brel"): "neutral",
        (5, "talvia"): "neutral",
        (5, "orsan"): "neutral",
    }
    stances = {(number[tuple(s.sentence)], s.holder, s.target): s.label for s in document.stances}
    assert stances == {
        (0, "author", "talvia"): "neutral",
        (1, "brel", "talvia"): "against",
        (1, "talvia", "brel"): "neutral",
        (1, "author", "brel"): "neutral",
        (1, "author", "talvia"): "favor",
        (2, "talvia", "brel"): "neutral",
        (2, "author", "brel"): "neutral",
        # Brel of the sentences 1 and 2 is still in reach of sentence 5; nobody is in reach before that.
        (5, "brel", "talvia"): "neutral",
        (5, "brel", "orsan"): "neutral",
        (5, "talvia", "orsan"): "neutral",
        (5, "orsan", "talvia"): "neutral",
        (5, "author", "talvia"): "neutral",
        (5, "author", "orsan"): "neutral",
    }


def test_a_holder_is_out_of_reach_after_four_sentences(tmp_path: Path) -> None:
    late = TEXT.replace("S: Rain fell.\n", "S: Rain fell.\n" * 3) + "  > brel orsan favor\n"
    with pytest.raises(DataError, match="the holder brel is mentioned neither"):
        compile_markup([write(tmp_path / "w1.txt", late)])


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("# w1-001 | border", "# W1 border", 1, "header must be"),
        ("Talvia | state", "Talvia | river", 2, "type among state"),
        ("@ orsan |", "@ brel |", 4, "the id 'brel' is taken"),
        ("@ orsan |", "@ author |", 4, "the id 'author' is taken"),
        ("[She>brel~p]", "[She>brel~x]", 10, "broken mention"),
        ("[She>brel~p]", "[She>sea~p]", 10, "mentions sea, declared nowhere"),
        ("+ talvia negative", "+ orsan negative", 7, "orsan is not mentioned"),
        ("+ talvia negative", "+ talvia bad", 7, "negative|positive"),
        ("> brel talvia against", "> brel talvia neutral", 8, "against|favor"),
        ("> brel talvia against", "> brel orsan against", 8, "target orsan is not mentioned"),
        ("> brel talvia against", "> talvia talvia against", 8, "holder and target are both"),
        ("> author talvia favor", "> brel talvia favor", 9, "already"),
        ("S: Rain fell.", "Rain fell.", 11, "unknown line"),
        ("[Orsan>orsan]", "them", 1, "declares orsan and never mentions it"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    path = write(tmp_path / "w1.txt", TEXT.replace(old, new, 1))
    with pytest.raises(DataError) as error:
        compile_markup([path])
    assert [p.line for p in error.value.problems if says in p.message] == [line]


def test_one_id_in_two_files_and_short_documents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="already used at"):
        compile_markup([write(tmp_path / "w1.txt"), write(tmp_path / "w2.txt")])
    with pytest.raises(DataError, match="has 1 sentences"):
        compile_markup([write(tmp_path / "w3.txt", "# w3-1 | x\nS: Rain.\n")])


def test_splits_hold_every_writers_share_and_every_document_once(tmp_path: Path) -> None:
    texts = [TEXT.replace("w1-001", f"w{number % 3}-{number}") for number in range(60)]
    documents = compile_markup([write(tmp_path / "all.txt", "".join(texts))])
    fractions, minimum = {"dev": 0.2, "test": 0.1}, {"test": 15}
    splits = split_documents(documents, 1, fractions, minimum)
    assert {name: len(part) for name, part in splits.items()} == {"train": 33, "dev": 12, "test": 15}
    assert sorted(d.id for part in splits.values() for d in part) == sorted(d.id for d in documents)
    assert [sum(writer(d) == f"w{w}" for d in splits["test"]) for w in range(3)] == [5, 5, 5]
    assert split_documents(documents[::-1], 1, fractions, minimum) == splits
    with pytest.raises(ValueError, match="60 documents are too few"):
        split_documents(documents, 1, fractions)


def test_an_annotation_agrees_with_itself_under_other_actor_ids(tmp_path: Path) -> None:
    first = compile_markup([write(tmp_path / "a.txt")])
    second = compile_markup([write(tmp_path / "b.txt", TEXT.replace("brel", "p1").replace("talvia", "brel"))])
    found = agreement(first, second)
    assert (found.documents, found.mention_f1) == (1, 1.0)
    assert (found.sentiment.kappa, found.stance.kappa, found.stance.raw) == (1.0, 1.0, 1.0)
    assert (found.sentiment.items, found.stance.items, found.stance_decided.items) == (6, 13, 2)


def test_disagreement_lowers_each_figure_by_what_it_should(tmp_path: Path) -> None:
    other = TEXT.replace("  + talvia negative\n", "").replace("> brel talvia against", "> talvia brel against")
    other = other.replace("[She>brel~p]", "She")
    found = agreement(compile_markup([write(tmp_path / "a.txt")]), compile_markup([write(tmp_path / "b.txt", other)]))
    assert (found.sentiment.items, found.sentiment.raw, found.sentiment.kappa) == (5, 0.8, 0.0)
    assert (found.stance_decided.items, found.stance_decided.raw) == (3, pytest.approx(1 / 3))
    assert found.stance.kappa is not None
    assert 0.0 < found.stance.kappa < found.stance.raw
    assert found.mention_f1 == pytest.approx(2 * 5 / 11)


def test_annotations_of_other_documents_or_texts_are_refused(tmp_path: Path) -> None:
    first = compile_markup([write(tmp_path / "a.txt")])
    with pytest.raises(ValueError, match="share no document id"):
        agreement(first, compile_markup([write(tmp_path / "b.txt", TEXT.replace("w1-001", "w1-002"))]))
    with pytest.raises(DataError, match="w1-001: text: differs"):
        agreement(first, compile_markup([write(tmp_path / "c.txt", TEXT.replace("Rain", "Snow"))]))

from pathlib import Path

import pytest

from stance.labelled import LabelledDocument
from training.data.errors import DataError
from training.data.readers.dse import document_key, dse_label, leaked_keys, load_dse, read_dse, read_dse_test


def line(label: int, sentence: str = "[Orsan] accused [Talvia].", p: str = "Orsan", q: str = "Talvia") -> str:
    return f"{sentence}\t{p}\t{q}\t{label}\n"


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines), encoding="utf-8")
    return path


def surfaces(document: LabelledDocument) -> list[str]:
    return [document.text[m.start : m.end] for m in document.mentions]


@pytest.mark.parametrize(
    ("label", "forward", "backward"),
    [
        (0, ("neutral", 1.0), ("neutral", 1.0)),
        (1, ("favor", 1.0), ("neutral", 0.5)),
        (2, ("neutral", 0.5), ("favor", 1.0)),
        (3, ("against", 1.0), ("neutral", 0.5)),
        (4, ("neutral", 0.5), ("against", 1.0)),
    ],
)
def test_each_label_is_two_directed_stances(
    tmp_path: Path, label: int, forward: tuple[str, float], backward: tuple[str, float]
) -> None:
    (document,) = read_dse(write(tmp_path / "train.txt", line(label)))
    found = {(s.holder, s.target): (s.label, s.weight) for s in document.stances}
    assert found == {("p", "q"): forward, ("q", "p"): backward}
    assert dse_label(document) == label
    assert document.text == "Orsan accused Talvia."


@pytest.mark.parametrize(
    ("sentence", "p", "q", "expected"),
    [
        (
            "In [Bad Em]s a [United State]s envoy spoke.",
            "Bad Em",
            "United State",
            ["Bad Ems", "United States"],
        ),
        ("It is [Brel’]s word and [Ostrov]'s too.", "Brel’", "Ostrov", ["Brel", "Ostrov"]),
        ("He met [the ministers] and [the Board].", "the ministers", "the Board", ["ministers", "Board"]),
        ("[The Union] left [U. S.] talks.", "The Union", "U. S.", ["The Union", "U. S."]),
        ("A [Gram]-Leach law of [ Talvia ] stands.", "Gram", "Talvia", ["Gram", "Talvia"]),
        ("Photo: Agency[Brel] met anti-[Talvia] fans [sic].", "Brel", "Talvia", ["Brel", "Talvia"]),
        (" [ Brel] met a s[ecret] envoy.", "Brel", "ecret", ["Brel", "secret"]),
        ('"The ""[Ligue]"" met [Brel]."', "Ligue", "Brel", ["Ligue", "Brel"]),
        ("[Brel] met [Brel].", "Brel", "Brel", ["Brel", "Brel"]),
    ],
)
def test_spans_are_whole_words_without_possessive_or_article(
    tmp_path: Path, sentence: str, p: str, q: str, expected: list[str]
) -> None:
    (document,) = read_dse(write(tmp_path / "train.txt", line(0, sentence, p, q)))
    assert surfaces(document) == expected
    assert document.mentions[0].end <= document.mentions[1].start
    assert [actor.name for actor in document.actors] == expected


def test_copies_are_settled_by_majority_and_ties_dropped(tmp_path: Path) -> None:
    other = "[Ostrov]  praised [Talvia]."
    path = write(
        tmp_path / "train.txt",
        line(3),
        line(0),
        line(3, "[Orsan] accused  [Talvia]."),
        line(1, other, "Ostrov"),
        line(0, other, "Ostrov"),
    )
    result = load_dse(path)
    assert [dse_label(document) for document in result.documents] == [3]
    assert (result.duplicates, result.ties, result.excluded) == (2, 2, 0)
    assert len(read_dse(path, drop_duplicates=False)) == 5


def test_leaked_rows_are_left_out_whatever_their_label(tmp_path: Path) -> None:
    train = write(tmp_path / "train.txt", line(3))
    test = write(tmp_path / "test.txt", line(0), line(0, "[Orsan] met [Talvia]."))
    published, leak_free = read_dse_test(test, train)
    assert (len(published), [document.id for document in leak_free]) == (2, ["dse-test-2"])
    assert document_key(published[0]) in leaked_keys(train)
    assert load_dse(test, exclude=leaked_keys(train)).excluded == 1


def test_every_bad_row_is_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "train.txt", line(0), line(7), line(0, p="Ostrov"), "one\ttwo\n")
    with pytest.raises(DataError) as error:
        read_dse(path)
    assert [problem.line for problem in error.value.problems] == [2, 3, 4]
    assert "none of 0 to 4" in str(error.value)
    assert "[Ostrov] does not stand in the sentence" in str(error.value)


@pytest.mark.parametrize("bad", [line(0).replace(" ", "\r", 1), line(0, "[Orsan] met [Talvia]." + "x" * 140_000)])
def test_a_row_that_is_no_table_is_named_and_the_others_are_checked(tmp_path: Path, bad: str) -> None:
    path = write(tmp_path / "train.txt", line(0), bad, line(7))
    with pytest.raises(DataError, match=r"not tab-separated \(.*\); ") as error:
        read_dse(path)
    assert [problem.line for problem in error.value.problems] == [2, 3]

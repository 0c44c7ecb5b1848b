import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.text import WINDOW_CHARACTERS, Sentence, split_sentences

# Letters, digits and punctuation; control, soft hyphen, zero-width and bidirectional characters are not.
VISIBLE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def sentences(text: str) -> list[str]:
    return [text[s.start : s.end] for s in split_sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["The U.S. Army came.", "He lives in the U.S.", "The army left."],
        ["Kirk M. Bart met J. R. R. Olsen.", "They talked."],
        ["Gen. Ada Brel and Lt. Col. Idris Vane left.", "Dr. Orlo stayed in St. Petersburg."],
        ["He said: “We will not go.", "They know it.”", "He added more."],
        ['"Stop."', '"Why?" he asked.'],
        ["“Will you go?” Ada Brel asked.", "“Never.”", "Idris left."],
        ["The firm (founded in 1990.) grew.", "Then it fell."],
        ["The talks end at 3 p.m. Moscow time.", "It is late."],
        ["1. First item.", "2. Second item."],
        ["Wait… what?", "Yes!", "Prices rose 3.5 percent."],
        ["It was after World War I.", "It ended badly."],
        ["قال الرئيس.", "وصلت القوات؟", "نعم."],
        ["Good 🎉🎉!", "😀 Next one."],
    ],
)
def test_splits_running_text(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It ended.The next day came.", ["It ended.", "The next day came."]),
        ("Prices fell in the U.S.Then they rose.", ["Prices fell in the U.S.", "Then they rose."]),
        ("He runs Example.com and Node.js now.", ["He runs Example.com and Node.js now."]),
        ("Leaders Meet\nTalks began on Monday.", ["Leaders Meet", "Talks began on Monday."]),
        ("Leaders meet\n\ntalks began", ["Leaders meet", "talks began"]),
        ("The talks went on\r\nfor hours.", ["The talks went on\r\nfor hours."]),
        ("Points:\n- peace\n- trade", ["Points:", "- peace", "- trade"]),
        ("\u200bOne.\u200b \x07\ufeffTwo.\u00a0", ["One.", "Two."]),
        ("“First part.\n\n“Second part.”", ["“First part.", "“Second part.”"]),
        ("Lone \ud800 half. Next.", ["Lone \ud800 half.", "Next."]),
    ],
)
def test_splits_messy_text(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize("text", ["", " \n\t\n ", "\u200b\x00\u00ad"])
def test_nothing_visible_gives_no_sentence(text: str) -> None:
    assert split_sentences(text) == []


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.one_of(st.sampled_from('. ."“”!?\n\r\tAaIé)(\u200b…1'), st.characters()), max_size=120))
def test_covers_every_visible_character_once(text: str) -> None:
    found = split_sentences(text)
    assert [s.index for s in found] == list(range(len(found)))
    covered = 0
    for sentence in found:
        assert not VISIBLE.search(text[covered : sentence.start])
        assert VISIBLE.match(text[sentence.start])
        assert VISIBLE.match(text[sentence.end - 1])
        covered = sentence.end
    assert not VISIBLE.search(text[covered:])


@pytest.mark.parametrize(
    "unit", ["x", "A. ", "\n", '"“', '."', "Heading here\n", "Ada Brel left the U.S. on 3 May. “No,” he said. "]
)
def test_time_stays_linear(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    began = time.process_time()
    split_sentences(text)
    assert time.process_time() - began < 8


def test_one_endless_paragraph_splits_like_short_ones() -> None:
    sentence = "Ada Brel met Idris Vane in Asmora."
    text = " ".join([sentence] * (3 * WINDOW_CHARACTERS // len(sentence)))
    assert set(sentences(text)) == {sentence}


def test_sentences_are_immutable() -> None:
    with pytest.raises(AttributeError):
        split_sentences("One.")[0].start = 3  # type: ignore[misc]
    assert split_sentences("One.") == [Sentence(0, 0, 4)]

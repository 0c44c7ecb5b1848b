"""A title beside a name is that of the name: "the minister Ada Brel", "the president of Orla, Ada Brel, left"."""

import pytest

from stance import StanceClassifier
from stance.actors import brings_somebody_new, definite_phrases, discover, introduced
from stance.schema import Document, Mention
from stance.text import split_sentences

PERSONS = ("Ada Brel", "Idris Vane")


def phrase_in(text: str, words: str) -> Mention:
    at = text.index(words)
    return Mention(actor="?", start=at, end=at + len(words), kind="nominal")


def names_in(text: str) -> list[Mention]:
    found = [(text.find(name), name) for name in (*PERSONS, "Orla", "Orlan League")]
    return [Mention(actor=name, start=at, end=at + len(name)) for at, name in sorted(found) if at >= 0]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("The minister Ada Brel left.", "The minister", "Ada Brel"),
        ("The minister, Ada Brel, left.", "The minister", "Ada Brel"),
        ("They met the minister, Ada Brel.", "the minister", "Ada Brel"),
        ("The president of Orla Ada Brel left.", "The president", "Ada Brel"),
        ("The president of Orla, Ada Brel, left.", "The president", "Ada Brel"),
        ("The leader of nationalists Ada Brel left.", "The leader", "Ada Brel"),
        ("A spokesman for the presidency, Ada Brel, left.", "A spokesman", "Ada Brel"),
        ("The minister, Ada Brel said, was wrong.", "The minister", None),
        ("The president of Orla, Ada Brel said, was wrong.", "The president", None),
        ("The lawyer for businessman Ada Brel left.", "The lawyer", None),
        ("The spokesman of Ada Brel, Idris Vane, left.", "The spokesman", "Idris Vane"),
        ("The president of Orla met Ada Brel.", "The president", None),
        ("The minister praised Ada Brel.", "The minister", None),
        ("The minister of Orla and Ada Brel left.", "The minister", None),
        ("The president Orlan League wanted left.", "The president", None),
        ("The country Ada Brel left.", "The country", None),
        ("The minister left.", "The minister", None),
    ],
)
def test_a_title_introduces_the_person_beside_it(text: str, words: str, expected: str | None) -> None:
    name = introduced(text, phrase_in(text, words), names_in(text), lambda n: n.actor in PERSONS)
    assert (name.actor if name else None) == expected


@pytest.mark.parametrize(
    ("text", "words", "new"),
    [
        ("A minister left.", "A minister", True),
        ("He met an envoy.", "an envoy", True),
        ("Ada Brel, a minister, left.", "a minister", False),
        ("The minister left.", "The minister", False),
        ("A country left.", "A country", False),
        ("Minister left.", "Minister", False),
    ],
)
def test_an_indefinite_title_is_nobody_named_before(text: str, words: str, new: bool) -> None:
    assert brings_somebody_new(text, phrase_in(text, words)) is new


def test_a_definite_title_is_not_the_last_minister_where_another_name_follows() -> None:
    text = "Minister Idris Vane left. The minister Ada Brel stayed. The minister slept."
    found = discover(text, split_sentences(text))
    phrases = definite_phrases(text, found.mentions, {a.id: a.type for a in found.actors})
    assert [(text[m.start : m.end], m.actor) for m in phrases] == [("The minister", "ada_brel")]


def test_a_result_links_a_title_to_the_name_beside_it() -> None:
    text = "Minister Idris Vane praised Norway. The minister Ada Brel criticised Norway."
    (result,) = StanceClassifier.load(threads=1).classify([Document(id="d", text=text)], on_error="raise")
    phrases = [(m.text, m.actor) for s in result.sentences for m in s.mentions if m.kind == "nominal"]
    assert phrases == [("The minister", "ada_brel")]

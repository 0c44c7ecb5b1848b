"""Noun phrases that can mean one actor only: found, and left alone where they can mean two."""

from __future__ import annotations

import time

import pytest

from stance.actors import definite_phrases, discover, titled
from stance.prepare import prepare
from stance.schema import Actor, Document, Mention
from stance.text import split_sentences


def phrases(text: str) -> list[tuple[str, str]]:
    """The phrases of a text with the ids of the actors they mean."""
    found = discover(text, split_sentences(text))
    kinds = {actor.id: actor.type for actor in found.actors}
    return [(text[p.start : p.end], p.actor) for p in definite_phrases(text, found.mentions, kinds)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The Asmora Relief Commission spoke. Later the commission left.",
            [("the commission", "asmora_relief_commission")],
        ),
        (
            "The Orlan Coast Guard fired. This the coast guard denied, and the Guard is proud.",
            [("the coast guard", "orlan_coast_guard")],
        ),
        (
            "The Ministry of Foreign Affairs spoke. A note by the foreign ministry came, and the said ministry paid.",
            [
                ("the foreign ministry", "ministry_of_foreign_affairs"),
                ("the said ministry", "ministry_of_foreign_affairs"),
            ],
        ),
        ("General Idris Brel came. A day after the general left.", [("the general", "idris_brel")]),
        (
            "Ada Brel, the former trade minister, came. Nobody met the minister.",
            [("the former trade minister", "ada_brel"), ("the minister", "ada_brel")],
        ),
        (
            "Foreign Minister Ada Brel came, and Defence Minister Idris Orlo. The foreign minister paid.",
            [("The foreign minister", "ada_brel")],
        ),
        (
            "Secretary General Ada Brel spoke. The secretary general left. The general stayed.",
            [("The secretary general", "ada_brel")],
        ),
        ("Vice President Ada Brel spoke. The president did not.", []),
        ("The Hamas movement spoke. On Monday the movement paid.", [("the movement", "hamas")]),
        ("Oman spoke. Later the sultanate paid.", [("the sultanate", "oman")]),
        ("NATO met in May. Two members of the alliance stayed away.", [("the alliance", "nato")]),
    ],
)
def test_a_phrase_of_one_actor_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert phrases(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The Ministry of Trade and the Ministry of Health met. The ministry paid.", id="two of the name"),
        pytest.param("The commission paid. The Asmora Relief Commission did not.", id="named later"),
        pytest.param("The Asmora Relief Commission spoke. The commission chairman left.", id="a longer phrase"),
        pytest.param("The Asmora Relief Commission spoke. The commission of elders left.", id="another body"),
        pytest.param(
            "The Orlan Coast Guard and Japan's coast guard met. The coast guard left.", id="a body of no name"
        ),
        pytest.param("The Asmora Air Force flew through the air.", id="a noun of many meanings"),
        pytest.param("The Asmora Relief Union struck, said Ada Brel, the union's secretary.", id="in an apposition"),
        pytest.param("Jordan met Morocco. The kingdom paid.", id="two kingdoms"),
        pytest.param("Switzerland spoke. The republic paid.", id="states that are no monarchies"),
    ],
)
def test_a_phrase_that_may_mean_another_is_not(text: str) -> None:
    assert phrases(text) == []


def test_the_phrases_are_mentions_before_the_encoder_reads() -> None:
    prepared = prepare(Document(id="d", text="The Orlan Trade Council spoke. Brel left the council."))
    assert [(m.actor, m.kind) for m in prepared.mentions if m.kind == "nominal"] == [("orlan_trade_council", "nominal")]
    assert [m.start for m in prepared.mentions] == sorted(m.start for m in prepared.mentions)


def test_a_listed_actor_has_its_phrases_and_an_unlisted_one_makes_them_doubtful() -> None:
    listed = [Actor(id="otc", name="Orlan Trade Council", type="government")]
    text = "The Orlan Trade Council spoke. The council left."
    prepared = prepare(Document(id="d", text=text, actors=listed))
    assert [m.actor for m in prepared.mentions] == ["otc", "otc"]
    both = prepare(Document(id="d", text=text.replace("spoke", "met the Asmora City Council"), actors=listed))
    assert [m.kind for m in both.mentions] == ["name", "name"]


def test_given_mentions_stay_alone() -> None:
    text = "The Orlan Trade Council spoke. The council left."
    given = [{"actor": "otc", "start": 4, "end": 23}]
    prepared = prepare(Document.model_validate({"id": "d", "text": text, "mentions": given}))
    assert len(prepared.mentions) == 1


@pytest.mark.parametrize("unit", ["General Ada Brel met the general. ", "The Orla Trade Council met the council. "])
def test_time_stays_linear(unit: str) -> None:
    text = unit * (400_000 // len(unit))
    found = discover(text, split_sentences(text))
    kinds = {actor.id: actor.type for actor in found.actors}
    began = time.process_time()
    assert len(definite_phrases(text, found.mentions, kinds)) == text.count(unit)
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("text", "persons"),
    [
        ("Minister {Brel} left.", 1),
        ("Gen. {Brel} left.", 1),
        ("{Ada Brel}, the home minister, left.", 1),
        ("In {Orla}, the home minister left.", 0),
        ("The minister's {Orla} stayed.", 0),
        ("Saint {Brannoc} sank.", 0),
        ("{Orla} left, said the minister.", 0),
    ],
)
def test_titles_tell_persons(text: str, persons: int) -> None:
    start, end = text.index("{"), text.index("}") - 1
    bare = text.replace("{", "").replace("}", "")
    assert len(titled(bare, [Mention(actor="x", start=start, end=end)])) == persons

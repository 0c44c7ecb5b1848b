"""Where and when a report was written, and by whom: "ORLA CITY, May 5 (XYZ) - ...", which it is not about."""

from pathlib import Path

import pytest

from stance import StanceClassifier
from stance.actors import discover, find_mentions, find_names
from stance.schema import Actor, Document
from stance.text import split_sentences

TEXT = "PARIS, May 5 (XYZ) - France and Orla met in Paris. The XYZ of Orla left."


def whose(text: str) -> list[str]:
    """The names of a text but those of its dateline."""
    return [text[n.start : n.end] for n in find_names(text, split_sentences(text)) if not n.dateline]


@pytest.mark.parametrize(
    ("dateline", "kept"),
    [
        ("ORLA CITY - ", False),
        ("PORT ORLA – ", False),
        ("GENEVA, May 5 (XYZ) — ", False),
        ("Orla, 5 May (XYZ) - ", False),
        ("GENEVA, May 5, ", True),
        ("NATO – ", True),
        ("HAMAS – ", True),
        ("LNA – ", True),
        ("In ORLA CITY - ", True),
    ],
)
def test_a_dateline_names_nobody(dateline: str, kept: bool) -> None:
    found = whose(f"{dateline}Soldiers met Ada Brel on Monday.")
    assert found[-1] == "Ada Brel"
    assert (len(found) > 1) is kept


@pytest.mark.parametrize(
    ("dateline", "kept"),
    [
        ("ORLA CITY, May 5. /XYZ/. ", []),
        ("MOSCOW, May 5 /XYZ News/. ", []),
        ("Orlo stayed. /XYZ/. ", ["Orlo"]),
        ("ORLA, 5 May (XYZ News). ", []),
        ("FRANCE, May 5. ", ["FRANCE"]),
        ("Orla, May 5. ", ["Orla"]),
        ("ORLA, BREL and XYZ. ", ["ORLA", "BREL", "XYZ"]),
    ],
)
def test_a_dateline_may_be_a_sentence(dateline: str, kept: list[str]) -> None:
    assert whose(f"{dateline}Soldiers met Ada Brel on Monday.") == [*kept, "Ada Brel"]


def test_a_shouted_line_with_a_dash_is_no_dateline() -> None:
    assert whose("ADA BREL - RETURN OF A GENERAL\n\nAda Brel left.") == ["ADA BREL", "Ada Brel"]


def test_words_behind_a_dateline_owe_their_capital_to_their_place() -> None:
    assert whose("ORLA CITY - Officials of Norway came.") == ["Norway"]


def test_the_names_of_a_dateline_are_masked_but_nobodys() -> None:
    found = discover(TEXT, split_sentences(TEXT))
    actors = [actor.id for actor in found.actors]
    assert actors == ["france", "orla", "xyz"]
    first = [(TEXT[m.start : m.end], m.actor in actors) for m in found.mentions[:3]]
    assert first == [("PARIS", False), ("XYZ", False), ("France", True)]


def test_a_listed_actor_is_not_mentioned_in_a_dateline() -> None:
    mentions = find_mentions(TEXT, [Actor(id="f", name="France", type="state"), Actor(id="x", name="XYZ")])
    assert [TEXT[m.start : m.end] for m in mentions] == ["France", "Paris", "XYZ"]


@pytest.mark.parametrize("listed", [None, [Actor(id="france", name="France", type="state")]])
def test_a_result_has_no_mention_of_it(listed: list[Actor] | None, tiny_model: Path) -> None:
    (result,) = StanceClassifier.load(tiny_model, threads=1).classify([Document(id="d", text=TEXT, actors=listed)])
    assert {m.text for s in result.sentences for m in s.mentions}.isdisjoint({"PARIS"})
    assert "dateline" not in {actor.id for actor in result.actors}

"""Which kind of actor words can mean, and how that decides links."""

from __future__ import annotations

import numpy as np
import pytest

from stance.kinds import actor_kinds, fitness, may_be_person, one_kind, own_states, plausible
from stance.prepare import prepare
from stance.schema import ACTOR_TYPES, Actor, Document


@pytest.mark.parametrize(
    ("phrase", "fits", "never"),
    [
        ("He", {"person"}, {"state", "organization", "armed_group", "government", "group"}),
        ("its", {"state", "organization", "armed_group", "government", "group"}, {"person"}),
        ("the country", {"state"}, {"person", "organization"}),
        ("its small northern neighbour", {"state"}, {"person"}),
        ("the militia", {"armed_group", "organization"}, {"person", "state"}),
        ("the former head of the commission", {"person"}, {"organization"}),
        ("the minister", {"person"}, {"government"}),
        ("they", set(ACTOR_TYPES), set()),
        ("the government", set(ACTOR_TYPES), set()),
        ("the prosecutor", set(ACTOR_TYPES), set()),
        ("the old enemy", set(ACTOR_TYPES), set()),
    ],
)
def test_what_a_phrase_can_mean(phrase: str, fits: set[str], never: set[str]) -> None:
    assert {kind for kind in ACTOR_TYPES if fitness(phrase, one_kind(kind)) == 1} >= fits
    assert {kind for kind in ACTOR_TYPES if fitness(phrase, one_kind(kind)) == 0} >= never


def test_a_doubtful_type_counts_by_its_probability() -> None:
    kinds = 0.75 * one_kind("person") + 0.25 * one_kind("organization")
    assert fitness("she", kinds) == pytest.approx(0.75)


def test_the_catalogue_and_the_words_of_a_name_are_certain_and_the_head_tells_the_rest() -> None:
    prepared = prepare(Document(id="d", text="Oman met the Orlan Defence Ministry. Brel spoke."))
    named = [m.actor for m in prepared.mentions]
    guess = 0.5 * (one_kind("person") + one_kind("group"))
    kinds = actor_kinds(prepared, named, [(actor, guess) for actor in named])
    assert np.array_equal(kinds["oman"], one_kind("state"))
    assert np.array_equal(kinds["orlan_defence_ministry"], one_kind("government"))
    assert np.array_equal(kinds["brel"], guess)


def test_of_listed_actors_only_a_stated_type_is_known() -> None:
    listed = [Actor(id="o", name="Orla", type="state"), Actor(id="b", name="Brel")]
    prepared = prepare(Document(id="d", text="Orla met Brel.", actors=listed))
    assert actor_kinds(prepared, ["o", "b", "nobody"], []).keys() == {"o"}
    assert actor_kinds(prepared, ["b"], []) == {}


def test_a_body_has_the_state_that_its_name_tells() -> None:
    listed = [
        Actor(id="c", name="US Desert Command", type="armed_group"),
        Actor(id="u", name="United States", type="state"),
        Actor(id="m", name="Omani transport ministry", type="government"),
        Actor(id="o", name="Oman", type="state"),
        Actor(id="p", name="Omani Workers' Union"),
        Actor(id="k", name="Kremlin Guard", type="armed_group"),
        Actor(id="r", name="Russia", type="state"),
    ]
    assert own_states({a.id: a for a in listed}) == {"c": frozenset({"u"}), "m": frozenset({"o"})}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Orla Grammar School", "organization"),
        ("Halvor Steel", "organization"),
        ("Orlan Red Crescent", "organization"),
        ("School of Orla", "organization"),
        ("Orla", "state"),
        ("Republic of Orla", "state"),
        ("Steel", "state"),
    ],
)
def test_the_words_of_a_name_rule_types_out(name: str, kind: str) -> None:
    said = np.array([0.3 if t == "organization" else 0.5 if t == "state" else 0.05 for t in ACTOR_TYPES], np.float32)
    likely = plausible(name, said)
    assert ACTOR_TYPES[int(likely.argmax())] == kind
    assert likely.sum() == pytest.approx(said.sum() if likely is said else 1.0)


@pytest.mark.parametrize(
    ("name", "person"),
    [("Ada Brel", True), ("Brel", False), ("Orlan Front", False), ("Saudi Arabia", False), ("Muqtada al-Orlo", True)],
)
def test_a_name_of_two_words_and_no_body_may_be_a_persons(name: str, person: bool) -> None:
    assert may_be_person(name) is person

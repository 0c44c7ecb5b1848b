"""One actor written in several ways: two translators, glued particles, acronyms, bodies in small letters."""

from __future__ import annotations

import pytest

from stance.actors import discover
from stance.actors.spelling import loosely_same, same_spelling
from stance.text import split_sentences


def named(text: str) -> list[list[str]]:
    """The names of each actor, in order of appearance."""
    found = discover(text, split_sentences(text))
    return [[text[m.start : m.end] for m in found.mentions if m.actor == actor.id] for actor in found.actors]


@pytest.mark.parametrize(
    ("full", "surname"),
    [
        ("Ostap Hrynevych", "Grynevych"),
        ("Dragoslav Petkovic", "Petkovich"),
        ("Nikos Kalantzis", "Kalancis"),
        ("Yahya al-Marwani", "Al-Marouani"),
        ("Salem Ba Wazir", "Bawazir"),
        ("Idris Bou Salem", "Bousalem"),
        ("Erdinç Soyalp", "Soyalip"),
        ("Al-Fadil Abu Shouk", "Abu Shok"),
        ("Lin Kuo-cheng", "Lin Guozheng"),
        ("Arben Gjokaj", "Djokaj"),
        ("Birhanu Jula", "Berhanu"),  # a first name alone, as in Ethiopia
    ],
)
def test_a_surname_in_the_hands_of_another_translator(full: str, surname: str) -> None:
    assert named(f"{full} spoke on Monday. {surname} denied it on Tuesday.") == [[full, surname]]


@pytest.mark.parametrize(
    ("full", "other"),
    [
        ("Ada Kalin", "Galin"),  # too short to be sure
        ("Ada Parker", "Barker"),
        ("Ada Keller", "Geller"),
        ("Ada Hansen", "Hanson"),
        ("Abu Shok Vane", "Abu Shak"),
        ("Ostap Hrynevych", "Grinevski"),
        ("Idris Vane Salem", "Vanesalem"),  # no particle
        ("Lin Kuo-cheng", "Lin Guo"),
        ("Maria Brelane", "Mario"),
        ("Daniel Brelane", "Denial"),
    ],
)
def test_who_may_be_somebody_else_stays_so(full: str, other: str) -> None:
    assert named(f"{full} spoke on Monday. {other} denied it on Tuesday.") == [[full], [other]]


def test_of_two_whose_surname_it_may_be_nobody_is_meant() -> None:
    text = "Ostap Hrynevych met Ivan Hrynevich. Later Grynevych left."
    assert ["Grynevych"] in named(text) or named(text)[1][-1] == "Grynevych"  # the one named last, if any


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Caribbean Community (CARICOM) met. CARICOM left.", [["Caribbean Community", "CARICOM", "CARICOM"]]),
        ("Petróleos de Venezuela (PDVSA) paid. PDVSA fell.", [["Petróleos de Venezuela", "PDVSA", "PDVSA"]]),
        # A person's party has nothing of his name.
        ("Ada Brel (PSUV) left. PSUV stayed.", [["Ada Brel"], ["PSUV", "PSUV"]]),
    ],
)
def test_an_acronym_in_brackets_that_can_be_the_names_alone(text: str, expected: list[list[str]]) -> None:
    assert named(text) == expected


def test_an_acronym_in_the_order_of_another_language() -> None:
    text = "The Democratic Forces for the Liberation of Rwanda (FDLR) fled. Kigali blamed the FDLR."
    assert named(text)[0][1:] == ["FDLR", "FDLR"]
    assert named(text)[1] == ["Rwanda", "Kigali"]


def test_letters_that_do_not_agree_are_no_names_acronym() -> None:
    text = "The Democratic Forces for the Liberation of Rwanda (PSUV) fled. The PSUV stayed."
    assert ["PSUV", "PSUV"] in named(text)


def test_a_states_army_in_small_letters_is_its_armed_forces() -> None:
    text = "The Sudanese Armed Forces (SAF) advanced. The Sudanese army took the town."
    assert named(text) == [["Sudanese Armed Forces", "SAF", "Sudanese army"]]


@pytest.mark.parametrize("other", ["Sudanese Army", "Egyptian army", "Sudanese navy"])
def test_another_branch_or_state_is_not(other: str) -> None:
    assert named(f"The Sudanese Armed Forces advanced. The {other} took the town.") == [
        ["Sudanese Armed Forces"],
        [other],
    ]


def test_a_short_form_of_what_the_catalogue_has() -> None:
    text = "The Southern Transitional Council spoke. The Transitional Council left. The Legislative Council stayed."
    assert named(text) == [["Southern Transitional Council", "Transitional Council"], ["Legislative Council"]]


def test_the_kingdom_is_the_one_whose_full_name_was_given() -> None:
    text = "The Kingdom of Saudi Arabia paid. The Kingdom then left."
    assert named(text) == [["Kingdom of Saudi Arabia", "Kingdom"]]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("badraoui", "badrawi", True),
        ("ouattara", "wattara", True),
        ("louis", "lewis", False),
        ("moussa", "mussa", True),
    ],
)
def test_ou_before_a_vowel_is_w(one: str, other: str, same: bool) -> None:
    assert same_spelling(one, other) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("djokaj", "gjokaj", True), ("dzhabrailov", "djabrailov", True), ("tidiane", "tidjane", True)],
)
def test_the_first_sound_of_a_name(one: str, other: str, same: bool) -> None:
    assert loosely_same(one, other) is same


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The minister of Foreign Affairs of Rwanda, Ada Brel, left.",
            [["Rwanda"], ["Ada Brel"]],
        ),
        ("They met the minister of Defence Ada Brel.", [["Ada Brel"]]),
        ("The MP from Alianza Cívica Ada Brel left.", [["Alianza Cívica"], ["Ada Brel"]]),
        ("The deputy of the party Confederation Ada Brel left.", [["Confederation"], ["Ada Brel"]]),
        ("The senator from South Carolina Ada Brel left.", [["South Carolina"], ["Ada Brel"]]),
        ("The deputy of Bank Rakyat left.", [["Bank Rakyat"]]),
        ("Two seats went to MK Ada Brel. God bless her.", [["Ada Brel"]]),
        ("The party Serb List (SL) met. SL and the Serbian List left.", [["Serb List", "SL", "SL", "Serbian List"]]),
        (
            "North Korea fired. South Korea asked the North to stop. The North mocked the South, and the South waited.",
            [["North Korea", "North", "North"], ["South Korea", "South", "South"]],
        ),
        (
            "He left the North of Sudan for the North of South Sudan.",
            [["North", "North"], ["Sudan"], ["South Sudan"]],
        ),
    ],
)
def test_offices_parties_and_halves_of_a_country(text: str, expected: list[list[str]]) -> None:
    assert named(text) == expected

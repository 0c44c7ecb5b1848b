"""Names of several words: what "of", "and" and possessives join, and where a place and a person part."""

import pytest

from stance.actors import find_names
from stance.text import split_sentences


def names(text: str) -> list[str]:
    return [text[n.start : n.end] for n in find_names(text, split_sentences(text))]


@pytest.mark.parametrize(
    "name",
    [
        "Ministry of Defence of Somalia",
        "Ministry of National Defence of Orla",
        "Council of Redemption of Amara",
        "Union of Nurses and Midwives of Malawi",
        "Front of the Freemen of Harirud",
        "Red Crescent of Kyrgyzstan",
        "Border Troops of Tajikistan",
        "Army of Three Rivers",
        "Union of the Two Shores",
        "Battalions of the Shield",
        "Soldiers of the Strait",
        "Tigers of Bui",
        "Lashkar of the Neelum",
        "Lebanese Red Cross",
        "Banque des Hauts-Plateaux",
        "Board of Trade and Industry",
        "Joint Chiefs of Staff",
        "All Orlan Congress",
        "Our Brelane Movement",
        "Economic Community of Central Orlan States",
        "European Convention on Orlan Rights",
    ],
)
def test_a_body_and_what_it_is_of_are_one_name(name: str) -> None:
    assert names(f"On Monday the {name} paid.") == [name]


@pytest.mark.parametrize(
    "name",
    [
        "Riders' League",
        "Planters' Chamber",
        "Farmers' Cooperative",
        "Railway Guards' Union",
        "St. Elizabeth's Hospital",
    ],
)
def test_a_body_of_its_members_or_of_a_saint_is_one_name(name: str) -> None:
    assert names(f"On Monday the {name} paid.") == [name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Peoples, faiths, sides and offices are no bands.
        ("On Monday the Christians of Orla paid.", ["Christians", "Orla"]),
        ("On Monday the Republicans of Ohio paid.", ["Republicans", "Ohio"]),
        ("Shepherds of Orla paid.", ["Orla"]),
        ("The Minister of Sports of Orla paid.", ["Orla"]),
        # The possessive of one owner is none of the name.
        ("They left Ada Brel's League.", ["Ada Brel", "League"]),
        ("On Monday the Orlos' army left.", ["Orlos"]),
        # A number counts what follows.
        ("They heard of Three members.", []),
    ],
)
def test_what_only_stands_side_by_side_stays_apart(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In Hungary Oksana Prytula sighed.", ["Hungary", "Oksana Prytula"]),
        ("About Tehran Naseef al-Dandashi had other words.", ["Tehran", "Naseef al-Dandashi"]),
        # A first name that is a state as well.
        ("They heard from Jordan Brelane on Monday.", ["Jordan Brelane"]),
        (
            "The faction Ala-Bel Nurlan Orlosunov spoke. Ala-Bel and Orlosunov left.",
            ["Ala-Bel", "Nurlan Orlosunov", "Ala-Bel", "Orlosunov"],
        ),
        ("The minister of Defence Ilaria Cossu spoke.", ["Ilaria Cossu"]),
        ("An observer of Andalas University Rinaldo Chaniago spoke.", ["Andalas University", "Rinaldo Chaniago"]),
    ],
)
def test_a_person_parts_from_the_place_or_body_before(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("On Monday Germán Ortuño paid.", ["Germán Ortuño"]),
        ("On Monday German officers paid.", ["German"]),
        ("They met Pallavi Gokhale-Sen.", ["Pallavi Gokhale-Sen"]),
        ("They met Sen. Brel.", ["Brel"]),
        ("It sailed from Mar del Plata to Orla.", ["Mar del Plata", "Orla"]),
        ("On Monday Noh Gyeong-tak spoke.", ["Noh Gyeong-tak"]),
        ("Mgr Kodjo Amegan met Prefect Ada Brel.", ["Kodjo Amegan", "Ada Brel"]),
        ("Mercy Phiri spoke.", ["Mercy Phiri"]),
    ],
)
def test_words_that_look_like_others(text: str, expected: list[str]) -> None:
    assert names(text) == expected

import itertools
import time

import pytest

from stance.actors import find_names
from stance.text import split_sentences


def names(text: str) -> list[str]:
    return [text[n.start : n.end] for n in find_names(text, split_sentences(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Talks between President Idris Vane and Ada Brel failed.", ["Idris Vane", "Ada Brel"]),
        ("Russian President Vladimir Putin left.", ["Russian", "Vladimir Putin"]),
        ("Presidential Spokesperson İbrahim Kalın spoke.", ["İbrahim Kalın"]),
        ("Gen. John R. Orlo met Mr. Brel and Dr. Vane.", ["John R. Orlo", "Brel", "Vane"]),
        ("US Secretary of State Ada Brel left.", ["US", "Ada Brel"]),
        ("The Minister of National Defence Idris Vane left.", ["Idris Vane"]),
        ("NATO Secretary General Jens Stoltenberg left.", ["NATO", "Jens Stoltenberg"]),
        ("Secretary General of NATO Jens Stoltenberg left.", ["NATO", "Jens Stoltenberg"]),
        ("Pakistani Army Chief Orlo Vane left.", ["Pakistani Army", "Orlo Vane"]),
        ("White House National Security Adviser Ada Brel left.", ["White House", "Ada Brel"]),
        ("Russian Foreign Ministry Spokeswoman Maria Orlova left.", ["Russian Foreign Ministry", "Maria Orlova"]),
        ("The Grand Mufti and Ayatollah Vane prayed.", ["Vane"]),
        (
            "Commander of the US Pacific Forces Command General Ada Brel left.",
            ["US Pacific Forces Command", "Ada Brel"],
        ),
        ("The Libyan Khalifa Haftar left.", ["Libyan", "Khalifa Haftar"]),
        ("The letter reached President Xi Jinping.", ["Xi Jinping"]),
        ("President of Belarus Orlukenka supported it.", ["Belarus", "Orlukenka"]),
        ("The president of Somalia Orlo Sheikh Brel left.", ["Somalia", "Orlo Sheikh Brel"]),
        ("The crown prince of Saudi Arabia Orlo bin Brel left.", ["Saudi Arabia", "Orlo bin Brel"]),
        ("The governor of Darfur Orlo Brelane left.", ["Darfur", "Orlo Brelane"]),
        ("The leader of the Brelist Current Vane al-Orlo left.", ["Brelist Current", "Vane al-Orlo"]),
        ("The head of the Council al-Orlo left.", ["Council al-Orlo"]),
        ("The leader of the Brelane Movement Ada Orlo left.", ["Brelane Movement", "Ada Orlo"]),
        ("The minister of the Communication Ada Brel left.", ["Ada Brel"]),
        ("The minister of Education, Ada Brel, left.", ["Ada Brel"]),
        ("The Minister of State for Education, Ada Brel, left.", ["Ada Brel"]),
        ("The minister of Honduras left.", ["Honduras"]),
        ("The governor of Baja Orlo Brelane left.", ["Baja Orlo Brelane"]),
        ("The mayor of San Orlo Brelane left.", ["San Orlo Brelane"]),
        ("The lawyer of Ada Vane Brelane left.", ["Ada Vane Brelane"]),
        (
            "The head of the interim administration of Brelia Orlo Vane left. Brelia rejoiced.",
            ["Brelia", "Orlo Vane", "Brelia"],
        ),
        ("Democrat Ada Brel met Republican Idris Vane.", ["Ada Brel", "Idris Vane"]),
        (
            "The Conservative Party and the Liberal National Front met.",
            ["Conservative Party", "Liberal National Front"],
        ),
        ("The president of Georgia State University left.", ["Georgia State University"]),
    ],
)
def test_titles_stay_outside(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kim Jong-un met Moon Jae-in.", ["Kim Jong-un", "Moon Jae-in"]),
        ("Jae-in Moon left.", ["Jae-in Moon"]),
        ("Wong Kwok-kin met Hau Lung-pin.", ["Wong Kwok-kin", "Hau Lung-pin"]),
        ("Lee Cheuk\u2011yan lost.", ["Lee Cheuk\u2011yan"]),
        ("The Song Sing-along began.", ["Song Sing"]),
        ("Police shut the Drive-in.", ["Drive"]),
        ("Kim Orlo-led forces left.", ["Kim Orlo"]),
    ],
)
def test_small_syllables_belong_to_the_name(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In the end I'll vote for Orla, and I’ve said so.", ["Orla"]),
        ("He saw part XVII of it.", []),
        ("Louis XVI met Ada II of Orla.", ["Louis XVI", "Ada II", "Orla"]),
        ("Two sins: a) Leaving Orla and b) Refusing Brel.", ["Orla", "Brel"]),
        ("Emeritus Professor Ada Brel left.", ["Ada Brel"]),
        ("Swimmers want more. They joined the Swimmers' Alliance.", ["Swimmers' Alliance"]),
        ("New faces came. They joined the New Orla Party.", ["New Orla Party"]),
    ],
)
def test_capitals_that_name_nobody(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Orla Motor Co. sued GM; Brel Technologies Co. Ltd. won.",
            ["Orla Motor Co", "GM", "Brel Technologies Co. Ltd"],
        ),
        ("Actress Ada Field met President-elect Brel.", ["Ada Field", "Brel"]),
        ("He joined the All Progressives Congress (APC).", ["All Progressives Congress", "APC"]),
        ("Vane attacked Brel on X. Orlo blamed Plan B. Vane left.", ["Vane", "Brel", "Orlo", "Plan", "Vane"]),
        ("Ada Brel (D-Vt.) met J. D. Vane (R-Texas).", ["Ada Brel", "J. D. Vane"]),
        ("Abdul-Malik al-Houthi left.", ["Abdul-Malik al-Houthi"]),
        ("Idris Sheikh Vane met the Russian Sheikh Brel.", ["Idris Sheikh Vane", "Russian", "Brel"]),
        ("Sun Yat-sen met Ban Ki-moon.", ["Sun Yat-sen", "Ban Ki-moon"]),
        ("Special Counsel Ada Brel met Majority Whip Idris Vane.", ["Ada Brel", "Idris Vane"]),
    ],
)
def test_frequent_patterns_of_news(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize("credit", ["Image: Ada Brel.", "File / Ada Brel.", "Photo : Ada Brel"])
def test_the_word_before_the_maker_of_a_picture_is_no_name(credit: str) -> None:
    assert names(f"{credit}") == ["Ada Brel"]
    assert names("The Image Foundation: a portrait.") == ["Image Foundation"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Department of Defense paid.", ["Department of Defense"]),
        ("The Ministry of Foreign Affairs of Asmora paid.", ["Ministry of Foreign Affairs of Asmora"]),
        (
            "The Court of Appeal of Orla met the Court of Justice of the Accord.",
            ["Court of Appeal of Orla", "Court of Justice of the Accord"],
        ),
        ("The MFA of Orla and the Russian MFA met MFA Ada Brel.", ["MFA of Orla", "Russian MFA", "MFA", "Ada Brel"]),
        ("He lodged an Appeal of Orla.", ["Appeal", "Orla"]),
        ("The Ministry of Trade and Industry paid.", ["Ministry of Trade and Industry"]),
        ("It asked the Bank for International Settlements.", ["Bank for International Settlements"]),
        ("The Justice and Development Party (AKP) won.", ["Justice and Development Party", "AKP"]),
        ("The Kurdistan Workers' Party left.", ["Kurdistan Workers' Party"]),
        ("The Railway Guards' Union struck.", ["Railway Guards' Union"]),
        ("It was the Orlos' Union.", ["Orlos", "Union"]),
        ("The Association of Mayors of Orla met.", ["Association of Mayors of Orla"]),
        ("Eleven members left Orla.", ["Orla"]),
        ("Passengers blamed Orla.", ["Orla"]),
        ("They met Hsieh Pao-ching, and an Orlo-led group.", ["Hsieh Pao-ching", "Orlo"]),
        ("They thanked Councillor Brel.", ["Brel"]),
        ("He left the Prime Minister's Office.", ["Prime Minister's Office"]),
        ("Turkey's Ministry of Defense paid.", ["Turkey", "Ministry of Defense"]),
        (
            "The Turkish Armed Forces and the Libyan National Army fought.",
            ["Turkish Armed Forces", "Libyan National Army"],
        ),
        ("He wrote in the Washington Post and on France 24.", ["Washington Post", "France 24"]),
        ("The Government of National Accord fell.", ["Government of National Accord"]),
        ("The Asmora National Concord Government (UMC) fell.", ["Asmora National Concord Government", "UMC"]),
        ("The University of Oxford and Columbia University agreed.", ["University of Oxford", "Columbia University"]),
        ("The People's Republic of China objected.", ["People's Republic of China"]),
        ("The Russian Orthodox Church objected.", ["Russian Orthodox Church"]),
    ],
)
def test_organisations_are_one_name(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Turkey and Russia met in Bosnia and Herzegovina.", ["Turkey", "Russia", "Bosnia and Herzegovina"]),
        ("He flew to Trinidad and Tobago, Chad, Georgia.", ["Trinidad and Tobago", "Chad", "Georgia"]),
        ("A Russian aircraft and two Russians were seen.", ["Russian", "Russians"]),
        ("US-led troops left the Turkish-Russian talks.", ["US", "Turkish", "Russian"]),
        ("He fought in northern Syria and Eastern Ukraine.", ["Syria", "Ukraine"]),
        ("North Korea and South Korea met.", ["North Korea", "South Korea"]),
        ("Let us go, he told U.S. and UK envoys.", ["U.S.", "UK"]),
        (
            "Alexander van der Bellen and al-Assad met Charles de Gaulle.",
            ["Alexander van der Bellen", "al-Assad", "Charles de Gaulle"],
        ),
        ("They met Bashar al-Assad's envoy.", ["Bashar al-Assad"]),
        ("Ada Brel, Idris Vane and Orlo met.", ["Ada Brel", "Idris Vane", "Orlo"]),
        ("They met King Edrin II of Asmora.", ["Edrin II", "Asmora"]),
    ],
)
def test_boundaries(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Officials said that the attack failed.",
        "Yesterday, protesters returned. Additionally, they sang.",
        "He spoke in Russian on Monday, May 5, at 3 p.m. GMT.",
        "The S-400 and the F-16 cost a lot. GDP fell.",
        "He did NOT go. I did.",
        "“Nobody knows,” he said. “They left.”",
        "",
    ],
)
def test_no_names_here(text: str) -> None:
    assert names(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Omani transport ministry paid.", ["Omani transport ministry"]),
        ("The Chadian army fired.", ["Chadian army"]),
        ("Japan's coast guard left.", ["Japan's coast guard"]),
        ("The US embassy closed.", ["US embassy"]),
        ("The Omani national security and police left.", ["Omani"]),
        ("The Omani government paid.", ["Omani"]),
        ("In Oman police came.", ["Oman"]),
        ("The Omani side met Omani, army and navy.", ["Omani", "Omani"]),
        ("Brelan police came.", ["Brelan"]),
    ],
)
def test_a_state_s_body_in_small_letters_is_one_name(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Snow closed the pass.",
        "Container traffic rose.",
        "Sixty-one percent agreed.",
        "Don't miss it.",
        "The report said: Convoys were late.",
    ],
)
def test_a_rare_word_at_a_beginning_is_no_name(text: str) -> None:
    assert names(text) == []


def test_a_rare_word_is_a_name_where_the_text_uses_it_so() -> None:
    assert names("Snow spoke. Nobody believed Snow.") == ["Snow", "Snow"]


def test_first_word_counts_when_the_document_uses_it_as_a_name() -> None:
    assert names("Target fell. Shares of Target rose.") == ["Target", "Target"]
    assert names("Target practice ended. The target was missed.") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Blunt said no. Police said nothing. Officials wrote.", ["Blunt"]),
        ("ICE arrested him. Ice melted.", ["ICE"]),
        ("Michael A. Nutter left.", ["Michael A. Nutter"]),
        (
            "They met John Major and Ada King. King left. Saudi King Orlo stayed.",
            ["John Major", "Ada King", "King", "Saudi", "Orlo"],
        ),
    ],
)
def test_common_words_as_names(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_month_as_a_surname_needs_the_full_name() -> None:
    assert names("Theresa May left. In May, May returned.") == ["Theresa May", "May"]


@pytest.mark.parametrize(
    "heading",
    [
        "BREL WARNS RUSSIA OVER STRIKES ON SYRIA",
        "Brel Warns Russia Over New Strikes on Syria",
        "Brel Warns Russia on Syria",
    ],
)
def test_headings_hold_known_names_only(heading: str) -> None:
    body = "The minister, Ada Brel, said so. Later Brel left."
    found = [name.upper() for name in names(f"{heading}\n\n{body}")]
    assert found == ["BREL", "RUSSIA", "SYRIA", "ADA BREL", "BREL"]


def test_acronyms_that_spell_words_are_no_names_in_a_shouted_line() -> None:
    assert names("LET US GO NOW") == []
    assert names("WHO warned the US.") == ["WHO", "US"]


def test_office_and_person_part_where_the_document_knows_the_person() -> None:
    text = "Government of Accord Fathi Orlo left. Later Fathi Orlo returned."
    assert names(text) == ["Government of Accord", "Fathi Orlo", "Fathi Orlo"]


def test_long_text_has_spans_in_order_in_little_time() -> None:
    unit = (
        "Russian President Idris Vane met the Libyan National Army (LNA) of Asmora. Officials, he said, left Turkey. "
    )
    text = unit * (200_000 // len(unit))
    sentences = split_sentences(text)
    began = time.process_time()
    found = find_names(text, sentences)
    assert time.process_time() - began < 10
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("line", ["Leave a Reply", "Related Articles", "Share On Facebook", "All Rights Reserved"])
def test_what_a_page_prints_around_an_article_is_no_name(line: str) -> None:
    assert names(f"Norway left.\n\n{line}\n\nBrel stayed in Orla.") == ["Norway", "Brel", "Orla"]
    assert "Facebook" in names("Norway sued Facebook.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Idris Vane beat Jorge "Tuto" Brelane.', ["Idris Vane", 'Jorge "Tuto" Brelane']),
        ("Idris Vane beat Jorge “Tuto” Brelane.", ["Idris Vane", "Jorge “Tuto” Brelane"]),
        ('The daily "Orlo" quoted Vane.', ["Orlo", "Vane"]),
        ('Minister "Tuto" Brelane left.', ["Tuto", "Brelane"]),
        ('In his "Orla" Brelane lied.', ["Orla", "Brelane"]),
    ],
)
def test_a_nickname_stands_inside_its_name(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The court fined Orla Corp P200 million.", ["Orla Corp"]),
        ("Ada Brel paid R500m to M23.", ["Ada Brel", "M23"]),
        ("The G7 gave Orla 5 million.", ["G7", "Orla"]),
    ],
)
def test_sums_of_money_are_no_names(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He fled from the Lashkar-i-Orlan.", ["Lashkar-i-Orlan"]),
        ("He fled from the Lashkar i Orlan.", ["Lashkar i Orlan"]),
        ("Crédit Orlane sold it. Banks bought it.", ["Crédit Orlane"]),
        ("Banks Orlane sold it.", ["Orlane"]),
        ("Don’t tell Norway. Let’s go. We’re late.", ["Norway"]),
        ("Vane praised the party For Orla.", ["Vane", "For Orla"]),
        ("For Orla Vane did much.", ["Orla Vane"]),
        ("Warplanes of Norway came.", ["Norway"]),
        ("The Catholic Bishops' Conference of Norway met.", ["Catholic Bishops' Conference of Norway"]),
        ("The Special Prosecution of Norway sued.", ["Special Prosecution of Norway"]),
    ],
)
def test_words_that_only_some_languages_have_in_names(text: str, expected: list[str]) -> None:
    assert names(text) == expected

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.actors import Discovery, discover, find_mentions, slug
from stance.text import split_sentences


def actors(text: str) -> dict[str, list[str]]:
    found = discover(text, split_sentences(text))
    spans: dict[str, list[str]] = {actor.id: [] for actor in found.actors}
    for mention in found.mentions:
        spans[mention.actor].append(text[mention.start : mention.end])
    return spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Russian President Vladimir Putin left Moscow. Putin said the Kremlin knew.",
            {"russia": ["Russian", "Moscow", "Kremlin"], "vladimir_putin": ["Vladimir Putin", "Putin"]},
        ),
        (
            "Khalifa Haftar spoke. Khafter's men left. General Hafter stayed.",
            {"khalifa_haftar": ["Khalifa Haftar", "Khafter", "Hafter"]},
        ),
        (
            "The Asmora National Concord Government (UMC) fell. The UMC fled.",
            {"asmora_national_concord_government": ["Asmora National Concord Government", "UMC", "UMC"]},
        ),
        (
            "US Pacific Forces Command spoke. Later Pacific Forces Command left.",
            {"us_pacific_forces_command": ["US Pacific Forces Command", "Pacific Forces Command"]},
        ),
        (
            "Ada Brel came. Brel spoke. Idris Brel came. Brel left.",
            {"ada_brel": ["Ada Brel", "Brel"], "idris_brel": ["Idris Brel", "Brel"]},
        ),
        (
            "Recep Tayyip Erdoğan spoke. Tayyip Erdogan left. Mr. Erdogan's aides stayed.",
            {"recep_tayyip_erdogan": ["Recep Tayyip Erdoğan", "Tayyip Erdogan", "Erdogan"]},
        ),
        (
            "The Orlan Central Command (ORLCENT) spoke. ORLCENT left.",
            {"orlan_central_command": ["Orlan Central Command", "ORLCENT", "ORLCENT"]},
        ),
        (
            "The Asmora Relief Agency paid. Nobody asked the ARA.",
            {"asmora_relief_agency": ["Asmora Relief Agency", "ARA"]},
        ),
        (
            "The Rapid Support Forces fired. The army met the RSF.",
            {"rapid_support_forces": ["Rapid Support Forces", "RSF"]},
        ),
        (
            "Bachir Lahsen Embarek came. Béchir Lehcen Mbarek left.",
            {"bachir_lahsen_embarek": ["Bachir Lahsen Embarek", "Béchir Lehcen Mbarek"]},
        ),
        ("Ekema Fonlon came. Ekema Fonlong left.", {"ekema_fonlong": ["Ekema Fonlon", "Ekema Fonlong"]}),
        (
            "Hassan Orlane came. Hossein Orlane left.",
            {"hassan_orlane": ["Hassan Orlane"], "hossein_orlane": ["Hossein Orlane"]},
        ),
        (
            "Mario Brelane came. Maria Brelane left.",
            {"mario_brelane": ["Mario Brelane"], "maria_brelane": ["Maria Brelane"]},
        ),
        (
            "Adrián Solorio Huacuz came. Nobody met Solorio.",
            {"adrian_solorio_huacuz": ["Adrián Solorio Huacuz", "Solorio"]},
        ),
        ("Halyard Partners paid. Halyard left.", {"halyard_partners": ["Halyard Partners", "Halyard"]}),
        (
            "The Rapid Support Forces came. Rapid Support left.",
            {"rapid_support_forces": ["Rapid Support Forces", "Rapid Support"]},
        ),
        ("The Alliance du Lac paid. The Alliance left.", {"alliance_du_lac": ["Alliance du Lac", "Alliance"]}),
        (
            "The United Dockers of Port Sallow left. Port Sallow stayed.",
            {"united_dockers_of_port_sallow": ["United Dockers of Port Sallow"], "port_sallow": ["Port Sallow"]},
        ),
        ("Cameroon came. Nobody met Yaunde.", {"cameroon": ["Cameroon", "Yaunde"]}),
        ("Nobody met Yaunde.", {"yaunde": ["Yaunde"]}),
        ("Guyana came. Nobody met Georgetown.", {"guyana": ["Guyana", "Georgetown"]}),
        ("Nobody met Georgetown.", {"georgetown": ["Georgetown"]}),
        ("Kinshasa came. Nobody met Congo.", {"democratic_republic_of_the_congo": ["Kinshasa", "Congo"]}),
        ("Brazzaville came. Nobody met Congo.", {"republic_of_the_congo": ["Brazzaville", "Congo"]}),
        ("Nobody met Congo.", {"democratic_republic_of_the_congo": ["Congo"]}),
        ("RSF spoke. The RSF is not here.", {"reporters_without_borders": ["RSF", "RSF"]}),
        ("NATO met. Outside the Alliance nobody did.", {"nato": ["NATO", "Alliance"]}),
        (
            "Oman's foreign ministry spoke. The Omani Foreign Ministry left; the Omani army did not.",
            {
                "oman_foreign_ministry": ["Oman's foreign ministry", "Omani Foreign Ministry"],
                "omani_army": ["Omani army"],
            },
        ),
        (
            "The IRGC spoke. The Revolutionary Guards left.",
            {"islamic_revolutionary_guard_corps": ["IRGC", "Revolutionary Guards"]},
        ),
        ("Omani envoys came. To the Sultanate they left.", {"oman": ["Omani", "Sultanate"]}),
        ("Nabil Abdullah came. Nobody met Abdallah.", {"nabil_abdullah": ["Nabil Abdullah", "Abdallah"]}),
        ("The Corona virus spread in Oman.", {"oman": ["Oman"]}),
        ("Ada Brel (CHP) spoke. The CHP left.", {"ada_brel": ["Ada Brel"], "chp": ["CHP", "CHP"]}),
        (
            "Ardaria sent Levon Saroyan. Sevrant Igor Moryakin paid. Moryakin left Sevrant.",
            {"ardaria": ["Ardaria"], "levon_saroyan": ["Levon Saroyan"]}
            | {"sevrant": ["Sevrant", "Sevrant"], "igor_moryakin": ["Igor Moryakin", "Moryakin"]},
        ),
        (
            "Council of Representatives Ada Brelane spoke. Sevrant Nazionale Lucane and Sevrant paid.",
            {"council_of_representatives": ["Council of Representatives"], "ada_brelane": ["Ada Brelane"]}
            | {"sevrant_nazionale_lucane": ["Sevrant Nazionale Lucane", "Sevrant"]},
        ),
        (
            "The Foreign Ministry of Belorsk Marina Zelin spoke. They left Belorsk.",
            {"foreign_ministry_of_belorsk": ["Foreign Ministry of Belorsk"], "marina_zelin": ["Marina Zelin"]}
            | {"belorsk": ["Belorsk"]},
        ),
        ("The Blue River Party lost. Blue River left.", {"blue_river_party": ["Blue River Party", "Blue River"]}),
        ("The National Congress met. Congress voted.", {"national_congress": ["National Congress", "Congress"]}),
        ("Congress voted.", {"congress": ["Congress"]}),
        (
            "The Gulf states paid; other Gulf monarchies and Western countries did not.",
            {"gulf_states": ["Gulf states", "Gulf monarchies"], "western_countries": ["Western countries"]},
        ),
        ("The UN and the United Nations met.", {"united_nations": ["UN", "United Nations"]}),
        ("Ada Jordan spoke. Jordan left.", {"ada_jordan": ["Ada Jordan", "Jordan"]}),
        ("Chad Smith flew to Chad.", {"chad_smith": ["Chad Smith"], "chad": ["Chad"]}),
        ("France 24 praised France.", {"france_24": ["France 24"], "france": ["France"]}),
        ("", {}),
    ],
)
def test_groups_names(text: str, expected: dict[str, list[str]]) -> None:
    assert actors(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The Brigade of the Storm shot. Later Brigade of Storm denied it.",
            {"brigade_of_the_storm": ["Brigade of the Storm", "Brigade of Storm"]},
        ),
        (
            "They sued the Authority of Guarantee. The Guarantee Authority paid.",
            {"authority_of_guarantee": ["Authority of Guarantee", "Guarantee Authority"]},
        ),
        (
            "On Monday the Blue Crane Rescue Team came. Asmora thanked Blue Crane.",
            {"blue_crane_rescue_team": ["Blue Crane Rescue Team", "Blue Crane"], "asmora": ["Asmora"]},
        ),
        (
            "The Meadow Solidarity Party won. Ada Brel left the Meadow Party.",
            {"meadow_solidarity_party": ["Meadow Solidarity Party", "Meadow Party"], "ada_brel": ["Ada Brel"]},
        ),
        (
            "The National Transitional Council met. The National Council did not.",
            {
                "national_transitional_council": ["National Transitional Council"],
                "national_council": ["National Council"],
            },
        ),
        (
            "Fort Orla University closed. Soldiers left Fort Orla.",
            {"fort_orla_university": ["Fort Orla University"], "fort_orla": ["Fort Orla"]},
        ),
        ("Khalid Alvafi spoke. Then Vafi left.", {"khalid_alvafi": ["Khalid Alvafi", "Vafi"]}),
        (
            "Ferrovia Lucana Brelane paid. The FLB struck.",
            {"ferrovia_lucana_brelane": ["Ferrovia Lucana Brelane", "FLB"]},
        ),
    ],
)
def test_joins_what_is_left_away_or_turned_round(text: str, expected: dict[str, list[str]]) -> None:
    assert actors(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Belvarian envoys met. Belvaria paid the Belvarians.", {"belvaria": ["Belvarian", "Belvaria", "Belvarians"]}),
        ("Montalbo paid. Two Montalbese men left.", {"montalbo": ["Montalbo", "Montalbese"]}),
        (
            "They met the Republic of Dorvan. Dorvani jets left.",
            {"republic_of_dorvan": ["Republic of Dorvan", "Dorvani"]},
        ),
        ("They met the Dorvan Republic. Later Dorvan paid.", {"dorvan_republic": ["Dorvan Republic", "Dorvan"]}),
        ("They met Ada Karim. Then Karimi left.", {"ada_karim": ["Ada Karim"], "karimi": ["Karimi"]}),
        (
            "The Council of Harbours met. Nobody asked the Council.",
            {"council_of_harbours": ["Council of Harbours", "Council"]},
        ),
        (
            "The Ministry of the Interior spoke. But Interior paid.",
            {"ministry_of_the_interior": ["Ministry of the Interior", "Interior"]},
        ),
        ("They fear the League. The Belvar League came.", {"league": ["League"], "belvar_league": ["Belvar League"]}),
        (
            "The Belvar League met the Dorvan League. Nobody asked the League.",
            {"belvar_league": ["Belvar League"], "dorvan_league": ["Dorvan League"], "league": ["League"]},
        ),
        (
            "The Belvar League met. Nobody asked the League. The Dorvan League spoke. It is for the League to answer.",
            {"belvar_league": ["Belvar League", "League"], "dorvan_league": ["Dorvan League", "League"]},
        ),
        (
            "The Belvar Army entered Belvar. They met in Belvar.",
            {"belvar_army": ["Belvar Army"], "belvar": ["Belvar", "Belvar"]},
        ),
        ("They met Lian Zhe-min. Lian Zhemin paid.", {"lian_zhe_min": ["Lian Zhe-min", "Lian Zhemin"]}),
        ("They met Yelnar Tosmatov. Elnar Tosmatov paid.", {"yelnar_tosmatov": ["Yelnar Tosmatov", "Elnar Tosmatov"]}),
        (
            "They met Hikmatullo Vadov. Hikmat Vadov paid.",
            {"hikmatullo_vadov": ["Hikmatullo Vadov", "Hikmat Vadov"]},
        ),
        (
            "They met Martin Vadov. Martina Vadov paid.",
            {"martina_vadov": ["Martina Vadov"], "martin_vadov": ["Martin Vadov"]},
        ),
    ],
)
def test_groups_what_names_are_made_into(text: str, expected: dict[str, list[str]]) -> None:
    assert actors(text) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("They met Ada Brel.", "person"),
        ("They met President Orlo.", "person"),
        ("They met Turkey.", "state"),
        ("They met the Ministry of Trade.", "government"),
        ("They met the Asmora Liberation Front.", "armed_group"),
        ("They met NATO.", "organization"),
        ("They met the Orlo Foundation.", "organization"),
        ("They reached Vane Province.", "organization"),
    ],
)
def test_guesses_types(text: str, kind: str) -> None:
    assert [actor.type for actor in discover(text, split_sentences(text)).actors] == [kind]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Recep Tayyip Erdoğan", "recep_tayyip_erdogan"),
        ("Côte d'Ivoire", "cote_divoire"),
        ("U.S.", "us"),
        ("北京", "actor"),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_ids_are_unique_and_never_the_author_s() -> None:
    found = actors("They met the Author. They met 北京 Łódź-Brel.")
    assert "author" not in found
    assert len(found) == len(set(found))


def test_same_input_gives_same_output() -> None:
    text = "Ada Brel met Idris Vane of the Asmora Relief Agency (ARA) in Turkey. " * 5
    first = discover(text, split_sentences(text))
    assert isinstance(first, Discovery)
    assert all(discover(text, split_sentences(text)) == first for _ in range(3))


_PIECES = [
    "Ada Brel",
    "Brel",
    "US",
    "Turkey",
    "al-Orlo",
    "President",
    "of",
    "and",
    "the Ministry",
    "(ARA)",
    "'s",
    ". ",
    "\n\n",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=4)), max_size=14), st.sampled_from([" ", "-", ""]))
def test_any_text_gives_ordered_spans_of_listed_actors(pieces: list[str], gap: str) -> None:
    text = gap.join(pieces)
    found = discover(text, split_sentences(text))
    ids = {actor.id for actor in found.actors}
    assert len(ids) == len(found.actors)
    assert found.known <= ids
    written = {m.actor for m in found.mentions if m.actor.startswith("dateline")}
    for mentions, named in ((found.mentions, ids | written), (find_mentions(text, found.actors), ids)):
        assert all(m.actor in named and m.end <= len(text) for m in mentions)
        assert all(a.end <= b.start for a, b in pairwise(mentions))


@pytest.mark.parametrize("unit", ["Ada Brel met Brel of Asmora (ASM). ", "Russian envoys met Idris Vane{} of Vane{}. "])
def test_time_stays_linear(unit: str) -> None:
    parts = [unit.replace("{}", chr(97 + i % 26) + chr(97 + i // 26 % 26) + "ov") for i in range(150_000 // len(unit))]
    text = "".join(parts)
    began = time.process_time()
    discover(text, split_sentences(text))
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The catalogue's RSF is another body.
        (
            "The RSF shelled Orlo. The Relief Staff Federation (RSF) denied it, and RSF men fled.",
            {"relief_staff_federation": ["RSF", "Relief Staff Federation", "RSF", "RSF"], "orlo": ["Orlo"]},
        ),
        ("Reporters Without Borders (RSF) left.", {"reporters_without_borders": ["Reporters Without Borders", "RSF"]}),
        (
            "Idris Vane, widely known as Tarko, spoke. Later Tarko left.",
            {"idris_vane": ["Idris Vane", "Tarko", "Tarko"]},
        ),
        ("Tarko, alias Idris Vane, left.", {"idris_vane": ["Tarko", "Idris Vane"]}),
        (
            "The Coordination of Velan Movements (CVM) met. The CVM left.",
            {"coordination_of_velan_movements": ["Coordination of Velan Movements", "CVM", "CVM"]},
        ),
        (
            "They met the Border Guards on the Velma.",
            {"border_guards": ["Border Guards"], "velma": ["Velma"]},
        ),
        (
            "The Orlan People's Accord (OPA) won. The OPA spoke.",
            {"orlan_people_accord": ["Orlan People's Accord", "OPA", "OPA"]},
        ),
        (
            "The General Labour Union (UVLT) struck. General Vane left.",
            {"general_labour_union": ["General Labour Union", "UVLT"], "vane": ["Vane"]},
        ),
        ("The Orlantang, or OLT, left.", {"orlantang": ["Orlantang", "OLT"]}),
        ("Judge D.Y. Brelmark left. Orlo stayed.", {"dy_brelmark": ["D.Y. Brelmark"], "orlo": ["Orlo"]}),
        ("He blamed the Zionist regime.", {"israel": ["Zionist regime"]}),
    ],
)
def test_what_a_text_itself_says_of_names_goes_first(text: str, expected: dict[str, list[str]]) -> None:
    assert actors(text) == expected


@pytest.mark.parametrize(
    ("text", "names", "kind"),
    [
        ("The Ministry of Defence (MoD) denied it. The MoD paid.", ["Ministry of Defence", "MoD", "MoD"], "government"),
        ("Israel Katz attacked Iran. Katz said so.", ["Israel Katz", "Katz"], "person"),
        ("Prince Idris bin Vane (IBV) left. IBV stayed.", ["Idris bin Vane", "IBV", "IBV"], "person"),
        ("Luiz Inácio Lula da Silva won. Lula left.", ["Luiz Inácio Lula da Silva", "Lula"], "person"),
        ("Lai Ching-te spoke. Lai rejected it.", ["Lai Ching-te", "Lai"], "person"),
        ("Orla Electronics won. Orla Electronics paid.", ["Orla Electronics", "Orla Electronics"], "organization"),
    ],
)
def test_one_actor_of_its_kind(text: str, names: list[str], kind: str) -> None:
    found = discover(text, split_sentences(text))
    (actor,) = [a for a in found.actors if a.id == found.mentions[0].actor]
    assert [text[m.start : m.end] for m in found.mentions if m.actor == actor.id] == names
    assert actor.type == kind

import random

import pytest

from stance.classifier import StanceClassifier
from stance.schema import Actor
from tests.training.evaluation.builders import SENTENCES, TEXT, labelled
from training.evaluation.neutrality import name_gaps, swap_benchmark
from training.evaluation.swap import Name, form_of, guess_kind, kinds_of, load_names, random_names, rename, swappable

DOCUMENT = labelled(
    sentiment=[(SENTENCES[0], "sudmark", "negative")],
    stances=[(SENTENCES[0], "norland", "sudmark", "against"), (SENTENCES[2], "norland", "eastia", "against")],
)


def pieces(document) -> list[tuple[str, str]]:
    return [(m.actor, document.text[m.start : m.end]) for m in document.mentions]


def test_renaming_moves_every_offset() -> None:
    renamed = rename(DOCUMENT, {"norland": Name("North Korea", "North Korean"), "eastia": Name("Peru", "Peruvian")})

    assert renamed.text == ("North Korea condemned Sudmark. It praised Westania. The statement also attacked Peru.")
    assert pieces(renamed) == [
        ("norland", "North Korea"),
        ("sudmark", "Sudmark"),
        ("norland", "It"),
        ("westania", "Westania"),
        ("eastia", "Peru"),
    ]
    assert [renamed.text[slice(*s.sentence)] for s in renamed.stances] == [
        "North Korea condemned Sudmark.",
        "The statement also attacked Peru.",
    ]
    assert renamed.actors[0].name == "North Korea"


def test_a_phrase_around_a_name_grows_with_it() -> None:
    text = "Norland's army left."
    document = labelled(text=text, mentions=[("n", "Norland"), ("army", "Norland's army")])
    phrase = document.mentions[1].model_copy(update={"kind": "nominal"})
    document = document.model_copy(update={"mentions": [document.mentions[0], phrase]})

    assert pieces(rename(document, {"n": Name("Peru", "Peruvian")})) == [("n", "Peru"), ("army", "Peru's army")]


@pytest.mark.parametrize(
    ("old", "type", "expected"),
    [
        ("President Brel", "person", "President Merkel"),
        ("Mr. Ada Brel", "person", "Mr. Angela Merkel"),
        ("the Northern Brigade", "armed_group", "the Angela Merkel"),
        ("General Motors", "organization", "Angela Merkel"),
        ("President", "person", "Merkel"),
    ],
)
def test_articles_and_titles_stay(old: str, type: str, expected: str) -> None:
    document = labelled(text=f"Then {old} left.", mentions=[("a", old)], type=type)

    renamed = rename(document, {"a": Name("Angela Merkel", "Merkel")})

    assert pieces(renamed) == [("a", expected)]
    assert renamed.text == f"Then {expected} left."


def test_unmarked_names_change_too_where_labels_are_incomplete() -> None:
    text = "Trump said Trump Tower is his. Trumpism won."
    document = labelled(text=text, mentions=[("t", "Trump")], type="person").model_copy(
        update={"mentions_complete": False}
    )

    renamed = rename(document, {"t": Name("Angela Merkel", "Merkel")})

    assert renamed.text == "Merkel said Merkel Tower is his. Trumpism won."
    assert len(renamed.mentions) == 1


def test_actors_whose_names_overlap_are_left_alone() -> None:
    document = labelled(text="The Bank of Norland rose.", mentions=[("b", "Bank of Norland"), ("n", "Norland")])

    assert swappable(document) == []
    assert random_names(document, random.Random(0)) == {}


@pytest.mark.parametrize(
    ("kind", "name", "old", "expected"),
    [
        ("state", "Russia", "Russian", "Peruvian"),
        ("state", "Russia", "Moscow", "Peru"),
        ("state", "Norland", "Norlandic", "Peruvian"),  # invented: by its stem
        ("person", "Ada Brel", "Brel", "Peruvian"),
        ("person", "Ada Brel", "Ada Brel", "Peru"),
        ("organization", "World Bank", "WB", "Peruvian"),
        ("organization", "World Bank", "World Bank", "Peru"),
    ],
)
def test_a_name_keeps_its_form(kind: str, name: str, old: str, expected: str) -> None:
    assert form_of(kind, name, old, Name("Peru", "Peruvian")) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Trump", "person"),
        ("Hillary Clinton", "person"),
        ("Russia", "state"),
        ("GOP", "organization"),
        ("Republicans", "organization"),
        ("Ministry of Finance", "government"),
    ],
)
def test_kinds_are_guessed_where_the_data_does_not_tell(name: str, kind: str) -> None:
    assert guess_kind(name) == kind


def test_a_stated_kind_is_not_guessed() -> None:
    unlisted = DOCUMENT.model_copy(update={"mentions_complete": False, "actors": [Actor(id="r", name="Russia")]})

    assert kinds_of(DOCUMENT)["norland"] == "state"  # no catalogue has Norland
    assert kinds_of(unlisted) == {"r": "state"}


@pytest.mark.parametrize(
    ("name", "type", "noun"),
    [
        ("Orla Trade Ministry", "government", "Ministry"),
        ("Council of Accord", "government", "Council"),
        ("Northern Brigade", "armed_group", "Brigade"),
        ("Orla Grain Union", "organization", "Union"),
    ],
)
def test_what_a_body_is_stays_for_the_text_may_go_on_with_it(name: str, type: str, noun: str) -> None:
    document = labelled(text=f"The {name} left. Later the {noun.lower()} paid.", mentions=[("a", name)], type=type)
    for seed in range(20):
        chosen = random_names(document, random.Random(seed))["a"].full
        assert noun in chosen.split()
        assert name != chosen


def test_random_names_differ_and_are_new_to_the_text() -> None:
    chosen = random_names(DOCUMENT, random.Random(3))

    assert set(chosen) == {"norland", "sudmark", "westania", "eastia"}
    assert len(set(chosen.values())) == 4
    assert random_names(DOCUMENT, random.Random(3)) == chosen


def test_shipped_names_cover_every_kind_and_none_is_doubled() -> None:
    names = load_names()

    assert set(names.pools) == {"state", "government", "organization", "armed_group", "person", "group"}
    for kind, pool in names.pools.items():
        assert len({n.full for n in pool}) == len(pool) >= 10, kind
    for pairs in names.pairs.values():
        flat = [name for pair in pairs for name in pair]
        assert len(set(flat)) == len(flat)


@pytest.mark.parametrize("mode", ["mentions", "actors"])
def test_names_are_masked_so_a_real_model_does_not_read_them(tiny_classifier: StanceClassifier, mode) -> None:
    swapped = swap_benchmark(tiny_classifier, [DOCUMENT], mode)
    gaps = name_gaps(tiny_classifier, [DOCUMENT], mode)

    assert set(swapped.heads) == {"sentiment", "stance"}
    assert swapped.kinds["stance"]["state"].items == 2
    assert swapped.heads["sentiment"].unchanged == 1.0
    assert swapped.heads["sentiment"].absolute_shift == pytest.approx(0.0, abs=1e-3)
    assert {(g.head, g.kind, g.gap) for g in gaps} == {("sentiment", "state", 0.0), ("stance", "state", 0.0)}
    assert len(gaps[0].shares) == 12


def test_documents_without_names_have_nothing_to_swap(tiny_classifier: StanceClassifier) -> None:
    document = labelled(text=TEXT, mentions=[("norland", "It")], sentiment=[(SENTENCES[1], "norland", "neutral")])

    assert swap_benchmark(tiny_classifier, [document]).heads == {}
    assert name_gaps(tiny_classifier, [document]) == []

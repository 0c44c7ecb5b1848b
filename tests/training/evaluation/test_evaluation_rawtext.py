import pytest

from stance.classifier import StanceClassifier
from stance.schema import Mention, StanceResult
from tests.training.evaluation.builders import SENTENCES, TEXT, answer, labelled, result
from training.evaluation.alignment import actors_with_aliases, align_actors, match_spans, same_mention
from training.evaluation.rawtext import (
    Counts,
    compare_raw,
    evaluate_raw,
    gold_relations,
    link_scores,
    name_counts,
)

GOLD = labelled(
    stances=[
        (SENTENCES[0], "norland", "sudmark", "against"),
        (SENTENCES[1], "norland", "westania", "favor"),
        (SENTENCES[2], "norland", "eastia", "against"),
        (SENTENCES[2], "author", "eastia", "against"),
    ]
)


def renamed(**names: str) -> list[Mention]:
    """The gold mentions with other actor ids; a name that maps to "" is not found."""
    moved = [
        m.model_copy(update={"actor": names.get(m.actor, m.actor)}) for m in GOLD.mentions if names.get(m.actor, "x")
    ]
    return [m for m in moved if m.actor]


def answers() -> dict[int, list[StanceResult]]:
    return {
        0: [answer("norland", "sudmark", "against")],
        1: [answer("norland", "westania", "favor")],
        2: [answer("norland", "eastia", "against")],
    }


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ((0, 10), (4, 10), True),  # "General Haftar" and "Haftar"
        ((0, 10), (0, 6), True),
        ((0, 10), (0, 4), False),  # "Bank of America" and "Bank"
        ((0, 4), (4, 8), False),
    ],
)
def test_mentions_match_with_or_without_a_title(one: tuple[int, int], two: tuple[int, int], expected: bool) -> None:
    assert same_mention(one, two) is expected


def test_spans_match_once_and_the_most_alike_first() -> None:
    assert match_spans([(0, 10), (2, 10)], [(2, 10)]) == [(1, 0)]
    assert match_spans([(0, 10)], [(2, 10)], strict=True) == []


def test_actors_align_one_to_one_by_their_mentions() -> None:
    found = result(GOLD, mentions=renamed(norland="A", sudmark="A", westania="B", eastia="C"))

    # A bears two mentions of Norland and one of Sudmark.
    assert align_actors(GOLD.mentions, [m for s in found.sentences for m in s.mentions]) == {
        "A": "norland",
        "B": "westania",
        "C": "eastia",
    }
    assert align_actors(GOLD.mentions, []) == {}


def test_a_perfect_result_scores_one() -> None:
    raw = compare_raw([GOLD], [result(GOLD, stances=answers())])

    assert raw.names == raw.names_strict == Counts(4, 4, 4)
    assert raw.links.right == 1.0
    assert (raw.relations.mean_f1, raw.relations.wrong_sign, raw.relations.errors) == (1.0, 0, [])


def test_a_missed_name_takes_its_relations_along() -> None:
    found = result(GOLD, stances={0: answers()[0]}, mentions=renamed(westania="", eastia=""))
    raw = compare_raw([GOLD], [found])

    assert raw.names == Counts(2, 2, 4)
    assert raw.relations.counts == Counts(1, 1, 3)
    assert raw.relations.mean_f1 == pytest.approx(0.5)
    assert [(e.target, e.gold, e.predicted) for e in raw.relations.errors] == [
        ("eastia", "against", None),
        ("westania", "favor", None),
    ]


def test_a_relation_of_an_actor_that_is_none_is_made_up() -> None:
    stray = [*GOLD.mentions, Mention(actor="statement", start=TEXT.index("statement"), end=TEXT.index(" also"))]
    found = result(GOLD, stances={**answers(), 2: [answer("statement", "eastia", "against")]}, mentions=stray)

    errors = compare_raw([GOLD], [found]).relations.errors

    assert [(e.holder, e.gold, e.predicted) for e in errors] == [
        ("?statement", None, "against"),
        ("norland", "against", None),
    ]


def test_the_opposite_label_is_a_wrong_sign() -> None:
    found = result(GOLD, stances={**answers(), 1: [answer("norland", "westania", "against")]})
    scores = compare_raw([GOLD], [found]).relations

    assert (scores.counts, scores.wrong_sign) == (Counts(2, 3, 3), 1)


def test_relations_with_abstention_are_counted_apart() -> None:
    found = result(GOLD, stances={**answers(), 1: [answer("norland", "westania", "favor", abstained=True)]})
    raw = compare_raw([GOLD], [found])

    assert raw.relations.counts.predicted == 3
    assert raw.relations_kept.counts == Counts(2, 2, 3)


def test_gold_relations_take_the_majority_and_drop_ties() -> None:
    rows = [(SENTENCES[0], "norland", "sudmark", label) for label in ("against", "favor", "against", "neutral")]
    tied = [(SENTENCES[1], "norland", "westania", label) for label in ("against", "favor")]

    assert gold_relations(labelled(stances=[*rows, *tied])) == {("norland", "sudmark"): "against"}


def test_a_pronoun_attached_to_the_wrong_actor_is_found_but_not_right() -> None:
    wrong = [m.model_copy(update={"actor": "sudmark"}) if m.kind == "pronoun" else m for m in GOLD.mentions]

    scores = link_scores(GOLD, result(GOLD, mentions=wrong))

    assert (scores.found, scores.counts) == (1, Counts(0, 1, 1))


def test_pronouns_of_actors_without_a_name_are_not_asked_for() -> None:
    document = labelled(mentions=[("norland", "It"), ("sudmark", "Sudmark")])

    assert link_scores(document, result(document)).counts.gold == 0


def test_an_actors_list_has_every_name_of_the_text_and_no_pronoun() -> None:
    text = "Norland met Norlandic envoys. It left."
    document = labelled(text=text, mentions=[("n", "Norland"), ("n", "Norlandic"), ("n", "It")])

    assert [(a.name, a.aliases) for a in actors_with_aliases(document)] == [("Norland", ["Norlandic"])]


def test_unlabelled_documents_count_for_names_alone() -> None:
    raw = compare_raw([labelled()], [result(labelled(), stances=answers())])

    assert (raw.relations.documents, raw.relations.mean_f1) == (0, None)
    assert raw.names.f1 == 1.0


@pytest.mark.parametrize("with_actors", [False, True])
def test_raw_text_through_a_real_model(tiny_classifier: StanceClassifier, with_actors: bool) -> None:
    raw = evaluate_raw(tiny_classifier, [GOLD], with_actors=with_actors)

    assert raw.names.gold == 4
    assert raw.relations.documents == 1
    assert raw.as_dict()["relations"]["counts"]["gold"] == 3
    if with_actors:  # listed names are found by their letters, whatever the model has learnt
        assert name_counts(GOLD, tiny_classifier.classify([_listed()])[0]).hits == 4


def _listed():
    from stance.schema import Document

    return Document(id="d", text=GOLD.text, actors=actors_with_aliases(GOLD))

import pytest

from stance.classifier import StanceClassifier
from stance.schema import SENTIMENTS, STANCES, Actor, Mention, SentimentResult
from tests.training.evaluation.builders import SENTENCES, TEXT, answer, labelled, result, scores
from training.data.readers.dse import read_dse
from training.evaluation.metrics import by_slice, evaluation, score
from training.evaluation.tasks import (
    dse_item,
    evaluate_dse,
    evaluate_sentiment,
    evaluate_stance,
    five_way,
    sentiment_items,
    stance_evaluation,
)


def sentiment(actor: str, label: str, confidence: float = 0.8, abstained: bool = False) -> SentimentResult:
    return SentimentResult(
        actor=actor,
        label=label,
        confidence=confidence,
        abstained=abstained,
        scores=scores(SENTIMENTS, label, confidence),
    )


def test_sentiment_is_read_from_the_part_of_a_cut_sentence_that_has_the_mention() -> None:
    document = labelled(sentiment=[(TEXT, "eastia", "negative")])  # the label's sentence is our three
    found = result(document, {2: [sentiment("eastia", "negative")], 0: [sentiment("norland", "positive")]})

    (item,) = sentiment_items(document, found)

    assert (item.gold, item.label, item.answered, item.actor_type) == ("negative", "negative", True, "state")
    assert item.probabilities == pytest.approx((0.8, 0.1, 0.1))
    assert item.actors == 4


def test_silence_counts_as_neutral_and_as_abstention() -> None:
    document = labelled(sentiment=[(SENTENCES[0], "eastia", "negative"), (SENTENCES[0], "norland", "neutral")])
    items = list(sentiment_items(document, result(document, {0: [sentiment("norland", "neutral")]})))

    metrics = score(items, SENTIMENTS)

    assert [i.label for i in items] == ["neutral", "neutral"]
    assert (metrics["answered"], metrics["abstained"], metrics["accuracy"]) == (1, 0.5, 0.5)
    assert metrics["accuracy_kept"] == 1.0
    assert metrics["ece"] == pytest.approx(0.2)  # over the answered item alone


def test_an_unstated_type_is_unknown() -> None:
    document = labelled(sentiment=[(SENTENCES[0], "norland", "neutral")])
    actors = [Actor(id=a.id, name=a.name) for a in document.actors]
    untyped = document.model_copy(update={"actors": actors, "mentions_complete": False})

    (item,) = sentiment_items(untyped, result(untyped))

    assert item.actor_type is None
    assert by_slice([item], SENTIMENTS, lambda i: i.actor_type) == {}


STANCE_LABELS = [
    (SENTENCES[0], "norland", "sudmark", "against"),
    (SENTENCES[1], "norland", "westania", "favor"),
    (SENTENCES[2], "norland", "eastia", "against"),
    (SENTENCES[2], "sudmark", "eastia", "neutral"),
    (SENTENCES[2], "author", "eastia", "neutral"),
]


def test_stances_of_holders_in_earlier_sentences_are_reported_apart() -> None:
    document = labelled(stances=STANCE_LABELS)
    found = result(
        document,
        stances={
            0: [answer("norland", "sudmark", "against")],
            1: [answer("norland", "westania", "against"), answer("sudmark", "westania", "favor", 0.9)],
            2: [answer("norland", "eastia", "against"), answer("sudmark", "eastia", "neutral")],
        },
    )

    parts = stance_evaluation([document], [found])

    assert parts.all.metrics["items"] == 4
    assert [i.holder for i in parts.earlier.items] == ["norland", "sudmark"]
    assert [i.target for i in parts.unnamed.items] == ["westania", "eastia", "eastia"]
    assert [i.answered for i in parts.author.items] == [False]
    assert parts.all.metrics["accuracy"] == 0.75
    assert (parts.holders.right, parts.holders.items) == (1, 1)
    assert parts.unnamed_holders.share == 0.5  # sudmark looks likelier to favour Westania


def test_two_right_holders_do_not_compete() -> None:
    document = labelled(stances=[(SENTENCES[2], h, "eastia", "against") for h in ("norland", "sudmark")])
    found = result(
        document,
        stances={2: [answer("norland", "eastia", "against", 0.9), answer("sudmark", "eastia", "against", 0.6)]},
    )

    assert stance_evaluation([document], [found]).holders.right == 2


def test_no_items_give_no_metrics() -> None:
    assert stance_evaluation([], []).all.metrics == {"items": 0}
    assert stance_evaluation([], []).holders.share is None


def test_macro_f1_is_over_the_labels_that_occur() -> None:
    document = labelled(stances=STANCE_LABELS[:1])
    found = result(document, stances={0: [answer("norland", "sudmark", "against")]})

    metrics = evaluation("stance", "stance", STANCES, stance_evaluation([document], [found]).all.items).metrics

    assert metrics["macro_f1"] == 1.0
    assert metrics["confusion"] == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert metrics["classes"]["favor"]["support"] == 0


@pytest.mark.parametrize(
    ("forward", "backward", "expected"),
    [
        (answer("p", "q", "neutral"), answer("q", "p", "neutral"), 0),
        (answer("p", "q", "favor"), answer("q", "p", "neutral"), 1),
        (answer("p", "q", "neutral"), answer("q", "p", "favor"), 2),
        (answer("p", "q", "against"), None, 3),
        (None, answer("q", "p", "against"), 4),
        (answer("p", "q", "favor", 0.9), answer("q", "p", "against", 0.7), 1),  # the surer direction wins
        (answer("p", "q", "favor", 1.0), answer("q", "p", "against", 1.0), 0),
    ],
)
def test_five_way_labels_from_two_directions(forward: object, backward: object, expected: int) -> None:
    found = five_way(forward, backward)  # type: ignore[arg-type]

    assert found.index(max(found)) == expected
    assert sum(found) == pytest.approx(1.0)


@pytest.fixture
def dse_file(tmp_path) -> object:
    path = tmp_path / "test.txt"
    path.write_text("[Norland] condemned [Sudmark] .\tNorland\tSudmark\t3\n[Anna] met [Bert] .\tAnna\tBert\t0\n")
    return path


def test_a_dse_row_is_one_item(dse_file) -> None:
    document = read_dse(dse_file)[0]
    item = dse_item(document, result(document, stances={0: [answer("p", "q", "against", 0.9, abstained=True)]}))

    assert (item.gold, item.label, item.abstained, item.answered) == ("p_against_q", "p_against_q", True, True)


def test_all_tasks_through_a_real_model(tiny_classifier: StanceClassifier, dse_file) -> None:
    document = labelled(stances=STANCE_LABELS, sentiment=[(SENTENCES[0], "sudmark", "negative")])

    stances = evaluate_stance(tiny_classifier, [document])
    sentiments = evaluate_sentiment(tiny_classifier, [document])
    directed = evaluate_dse(tiny_classifier, read_dse(dse_file))

    # Every question is one that the model was asked, the author's among them.
    assert all(i.answered for e in [*stances.evaluations, sentiments, directed] for i in e.items)
    assert stances.all.metrics["items"] == 4
    assert directed.metrics["items"] == 2
    assert sum(directed.items[0].probabilities) == pytest.approx(1.0)


def test_gold_mentions_alone_are_used(tiny_classifier: StanceClassifier) -> None:
    document = labelled(mentions=[("norland", "Norland")], sentiment=[(SENTENCES[0], "norland", "neutral")])
    assert document.mentions == [Mention(actor="norland", start=0, end=7)]

    assert evaluate_sentiment(tiny_classifier, [document]).items[0].actors == 1

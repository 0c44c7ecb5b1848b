"""From probabilities to what a result says: rounding, abstention, and who explains whom away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stance import Actor, Document, DocumentResult, Mention, StanceClassifier
from stance.artifact import HeadSettings
from stance.assembly import Assembly, decide, explained_away, of_own_state
from stance.prepare import prepare
from stance.queries import ActorQueries, SentimentQuery, StanceQuery
from stance.schema import SENTIMENTS, STANCES

NEUTRAL = STANCES.index("neutral")
TEXT = "Norway praised France."
ACTORS = [Actor(id="n", name="Norway"), Actor(id="f", name="France")]


def probabilities(values: tuple[int, ...]) -> np.ndarray:
    return np.array(values, dtype=np.float32) / np.float32(sum(values))


distributions = st.tuples(*[st.integers(1, 30_000)] * 3).map(probabilities)


@given(distributions)
@example(np.array([0.33346, 0.33345001, 0.33308999], dtype=np.float32))
@example(np.array([0.33345001, 0.33346, 0.33308999], dtype=np.float32))
def test_rounded_scores_sum_to_one_and_the_label_stays_on_top(given_scores: np.ndarray) -> None:
    label, confidence, _, scores = decide(given_scores, STANCES, HeadSettings())
    assert sum(round(score * 10_000) for score in scores.values()) == 10_000
    assert label == STANCES[int(given_scores.argmax())]
    assert confidence == scores[label] == max(scores.values())
    np.testing.assert_allclose(list(scores.values()), given_scores, atol=2e-4)


@pytest.mark.parametrize(("threshold", "abstained"), [(0.0, False), (0.6, False), (0.6001, True), (1.0, True)])
def test_the_model_abstains_under_its_threshold_and_still_answers(threshold: float, abstained: bool) -> None:
    row = np.array([0.1, 0.3, 0.6], dtype=np.float32)
    label, confidence, unsure, _ = decide(row, SENTIMENTS, HeadSettings(threshold=threshold))
    assert (label, confidence, unsure) == ("positive", 0.6, abstained)


@given(distributions, distributions)
def test_explaining_away_only_ever_moves_toward_neutral(earlier: np.ndarray, shown: np.ndarray) -> None:
    left = explained_away(earlier, shown)
    assert left.sum() == pytest.approx(1.0, abs=1e-5)
    for index in range(len(STANCES)):
        if index == NEUTRAL:
            assert left[index] >= earlier[index] - 1e-5
        else:
            assert 0 <= left[index] <= earlier[index]


def test_a_sure_holder_in_the_sentence_leaves_nothing_of_the_same_label() -> None:
    earlier = np.array([0.5, 0.1, 0.4], dtype=np.float32)
    left = explained_away(earlier, np.array([1.0, 0.0, 0.0], dtype=np.float32))
    np.testing.assert_allclose(left, [0.0, 0.6, 0.4], atol=1e-6)
    assert explained_away(earlier, None) is earlier


def answers(classifier: StanceClassifier, parts: list[list[float]], holder_sentence: int = 0) -> tuple[float, ...]:
    """The stance scores of "n" toward "f" where each part of the sentence reads `parts`."""
    (assembly,) = classifier.prepare([Document(id="d", text=TEXT, actors=ACTORS)]).parts
    assert isinstance(assembly, Assembly)
    query = StanceQuery("n", "f", 0, holder_sentence, 0, 0, 0, 0)
    for scores in parts:
        assembly.add(ActorQueries([], [], [query]), np.zeros((0, 3)), np.array([scores], dtype=np.float32))
    (stance,) = assembly.result(include_neutral=True).sentences[0].stances
    return tuple(stance.scores[label] for label in STANCES)


def test_a_cut_sentence_has_the_mean_of_its_parts_in_any_order(tiny_classifier: StanceClassifier) -> None:
    parts = [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3]]
    assert answers(tiny_classifier, parts) == pytest.approx((0.5, 0.3, 0.2))
    assert answers(tiny_classifier, parts[::-1]) == pytest.approx((0.5, 0.3, 0.2))


def test_rows_that_do_not_fit_the_questions_are_refused(tiny_classifier: StanceClassifier) -> None:
    (assembly,) = tiny_classifier.prepare([Document(id="d", text=TEXT, actors=ACTORS)]).parts
    assert isinstance(assembly, Assembly)
    asked = ActorQueries([], [SentimentQuery("n", 0, 0, 0)], [])
    with pytest.raises(ValueError, match="shorter"):
        assembly.add(asked, np.zeros((0, 3)), np.zeros((0, 3)))


def test_an_actor_that_is_never_mentioned_is_listed_with_no_mention(tiny_classifier: StanceClassifier) -> None:
    actors = [*ACTORS, Actor(id="x", name="Xanadu")]
    (result,) = tiny_classifier.classify([Document(id="d", text=TEXT, actors=actors)])
    assert {a.id: a.mentions for a in result.actors}.pop("x") == 0
    (sentence,) = result.sentences
    assert [(m.actor, m.text) for m in sentence.mentions if m.kind == "name"] == [("n", "Norway"), ("f", "France")]
    assert {row.actor for row in sentence.sentiment} == {"n", "f"}


BREAK = "Norway left.  France stayed.\n"


def bringing(*spans: tuple[str, int, int]) -> Document:
    mentions = [Mention(actor=actor, start=start, end=end) for actor, start, end in spans]
    return Document(id="d", text=BREAK, actors=ACTORS, mentions=mentions)


def told(result: DocumentResult) -> list[list[tuple[str, int, int]]]:
    return [[(m.actor, m.start, m.end) for m in sentence.mentions] for sentence in result.sentences]


def test_a_mention_that_is_given_twice_counts_once(tiny_classifier: StanceClassifier) -> None:
    once = bringing(("f", 14, 20), ("n", 0, 6), ("f", 0, 6))
    twice = bringing(("f", 14, 20), ("n", 0, 6), ("f", 0, 6), ("n", 0, 6), ("f", 14, 20))
    (first,), (second,) = (tiny_classifier.classify([one], include_neutral=True) for one in (once, twice))
    assert first == second
    assert {a.id: a.mentions for a in second.actors} == {"n": 1, "f": 2}


def test_a_mention_with_the_white_space_before_its_sentence_is_read_with_it(tiny_classifier: StanceClassifier) -> None:
    spans = [("n", 0, 6), ("f", 12, 20)]
    (result,) = tiny_classifier.classify([bringing(*spans)], include_neutral=True)
    assert told(result) == [[("n", 0, 6)], [("f", 14, 20)]]
    assert [row.actor for row in result.sentences[1].sentiment] == ["f"]
    assert [a.mentions for a in result.actors] == [1, 1]


@pytest.mark.parametrize("span", [(12, 13), (12, 14), (13, 20), (28, 29)])
def test_a_sentence_has_no_mention_that_begins_outside_of_it(
    tiny_classifier: StanceClassifier, span: tuple[int, int]
) -> None:
    prepared = prepare(bringing(("n", 0, 6)))
    outside = replace(prepared, mentions=[*prepared.mentions, Mention(actor="f", start=span[0], end=span[1])])
    result = Assembly(outside, tiny_classifier.manifest).result(include_neutral=True)
    assert told(result) == [[("n", 0, 6)], []]


def test_a_body_is_hardly_against_its_own_state() -> None:
    against, neutral, favor = of_own_state(np.array([0.8, 0.15, 0.05], dtype=np.float32))
    assert against < 0.1 < favor < neutral
    assert against + neutral + favor == pytest.approx(1)


def test_what_a_body_has_for_its_own_state_stays() -> None:
    given = np.array([0.0, 0.3, 0.7], dtype=np.float32)
    assert np.allclose(of_own_state(given), given)

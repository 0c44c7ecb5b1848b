"""The aggregation formula, by hand-made sentences."""

from __future__ import annotations

import pytest

from stance.relations import relations_of
from stance.schema import StanceResult


def stance(favor: float, against: float, holder: str = "a", target: str = "b", abstained: bool = False) -> StanceResult:
    scores = {"against": against, "neutral": round(1 - favor - against, 6), "favor": favor}
    label = max(scores, key=scores.__getitem__)
    return StanceResult(
        holder=holder,
        target=target,
        label=label,
        confidence=scores[label],
        abstained=abstained,
        holder_sentence=0,
        scores=scores,
    )


def test_one_sentence_is_its_own_relation() -> None:
    (relation,) = relations_of([(3, stance(0.1, 0.8))])
    assert (relation.label, relation.sentences) == ("against", [3])
    assert relation.score == pytest.approx(-0.7)
    assert relation.confidence == pytest.approx(0.8 * 0.9)


def test_the_score_is_the_confidence_weighted_mean() -> None:
    rows = [(0, stance(0.9, 0.05)), (4, stance(0.6, 0.3))]
    (relation,) = relations_of(rows)
    assert relation.score == pytest.approx((0.9 * 0.85 + 0.6 * 0.3) / 1.5, abs=1e-4)
    assert relation.sentences == [0, 4]


def test_agreeing_sentences_raise_the_confidence() -> None:
    one = relations_of([(0, stance(0.7, 0.0))])[0].confidence
    two = relations_of([(0, stance(0.7, 0.0)), (1, stance(0.7, 0.0))])[0].confidence
    assert two > one


def test_opposite_sentences_are_mixed() -> None:
    (relation,) = relations_of([(0, stance(0.9, 0.0)), (1, stance(0.0, 0.9))])
    assert relation.label == "neutral"
    assert relation.score == pytest.approx(0.0)


def test_neutral_sentences_make_no_relation() -> None:
    assert relations_of([(0, stance(0.1, 0.1))]) == []


def test_direction_matters() -> None:
    rows = [(0, stance(0.9, 0.0)), (0, stance(0.0, 0.9, holder="b", target="a"))]
    assert {(r.holder, r.target, r.label) for r in relations_of(rows)} == {("a", "b", "favor"), ("b", "a", "against")}


def test_sure_sentences_outrank_abstained_ones() -> None:
    rows = [(0, stance(0.0, 0.9)), (1, stance(0.6, 0.0, abstained=True))]
    (relation,) = relations_of(rows)
    assert (relation.label, relation.sentences, relation.abstained) == ("against", [0], False)


def test_a_relation_of_abstained_sentences_only_is_abstained() -> None:
    (relation,) = relations_of([(1, stance(0.6, 0.0, abstained=True))])
    assert relation.abstained

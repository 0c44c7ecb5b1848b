"""Results made by hand, for what only shows them, and what holds for every result."""

from __future__ import annotations

import pytest

from stance.relations import relations_of
from stance.schema import (
    AUTHOR,
    Actor,
    ActorResult,
    DocumentResult,
    MentionResult,
    SentenceResult,
    SentimentResult,
    StanceResult,
)


def sentiment(actor: str, label: str, confidence: float = 0.9, abstained: bool = False) -> SentimentResult:
    rest = (1 - confidence) / 2
    scores = {name: confidence if name == label else rest for name in ("negative", "neutral", "positive")}
    return SentimentResult(actor=actor, label=label, confidence=confidence, abstained=abstained, scores=scores)


def stance(holder: str, target: str, label: str, confidence: float = 0.8, named_in: int = 0) -> StanceResult:
    rest = (1 - confidence) / 2
    scores = {name: confidence if name == label else rest for name in ("against", "neutral", "favor")}
    return StanceResult(
        holder=holder,
        target=target,
        label=label,
        confidence=confidence,
        abstained=confidence < 0.6,
        holder_sentence=named_in,
        scores=scores,
    )


def result(actors: list[Actor], *sentences: tuple[str, list[SentimentResult], list[StanceResult]]) -> DocumentResult:
    """One sentence after another, one space between them; actors are mentioned where their name stands."""
    found: list[SentenceResult] = []
    start = 0
    for index, (text, portrayals, stances) in enumerate(sentences):
        mentions = [
            MentionResult(actor=a.id, start=start + at, end=start + at + len(a.name), text=a.name)
            for a in actors
            if (at := text.find(a.name)) >= 0
        ]
        found.append(
            SentenceResult(
                index=index,
                start=start,
                end=start + len(text),
                text=text,
                mentions=mentions,
                sentiment=portrayals,
                stances=stances,
            )
        )
        start += len(text) + 1
    counts = {a.id: sum(m.actor == a.id for s in found for m in s.mentions) for a in actors}
    return DocumentResult(
        id="a1",
        model="stance:test",
        actors=[ActorResult(id=a.id, name=a.name, type=a.type, mentions=counts[a.id]) for a in actors],
        sentences=found,
        relations=relations_of((s.index, row) for s in found for row in s.stances),
    )


def check(result: DocumentResult, text: str) -> None:
    """Every promise of the contract that holds for any result."""
    ids = {a.id for a in result.actors}
    for number, sentence in enumerate(result.sentences):
        assert sentence.index == number
        assert text[sentence.start : sentence.end] == sentence.text
        for found in sentence.mentions:
            assert text[found.start : found.end] == found.text
            assert found.actor in ids
        for row in [*sentence.sentiment, *sentence.stances]:
            assert sum(row.scores.values()) == pytest.approx(1.0, abs=1e-9)
            assert row.confidence == max(row.scores.values()) == row.scores[row.label]
        for stance in sentence.stances:
            assert stance.holder in ids | {AUTHOR}
            assert stance.target in ids
            assert stance.holder != stance.target
            assert 0 <= sentence.index - stance.holder_sentence <= 4
    for relation in result.relations:
        assert -1 <= relation.score <= 1
        assert relation.sentences == sorted(set(relation.sentences))

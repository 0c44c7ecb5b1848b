"""Where two models' results of one document differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from stance.schema import DocumentResult, SentenceResult, SentimentResult, StanceResult

Kind = Literal["sentiment", "stance"]
Answer = SentimentResult | StanceResult


class Key(NamedTuple):
    """What is asked: of which sentence (a span of the text), and of whom; `holder` is None for sentiment."""

    start: int
    end: int
    holder: str | None
    target: str

    @property
    def kind(self) -> Kind:
        """Which head answers."""
        return "sentiment" if self.holder is None else "stance"


class Disagreement(NamedTuple):
    """One answer that the two models give differently, and the sentence; None is an answer that was not given."""

    key: Key
    text: str
    served: Answer | None
    shadow: Answer | None


class Comparison(NamedTuple):
    """One document: `compared` and `agreed` count answers by kind."""

    compared: Counter[Kind]
    agreed: Counter[Kind]
    disagreements: list[Disagreement]


def compare(served: DocumentResult, shadow: DocumentResult) -> Comparison:
    """Compare two results of one text.

    Sentiments are compared of every actor that at least one model found in a sentence, stances of every pair that
    at least one calls not neutral: a caller decides whether neutral stances are listed, so they cannot be counted.
    """
    texts = {(s.start, s.end): s.text for result in (shadow, served) for s in result.sentences}
    one, two = _answers(served), _answers(shadow)
    found = Comparison(Counter(), Counter(), [])
    for key in sorted(one.keys() | two.keys(), key=lambda k: (k.start, k.end, k.holder or "", k.target)):
        mine, other = one.get(key), two.get(key)
        found.compared[key.kind] += 1
        if mine is not None and other is not None and mine.label == other.label:
            found.agreed[key.kind] += 1
        else:
            found.disagreements.append(Disagreement(key, texts[key.start, key.end], mine, other))
    return found


def _answers(result: DocumentResult) -> Mapping[Key, Answer]:
    return {key: answer for sentence in result.sentences for key, answer in _of_sentence(sentence)}


def _of_sentence(sentence: SentenceResult) -> Iterator[tuple[Key, Answer]]:
    for sentiment in sentence.sentiment:
        yield Key(sentence.start, sentence.end, None, sentiment.actor), sentiment
    for stance in sentence.stances:
        if stance.label != "neutral":
            yield Key(sentence.start, sentence.end, stance.holder, stance.target), stance
